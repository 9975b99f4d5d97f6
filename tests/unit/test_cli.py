"""The command line as a person meets it: an overview, one line for what is wrong, and exit statuses."""

import subprocess
import sys

import pytest

from leftright import cli
from leftright.stages import STAGES


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_overview_has_a_line_for_every_command(words, capsys):
    assert cli.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    for command in cli.COMMANDS:
        (line,) = [line for line in lines if line.startswith(f"  {command} ")]
        assert len(line.split(maxsplit=1)[1]) > 10
        assert not line.endswith((".", '"'))


def test_stages_come_in_the_order_of_the_chain():
    assert tuple(cli.COMMANDS)[: len(STAGES)] == STAGES


def failure(words, capsys):
    """The only line on standard error."""
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


def test_an_unknown_command_is_told_what_there_is(capsys):
    line = failure(["train"], capsys)
    assert line.startswith("leftright train: no such command; there are simulate, collect")


def test_a_missing_flag_is_named(capsys):
    line = failure(["verify"], capsys)
    assert "--shards" in line
    assert line.endswith("leftright verify --help lists the flags")


def test_bad_input_is_one_line_that_names_the_file(tmp_path, capsys):
    line = failure(["verify", "--shards", str(tmp_path / "pack")], capsys)
    assert line.startswith(f"leftright verify: {tmp_path / 'pack' / 'index.parquet'}: no such table")


def test_a_defect_of_ours_keeps_its_traceback(monkeypatch):
    def execute(command, words):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "execute", execute)
    with pytest.raises(ZeroDivisionError):
        cli.main(["verify"])


def test_a_stage_that_fails_on_its_input_exits_with_2_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LEFTRIGHT_TRACKING", "none")
    flags = {
        "frame_rate": "6",
        "frame_size": "72",
        "jpeg_quality": "90",
        "clips_per_shard": "8",
        "num_workers": "1",
        "curated": tmp_path / "curate",
        "clips": tmp_path / "collect",
        "out": tmp_path / "pack",
        "metrics": tmp_path / "pack.json",
    }
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    assert "curated.parquet: no such table" in failure(["pack", *words], capsys)
    assert list(tmp_path.iterdir()) == []


def test_python_m_leftright_is_the_same_program():
    done = subprocess.run([sys.executable, "-m", "leftright", "train"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("leftright train: no such command")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stage", cli.IN_PROCESSES)
@pytest.mark.parametrize("count", ["two", "0", "-1", ""])
def test_a_wrong_number_of_processes_is_one_line(stage, count, monkeypatch, capsys):
    monkeypatch.setenv("LEFTRIGHT_PROCESSES", count)
    monkeypatch.delenv("RANK", raising=False)
    assert cli.main([stage]) == 2
    assert capsys.readouterr().err.startswith(f"leftright {stage}: LEFTRIGHT_PROCESSES={count}: give the number")
