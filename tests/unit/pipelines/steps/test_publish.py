"""What is published is what is fetched, a commit never points at data that is not there, and nobody's version is lost."""

import json
import os
import shutil
from pathlib import Path

import pytest

from leftright.errors import InputError
from pipelines.steps import publish, storage
from pipelines.steps.repositories import git
from tests.unit.pipelines.steps.data_repositories import (
    bare,
    commit,
    content,
    fetched,
    published,
    s3_server,
    written,
)

MODEL = {"model.pt": bytes(range(256)), "curves.csv": b"step\n1\n", "empty": b""}
OTHER = {"model.pt": b"other", "curves.csv": b"step\n1\n"}


@pytest.fixture
def repo(tmp_path) -> Path:
    return bare(tmp_path / "results.git")


def log(repo: Path, *words: str) -> list[str]:
    return git(repo, "log", "main", *words).splitlines()


@pytest.mark.slow
def test_two_versions_come_back_byte_by_byte(repo, tmp_path):
    parts = (written(tmp_path / "a", {"0.mkv": b"0"}), written(tmp_path / "b", {"sub/1.mkv": b"1"}))
    page = tmp_path / "page"
    page.write_text("<p>")
    model = written(tmp_path / "model", MODEL)
    first = published(repo, tmp_path / "1", clips=parts, models=(model,), report=page, kfp_run="run-7", data_rev="abc")
    assert log(repo, "--format=%an <%ae>%n%B") == [
        "leftright <leftright@localhost>",
        "Publish clips, models, report",
        "",
        "KFP-Run: run-7",
        "Data-Rev: abc",
    ]
    second = published(repo, tmp_path / "2", models=(written(tmp_path / "other", OTHER),), clips=parts[1:])
    assert content(fetched(repo, tmp_path / "f1", rev=first, path="models")[0] / "models") == MODEL
    assert content(fetched(repo, tmp_path / "f2", rev=second, path="models")[0] / "models") == OTHER
    assert content(fetched(repo, tmp_path / "f3", rev=first, path="clips")[0] / "clips") == {
        "0/0.mkv": b"0",
        "1/sub/1.mkv": b"1",
    }
    # Fewer parts than before leave no old part behind; what is not given stays as it was.
    assert content(fetched(repo, tmp_path / "f4", rev=second, path="clips")[0] / "clips") == {"0/sub/1.mkv": b"1"}
    assert content(fetched(repo, tmp_path / "f5", rev=second, path="report")[0]) == {"report": b"<p>"}
    assert content(model) == MODEL


@pytest.mark.slow
def test_the_parts_of_what_is_trained_lie_side_by_side(repo, tmp_path):
    """As if the stage had run whole, so that one path gets every model; a part that had nothing to do may have no folder."""
    models = (
        written(tmp_path / "m0", {"flip/model.pt": b"f"}),
        tmp_path / "none",
        written(tmp_path / "m2", {"shift/model.pt": b"s"}),
    )
    reasons = ({"track/supervised": "no network"}, {}, {"separate/supervised": "no network"})
    tuned = tuple(
        written(tmp_path / f"t{number}", {"not_run.json": json.dumps(each).encode(), f"track/v{number}/model.pt": b"m"})
        for number, each in enumerate(reasons)
    )
    tuned[0].chmod(0o555)
    first = published(repo, tmp_path / "1", models=models, finetuned=tuned)
    found = content(fetched(repo, tmp_path / "f1", rev=first, path="models")[0] / "models")
    assert found == {"flip/model.pt": b"f", "shift/model.pt": b"s"}
    found = content(fetched(repo, tmp_path / "f2", rev=first, path="finetuned")[0] / "finetuned")
    assert json.loads(found.pop("not_run.json")) == reasons[0] | reasons[2]
    assert set(found) == {f"track/v{number}/model.pt" for number in range(3)}


def test_parts_that_hold_the_same_file_are_of_two_runs(repo, tmp_path):
    models = tuple(written(tmp_path / name, {"flip/model.pt": name.encode()}) for name in ("a", "b"))
    with pytest.raises(InputError, match=r"b/flip/model\.pt: another part has a file of this name too"):
        published(repo, tmp_path / "rev", models=models)


