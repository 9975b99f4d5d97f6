"""Which code made a report: a real checkout in a temporary directory."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from leftright.reporting import provenance

_IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.org")


def git(*words: str) -> str:
    return subprocess.run(("git", *_IDENTITY, *words), check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    for name in ("code.py", "params.yaml", "dvc.lock"):
        (tmp_path / name).write_text("1\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    assert provenance.commit() == git("rev-parse", "HEAD")[:12]


def test_what_a_run_rewrites_and_parameters_are_not_code(checkout: Path) -> None:
    (checkout / "dvc.lock").write_text("2\n")
    (checkout / "params.yaml").write_text("2\n")
    assert "uncommitted" not in provenance.commit()


def test_changed_code_is_said(checkout: Path) -> None:
    (checkout / "code.py").write_text("2\n")
    assert provenance.commit().endswith(", with uncommitted changes")


def test_outside_a_checkout_it_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit() == "unknown"
    assert provenance.parameters_digest() == "unknown"


def test_the_parameters_digest_is_that_of_their_bytes(checkout: Path) -> None:
    assert provenance.parameters_digest() == hashlib.sha256(b"1\n").hexdigest()[:16]
