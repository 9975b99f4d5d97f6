"""How the installed program finds the commands of the project's folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def program(words, folder):
    """The program as its console script starts it: without the working directory among the places to import from."""
    source = f"import sys; sys.argv[1:] = {words!r}; from leftright.cli import main; sys.exit(main())"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONSAFEPATH": "1"}
    return subprocess.run([sys.executable, "-c", source], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("command", ["submit", "schedule"])
def test_elsewhere_it_says_where_to_run(command, tmp_path):
    done = program([command, "--help"], tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"leftright {command}: no module pipelines: run this in the project's folder, with leftright[pipelines] installed\n"
    )


def test_in_the_projects_folder_it_is_found():
    done = program(["schedule", "create", "--help"], ROOT)
    assert done.returncode == 0
    assert "--cron" in done.stdout


def test_without_kfp_it_says_what_to_install(tmp_path):
    (tmp_path / "pipelines").symlink_to(ROOT / "pipelines")
    (tmp_path / "kfp.py").write_text("raise ModuleNotFoundError(\"No module named 'kfp'\", name='kfp')\n")
    done = program(["submit", "--help"], tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "leftright submit: no module kfp: run this in the project's folder, with leftright[pipelines]"
    )


def test_the_overview_lists_them_everywhere(tmp_path):
    done = program(["--help"], tmp_path)
    assert done.returncode == 0
    assert "  submit      (in the project's folder only)" in done.stdout