@pytest.mark.slow
def test_the_same_content_is_the_same_version(repo, tmp_path):
    model = written(tmp_path / "model", MODEL)
    first = published(repo, tmp_path / "1", models=(model,), kfp_run="run-1")
    remote = tmp_path / "results-storage"
    shutil.rmtree(remote)
    assert published(repo, tmp_path / "2", models=(model,), kfp_run="run-2") == first
    assert len(log(repo, "--oneline")) == 1
    # Data that the remote has lost are there again.
    assert content(fetched(repo, tmp_path / "f", path="models")[0] / "models") == MODEL


@pytest.mark.slow
def test_a_publisher_that_is_stopped_leaves_no_commit_without_its_data(repo, tmp_path, monkeypatch):
    """Whatever fails, the branch is where it was, or its data can be had."""
    first = published(repo, tmp_path / "1", models=(written(tmp_path / "model", MODEL),))
    other = written(tmp_path / "other", OTHER)
    for failing in (("dvc", "push"), ("git", "commit"), ("git", "push")):
        with monkeypatch.context() as patched:
            _fail_at(patched, *failing)
            with pytest.raises(KeyboardInterrupt):
                published(repo, tmp_path / "2", models=(other,))
        assert log(repo, "--format=%H") == [first]
        assert not (tmp_path / "2").exists()
    second = published(repo, tmp_path / "2", models=(other,))
    assert log(repo, "--format=%H") == [second, first]


def _fail_at(monkeypatch: pytest.MonkeyPatch, program: str, command: str) -> None:
    real = getattr(publish, program)

    def stopped(folder: Path, *words: str, **environment: str) -> str:
        if words[0] == command:
            raise KeyboardInterrupt
        return real(folder, *words, **environment)

    monkeypatch.setattr(publish, program, stopped)


@pytest.mark.slow
@pytest.mark.parametrize("is_first_version", [True, False])
def test_of_two_publishers_at_a_time_none_is_lost(repo, tmp_path, monkeypatch, is_first_version):
    """The second publishes, the same and another artifact, between the first one's commit and its push."""
    if not is_first_version:
        published(repo, tmp_path / "0", models=(written(tmp_path / "before", {"model.pt": b"before"}),))
    real, others = publish.git, []
    packed = (written(tmp_path / "packed", {"shard.tar": b"shard"}),)

    def overtaken(folder: Path, *words: str, **environment: str) -> str:
        if words[0] == "push" and not others:
            others.append("")
            others[0] = published(
                repo, tmp_path / "theirs", models=(written(tmp_path / "other", OTHER),), packed=packed
            )
        return real(folder, *words, **environment)

    monkeypatch.setattr(publish, "git", overtaken)
    ours = published(repo, tmp_path / "ours", models=(written(tmp_path / "model", MODEL),))
    assert log(repo, "--format=%H")[:2] == [ours, others[0]]
    assert content(fetched(repo, tmp_path / "f1", rev=ours, path="models")[0] / "models") == MODEL
    assert content(fetched(repo, tmp_path / "f2", rev=others[0], path="models")[0] / "models") == OTHER
    assert content(fetched(repo, tmp_path / "f3", rev=ours, path="packed")[0]) == {"packed/0/shard.tar": b"shard"}


@pytest.mark.slow
def test_a_new_branch_begins_at_the_default_one(repo, tmp_path, monkeypatch):
    first = published(repo, tmp_path / "1", models=(written(tmp_path / "model", MODEL),))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Environment")
    second = published(repo, tmp_path / "2", branch="trial", curated=written(tmp_path / "curated", {"a": b"1"}))
    assert git(repo, "log", "trial", "--format=%H %an").splitlines() == [
        f"{second} Environment",
        f"{first} leftright",
    ]
    third = published(repo, tmp_path / "3", models=(written(tmp_path / "o", OTHER),), author="Flag <flag@example.org>")
    assert git(repo, "log", "-1", "main", "--format=%H %an <%ce>") == f"{third} Flag <flag@example.org>"


