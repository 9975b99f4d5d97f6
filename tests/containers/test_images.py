"""The images themselves, built by `make images`: each as a cluster would run it, without network, rights or a writable disk."""

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from leftright import __version__
from leftright.stages import STAGES
from tests.container_images import ROOT, build_script, configuration, docker, packages, run

pytestmark = pytest.mark.containers

RUN_BY_TASKS = (*STAGES, "steps")


def tag(name: str) -> str:
    return str(build_script().Images().tag(name))


@pytest.fixture(scope="module", autouse=True)
def images_are_built() -> None:
    try:
        build_script().docker_program()
    except build_script().BuildError as error:
        pytest.fail(str(error))
    missing = [name for name in RUN_BY_TASKS if docker("image", "inspect", tag(name)).returncode]
    if missing:
        pytest.fail(f"no image {tag(missing[0])}: `make images` builds them, with a docker engine that answers")


@pytest.mark.parametrize("name", RUN_BY_TASKS)
def test_an_image_runs_what_it_is_told_and_not_as_root(name: str) -> None:
    settings = configuration(tag(name))
    assert not settings.get("Entrypoint")
    assert settings["User"] == "1000:1000"
    assert settings["Labels"]["org.opencontainers.image.version"] == __version__
    assert settings["Labels"]["org.opencontainers.image.title"] == f"leftright {name}"
    assert run(tag(name), "id", "-u", flags=("--user=1000:1000",)).strip() == "1000"


@pytest.mark.parametrize("name", RUN_BY_TASKS)
def test_an_image_holds_the_locks_versions_and_no_pipelines(name: str) -> None:
    lock = {line.split()[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}
    parents = packages(build_script().Images().stands_on("base"))  # pip and its like, which come with Python
    found = packages(tag(name))
    assert found - parents - lock == {f"leftright=={__version__}"}
    assert not [package for package in found if package.startswith("kfp")]


@pytest.mark.parametrize("name", RUN_BY_TASKS)
def test_a_stranger_may_write_in_the_home(name: str) -> None:
    written = docker(
        "run", "--rm", "--network=none", "--user=12345:0", tag(name), "sh", "-c", "echo here >~/note && cat ~/note"
    )
    assert written.stdout == "here\n", written.stderr


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_help_comes_from_its_image(stage: str) -> None:
    assert f"leftright {stage}" in run(tag(stage), "leftright", stage, "--help")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The smallest chain, each stage run in its own image as dvc.yaml would run it on this machine."""
    folder = tmp_path_factory.mktemp("job")
    shutil.copy(ROOT / "configs/smallest.yaml", folder / "params.yaml")
    (folder / "curation").mkdir()
    shutil.copy(ROOT / "curation/decisions.csv", folder / "curation")
    folder.chmod(0o777)
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in STAGES:
        command = stages[stage]["cmd"].replace("${" + stage + "}", "--params params.yaml").removeprefix("python -m ")
        run(tag(stage), *shlex.split(command), flags=job_flags(folder))
    yield folder


def job_flags(folder: Path) -> tuple[str, ...]:
    """What a job's container has beside the usual: the job's folder."""
    user = f"--user={os.getuid() or 12345}:0"
    return (user, f"--volume={folder}:/job", "--workdir=/job", "--env=LEFTRIGHT_TRACKING=none")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_smallest_job_runs_in_its_image(job: Path, stage: str) -> None:
    assert any((job / "data" / stage).iterdir())
    assert (job / "metrics" / f"{stage}.json").stat().st_size > 2


def test_collect_has_what_downloading_needs() -> None:
    program = (
        "import imageio_ffmpeg as f, subprocess, yt_dlp; subprocess.run([f.get_ffmpeg_exe(), '-version'], check=True)"
    )
    assert "ffmpeg version" in run(tag("collect"), "python3", "-c", program)


def test_tracking_works_in_a_stages_image(tmp_path: Path) -> None:
    """With the store in a file, which is what a stage falls back to."""
    tmp_path.chmod(0o777)
    program = (
        "from leftright import tracking\n"
        "with tracking.stage_run('report', {'seed': 1}) as run: print(type(run).__name__)"
    )
    flags = (*job_flags(tmp_path), "--env=LEFTRIGHT_TRACKING=")
    assert run(tag("report"), "python3", "-c", program, flags=flags).strip() == "_MlflowRun"


def test_steps_finds_its_modules_from_any_folder() -> None:
    run(tag("steps"), "python3", "-c", "import pipelines, dvc_s3, kubernetes", flags=("--workdir=/",))


def test_steps_fetches_versioned_data() -> None:
    """A repository is made in the container, and its data fetched by revision, as a pipeline's first task does."""
    script = """
    git init -q made && cd made && git config user.email test@example.org && git config user.name test && dvc init -q
    echo clips >data && dvc add -q data && git add . && git commit -qm data
    cd .. && dvc get -q made data --rev HEAD && cat data
    """
    assert run(tag("steps"), "sh", "-euc", script, flags=("--workdir=/tmp",)) == "clips\n"
