"""A model's origin: what a pipeline says goes before the environment, and that before the project's own commit."""

import subprocess
from pathlib import Path

import pytest

from leftright import lineage
from leftright.errors import InputError
from leftright.lineage import Lineage


@pytest.fixture(autouse=True)
def nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEFTRIGHT_DATA_REV", "LEFTRIGHT_KFP_RUN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def git(*words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    return subprocess.run(("git", *identity, *words), capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> str:
    """A DVC project whose lock file is committed; returns the commit."""
    for name in (".dvc/config", "dvc.lock", "params.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a: 1")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    return git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("words", "rest", "taken"),
    [
        (["--out", "o"], ["--out", "o"], Lineage()),
        (["--data-rev", "abc", "--out", "o"], ["--out", "o"], Lineage("abc")),
        (["--kfp_run=r", "--out", "o", "--data_rev", ""], ["--out", "o"], Lineage("", "r")),
        (["a", "--kfp-run", "--x"], ["a"], Lineage("", "--x")),
    ],
)
def test_the_flags_are_taken_out(words, rest, taken):
    assert lineage.take(words) == (rest, taken)


def test_a_flag_without_its_text_is_named():
    with pytest.raises(InputError, match="--kfp-run: its text is missing"):
        lineage.take(["--kfp-run"])


def test_flags_go_before_the_environment(monkeypatch):
    assert lineage.current("m", ()) == Lineage("", "", "m")
    monkeypatch.setenv("LEFTRIGHT_DATA_REV", "env")
    monkeypatch.setenv("LEFTRIGHT_KFP_RUN", "env-run")
    assert lineage.current("", ()) == Lineage("env", "env-run", "")
    with lineage.handed(Lineage("flag")):
        assert lineage.current("", ()) == Lineage("flag", "env-run", "")
    assert lineage.current("", ()) == Lineage("env", "env-run", "")


def test_data_of_the_project_are_of_its_commit(project, tmp_path, monkeypatch):
    assert lineage.current("", (Path("data/pack"),)).data_rev == project
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    assert lineage.current("", (Path("pack"),)).data_rev == project


def test_data_from_elsewhere_are_of_no_commit_of_ours(project, tmp_path):
    assert lineage.current("", (Path("data/pack"), tmp_path.parent / "elsewhere")).data_rev == ""


@pytest.mark.parametrize("name", ["dvc.lock", "params.yaml"])
def test_a_change_since_the_commit_is_said(project, name):
    Path(name).write_text("a: 2")
    assert lineage.current("", ()).data_rev == project + "+"


def test_a_file_that_git_does_not_track_is_no_change(project):
    Path("notes.txt").write_text("x")
    assert lineage.current("", ()).data_rev == project


def test_a_commit_without_the_lock_file_does_not_give_the_data_back(project):
    git("rm", "--quiet", "--cached", "dvc.lock")
    git("commit", "--quiet", "--message", "two")
    assert lineage.current("", ()).data_rev == git("rev-parse", "HEAD") + "+"


def test_without_git_or_without_dvc_it_is_unknown(project, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "")
        assert lineage.current("", ()).data_rev == ""
    (tmp_path / ".dvc").rename(tmp_path / "dvc")
    assert lineage.current("", ()).data_rev == ""


def test_a_project_without_a_commit_has_none(tmp_path):
    (tmp_path / ".dvc").mkdir()
    git("init", "--quiet")
    assert lineage.current("", ()).data_rev == ""
