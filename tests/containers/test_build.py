"""The images' description and the script that builds them, without an engine: a stand-in program notes what docker is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leftright import __version__
from leftright.stages import STAGES
from tests.container_images import ROOT, build_script

PARENTS = ("base", "media", "torch")
DOCKERFILES = sorted((ROOT / "containers").glob("*/Dockerfile"))


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in for docker writes the words of each call, one call a line."""
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/notes\n. {tmp_path}/answer\n')
    program.chmod(0o755)
    (tmp_path / "answer").write_text("")
    monkeypatch.setenv("DOCKER", str(program))
    monkeypatch.delenv("LEFTRIGHT_REGISTRY", raising=False)
    monkeypatch.setattr(build_script(), "LOGS", tmp_path)
    return tmp_path / "notes"


def built(notes: Path) -> list[str]:
    """The images that docker was told to build, in that order."""
    calls = [line.split() for line in notes.read_text().splitlines()]
    files = [word for call in calls if call[0] == "build" for word in call if word.startswith("--file=")]
    return [Path(file.removeprefix("--file=")).parent.name for file in files]


def test_there_is_an_image_for_each_stage_and_nothing_unknown() -> None:
    assert {path.parent.name for path in DOCKERFILES} == {*STAGES, *PARENTS, "steps", "mlflow"}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_a_dockerfile_keeps_the_rules_of_the_house(path: Path) -> None:
    lines = path.read_text().splitlines()
    words = [line.split()[0] for line in lines if line.strip()]
    users = [line for line in lines if line.startswith("USER")]
    assert "ENTRYPOINT" not in words  # Kubernetes' command would replace it, docker's would not
    assert users[-1] == "USER 1000:1000"
    assert not lines[0].startswith("# syntax")  # it would pull a frontend from a registry
    assert f'org.opencontainers.image.title="leftright {path.parent.name}"' in path.read_text()


def test_the_version_is_the_packages() -> None:
    assert build_script().package_version() == __version__


def test_a_parent_is_built_before_what_stands_on_it(notes: Path) -> None:
    assert build_script().main([]) == 0
    order = built(notes)
    images = build_script().Images()
    assert sorted(order) == images.names()
    for name, parents in images.needed_for(order).items():
        assert all(order.index(parent) < order.index(name) for parent in parents)


def test_one_image_is_built_with_what_it_stands_on_alone(notes: Path) -> None:
    assert build_script().main(["filter"]) == 0
    assert built(notes) == ["base", "media", "filter"]


def test_the_tag_has_registry_and_version(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFTRIGHT_REGISTRY", "registry.example/team")
    assert build_script().main(["report"]) == 0
    assert f"--tag=registry.example/team/leftright-report:{__version__}" in notes.read_text()
    assert "--build-arg=REGISTRY=registry.example/team" in notes.read_text()


def test_an_unknown_image_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert build_script().main(["filtre"]) == 2
    error = capsys.readouterr().err
    assert "no image filtre; there are base, collect" in error and error.count("\n") == 1


def test_a_missing_program_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER", "no-such-docker")
    assert build_script().main(["report"]) == 2
    assert capsys.readouterr().err == "images: no program no-such-docker: install docker, or name it in DOCKER\n"


def test_an_engine_that_does_not_answer_is_said_in_one_line(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes.parent / "answer").write_text("echo Cannot connect >&2; exit 1")
    assert build_script().main(["report"]) == 2
    error = capsys.readouterr().err
    assert "no docker engine answers" in error and "Cannot connect" in error and error.count("\n") == 1


def test_a_failed_build_shows_the_end_of_its_log_and_begins_nothing_more(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (notes.parent / "answer").write_text("[ $1 != build ] || { echo no space left; exit 1; }")
    assert build_script().main(["filter"]) == 2
    assert built(notes) == ["base"]
    assert "base: not built" in (error := capsys.readouterr().err) and "no space left" in error


def test_sizes_are_a_table_and_what_is_not_here_is_said(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes.parent / "answer").write_text(
        "case $* in *leftright-pack*) exit 1;; *media*) echo 3000000;; *) echo 5000000;; esac"
    )
    assert build_script().main(["filter", "pack", "--sizes"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[2:] == ["| filter | media | 5.0 | 2.0 |", "| pack | media | not built | not built |"]


def test_what_stands_on_a_stand_in_is_not_pushed(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes.parent / "answer").write_text("echo true")
    assert build_script().main(["--push"]) == 2
    assert "is not pushed" in capsys.readouterr().err
    assert "\npush" not in notes.read_text()


def test_push_pushes_each_image(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFTRIGHT_REGISTRY", "registry.example/team")
    assert build_script().main(["filter", "report", "--push"]) == 0
    pushed = [line.split()[1] for line in notes.read_text().splitlines() if line.startswith("push")]
    assert pushed == [f"registry.example/team/leftright-{name}:{__version__}" for name in ("filter", "report")]


def test_it_runs_as_a_program_from_anywhere(tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER": "no-such-docker"}
    command = [sys.executable, str(ROOT / "containers/build"), "report"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("images: no program")
