"""Fetch gives what a revision says, or one line and nothing."""

import shutil
from pathlib import Path

import pytest

from pipelines.steps import __main__ as command
from pipelines.steps.repositories import dvc, git
from tests.unit.pipelines.steps.data_repositories import commit, content, fetched, project, storage, written

HEADER = "video,verdict,reviewer,time,note\n"
DECISIONS = HEADER + "v1,accept,r,2026-01-31T12:00,\n"
ONE = {"v1.mp4": b"one", "sub/v2.mp4": b"two"}
TWO = {"v1.mp4": b"one", "sub/v2.mp4": b"other", "v3.mp4": b"three"}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A data repository and the commits of its two versions."""
    folder = tmp_path_factory.mktemp("repositories") / "data"
    project(folder, ONE, {"curation/decisions.csv": DECISIONS.encode(), "lists/urls.csv": b"id,start,end\n"})
    first = commit(written(folder, {"notes.txt": b"x"}))
    shutil.rmtree(folder / "data/videos")
    written(folder / "data/videos", TWO)
    dvc(folder, "add", "--quiet", "data/videos")
    dvc(folder, "push")
    return folder, first, commit(folder)


@pytest.fixture
def damageable(versions, tmp_path) -> tuple[Path, Path, str]:
    """A copy of the second version whose remote may be damaged: the repository, its remote, the commit."""
    repo = tmp_path / "data"
    shutil.copytree(versions[0], repo)
    shutil.copytree(storage(versions[0]), storage(repo))
    dvc(repo, "remote", "modify", "--quiet", "storage", "url", str(storage(repo)))
    for path in storage(repo).rglob("*"):
        path.chmod(0o755)
    return repo, storage(repo), commit(repo)


@pytest.mark.slow
def test_a_version_comes_with_its_decisions(versions, tmp_path):
    repo, first, second = versions
    out, decisions, rev = fetched(
        repo, tmp_path / "1", rev=first, path="data/videos", decisions="curation/decisions.csv"
    )
    assert (content(out / "data/videos"), decisions, rev) == (ONE, DECISIONS, first)
    assert [path.name for path in (out / "data").iterdir()] == ["videos"]
    out, decisions, rev = fetched(repo, tmp_path / "2", path="data/videos/")
    assert (content(out / "data/videos"), decisions, rev) == (TWO, HEADER, second)


@pytest.mark.slow
def test_a_revision_may_be_a_branch_or_the_beginning_of_a_commit(versions, tmp_path):
    repo, first, second = versions
    out, _, rev = fetched(repo, tmp_path / "1", rev="main", path="lists/urls.csv")
    assert (content(out), rev) == ({"lists/urls.csv": b"id,start,end\n"}, second)
    out, _, rev = fetched(repo, tmp_path / "2", rev=first[:10], path="data/videos/sub")
    assert (content(out), rev) == ({"data/videos/sub/v2.mp4": b"two"}, first)
    out, _, rev = fetched(repo, tmp_path / "3", rev=second, path="data")
    assert content(out / "data/videos") == TWO


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A git repository that DVC has not seen."""
    folder = written(tmp_path / "plain", {"lists/urls.csv": b"id,start,end\n", "decisions.csv": DECISIONS.encode()})
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def test_a_repository_without_dvc_will_do(plain, tmp_path):
    out, decisions, rev = fetched(plain, tmp_path / "1", path="lists", decisions="decisions.csv")
    assert (content(out), decisions) == ({"lists/urls.csv": b"id,start,end\n"}, DECISIONS)
    assert rev == git(plain, "rev-parse", "main")


def test_without_a_repository_there_is_nothing_and_no_decision(tmp_path):
    out, decisions, rev = fetched("", tmp_path)
    assert (content(out), decisions, rev) == ({}, HEADER, "")


def refused(capsys, tmp_path: Path, *words: str) -> str:
    """The one line that the command says; nothing is written."""
    outputs = [tmp_path / "got" / name for name in ("out", "reviewed", "rev")]
    places = ["--out", str(outputs[0]), "--reviewed", str(outputs[1]), "--resolved_rev", str(outputs[2])]
    assert command.main(["fetch", *words, *places]) == 2
    assert not (tmp_path / "got").exists() or content(tmp_path / "got") == {}
    assert not outputs[0].exists()
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_what_cannot_be_had_is_one_line(plain, tmp_path, capsys):
    repo, first = plain, git(plain, "rev-parse", "main")
    missing = tmp_path / "missing.git"
    assert f"fetch: {missing}: cannot be cloned" in refused(capsys, tmp_path, "--repo", str(missing))
    line = refused(capsys, tmp_path, "--repo", "https://someone:secret@127.0.0.1:9/data.git")
    assert "127.0.0.1" in line
    assert "secret" not in line
    assert "has no revision 'gone'" in refused(capsys, tmp_path, "--repo", str(repo), "--rev", "gone")
    assert "--repo is empty" in refused(capsys, tmp_path, "--path", "data/videos")
    assert "not a path within" in refused(capsys, tmp_path, "--repo", str(repo), "--path", "../data")
    line = refused(capsys, tmp_path, "--repo", str(repo), "--rev", first, "--path", "data/gone")
    assert line == f"fetch: {repo} at {first[:12]}: data/gone: no such file or folder in this revision"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["data/videos", "data/videos/sub", "data"])
def test_a_damaged_file_is_refused(damageable, tmp_path, capsys, path):
    """DVC itself hands it out."""
    repo, remote, _ = damageable
    (damaged,) = (path for path in remote.rglob("*") if path.is_file() and path.read_bytes() == b"other")
    damaged.write_bytes(b"rehto")
    line = refused(capsys, tmp_path, "--repo", str(repo), "--path", path)
    assert "data/videos/sub/v2.mp4 is damaged in the remote" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "entries"),
    [
        ("data/videos", '{"md5": "795f3202b17cb6bc3d4b771d8c6c9eaf", "relpath": "sub/v2.mp4"}'),
        ("data/videos/sub", '{"md5": "795f3202b17cb6bc3d4b771d8c6c9eaf", "relpath": "sub/v2.mp4"}'),
        ("data", '{"md5": "795f3202b17cb6bc3d4b771d8c6c9eaf", "relpath": "sub/v2.mp4"}'),
        ("data/videos", ""),
        ("data", ""),
    ],
)
def test_a_folders_changed_listing_is_refused(damageable, tmp_path, capsys, path, entries):
    """Files less in the listing of the second version, and DVC hands out what is left of it."""
    repo, remote, _ = damageable
    (listing,) = (path for path in remote.rglob("*.dir") if b"v3.mp4" in path.read_bytes())
    listing.write_text(f"[{entries}]")
    line = refused(capsys, tmp_path, "--repo", str(repo), "--path", path)
    assert "data/videos/ is damaged in the remote" in line


@pytest.mark.slow
def test_data_that_were_not_pushed_are_one_line(damageable, tmp_path, capsys):
    repo, remote, _ = damageable
    for path in remote.rglob("*"):
        if path.is_file() and path.read_bytes() == b"other":
            path.unlink()
    assert "its data is not in the remote" in refused(capsys, tmp_path, "--repo", str(repo), "--path", "data/videos")
    shutil.rmtree(remote)
    assert "its data is not in the remote" in refused(capsys, tmp_path, "--repo", str(repo), "--path", "data/videos")