def test_what_cannot_be_published_is_one_line(repo, tmp_path):
    model = written(tmp_path / "model", MODEL)
    for given, complaint in (
        ({}, "nothing to publish; give one of --clips"),
        ({"curated": tmp_path / "gone"}, "gone: no such artifact"),
        ({"models": (tmp_path / "gone", tmp_path / "gone-too")}, "gone: no such folder"),
        ({"models": (model,), "author": "nobody"}, 'write it as "name <address>"'),
    ):
        with pytest.raises(InputError, match=complaint):
            published(repo, tmp_path / "rev", **given)
    with pytest.raises(InputError, match="cannot be cloned"):
        published(tmp_path / "gone.git", tmp_path / "rev", models=(model,))
    assert git(repo, "for-each-ref") == ""
    assert not (tmp_path / "rev").exists()


def test_a_name_that_git_holds_itself_is_refused(tmp_path):
    folder = written(tmp_path / "project", {"models/model.pt": b"mine"})
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    with pytest.raises(InputError, match="git tracks models itself"):
        published(folder, tmp_path / "rev", models=(written(tmp_path / "model", MODEL),))


@pytest.mark.slow
def test_files_that_dvc_would_leave_out_are_refused(repo, tmp_path):
    first = published(repo, tmp_path / "1", models=(written(tmp_path / "model", MODEL),))
    git(tmp_path, "clone", "--quiet", str(repo), "work")
    written(tmp_path / "work", {".dvcignore": b"*.csv\n"})
    ignoring = commit(tmp_path / "work")
    git(tmp_path / "work", "push", "--quiet", "origin", "HEAD:main")
    with pytest.raises(InputError, match=r"models: 1 of 2 files are left out by \.dvcignore"):
        published(repo, tmp_path / "2", models=(written(tmp_path / "other", OTHER),))
    assert log(repo, "--format=%H") == [ignoring, first]


def configured(clone: Path, text: str) -> Path:
    """The settings of a clone in which DVC is initialised."""
    (clone / ".dvc").mkdir(parents=True)
    (clone / ".dvc/config").write_text(text)
    return clone / ".dvc/config"


def test_a_remote_that_the_repository_names_is_kept(repo, tmp_path):
    text = "[core]\n    remote = mine\n['remote \"mine\"']\n    url = s3://bucket/x\n    jobs = 2\n"
    settings = configured(tmp_path / "clone", text)
    assert storage.default_remote(settings) == ("mine", "s3://bucket/x")
    storage.make_ready(tmp_path / "clone", str(repo), "")
    assert settings.read_text() == text


def test_a_remote_that_only_one_clone_would_find_is_refused(repo, tmp_path):
    configured(tmp_path / "clone", "[core]\n    remote = mine\n['remote \"mine\"']\n    url = ../storage\n")
    with pytest.raises(InputError, match=r"its remote \.\./storage is relative to a clone"):
        storage.make_ready(tmp_path / "clone", str(repo), "")


def test_a_repository_elsewhere_must_be_given_a_remote(tmp_path):
    configured(tmp_path / "clone", "")
    with pytest.raises(InputError, match="names no DVC remote yet; say by --remote"):
        storage.make_ready(tmp_path / "clone", "https://example.org/results.git", "")


@pytest.mark.slow
def test_versions_in_s3(repo, tmp_path, monkeypatch):
    """On a local server, found by the environment while publishing and by the flag while fetching."""
    model = written(tmp_path / "model", MODEL)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with s3_server("results") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        first = published(repo, tmp_path / "1", remote="s3://results/versions", models=(model,))
        second = published(repo, tmp_path / "2", models=(written(tmp_path / "other", OTHER),))
        assert url not in git(repo, "show", "main:.dvc/config")
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        for rev, expected in ((first, MODEL), (second, OTHER)):
            out = fetched(repo, tmp_path / rev, rev=rev, path="models", endpoint_url=url)[0]
            assert content(out / "models") == expected
        assert "AWS_ENDPOINT_URL" not in os.environ
        with pytest.raises(InputError, match="bucket does not exist"):
            published(repo, tmp_path / "3", remote="s3://gone/versions", models=(model,), endpoint_url=url)
    with pytest.raises(InputError, match="Could not connect"):
        fetched(repo, tmp_path / "f", rev=first, path="models", endpoint_url=url)
    with pytest.raises(InputError, match="its remote does not take the data"):
        published(repo, tmp_path / "3", models=(model,), endpoint_url=url)
    assert log(repo, "--format=%H") == [second, first]
