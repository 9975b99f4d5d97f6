"""Data repositories in a temporary folder, what is in them, and a local S3 server."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.steps import fetch, publish
from pipelines.steps.repositories import dvc, git

IDENTITY = {f"GIT_{role}_{key}": "test" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


def bare(path: Path) -> Path:
    """An empty bare repository."""
    path.mkdir()
    git(path, "init", "--quiet", "--bare", "--initial-branch", "main")
    return path


def written(folder: Path, content: Mapping[str, bytes]) -> Path:
    """A folder with these files."""
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def project(folder: Path, videos: Mapping[str, bytes], others: Mapping[str, bytes]) -> Path:
    """A git repository in which DVC holds `data/videos`, pushed to `folder`-storage, and git the other files."""
    written(folder / "data/videos", videos)
    written(folder, others)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    dvc(folder, "init", "--quiet")
    dvc(folder, "remote", "add", "--quiet", "--default", "storage", str(storage(folder)))
    dvc(folder, "add", "--quiet", "data/videos")
    dvc(folder, "push")
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    """Commit everything; returns the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A version", **IDENTITY)
    return git(folder, "rev-parse", "HEAD")


def storage(folder: Path) -> Path:
    """Where `project` pushes to."""
    return folder.with_name(f"{folder.name}-storage")


def published(repo: Path, to: Path, **given: object) -> str:
    """Publish to `repo`; returns the commit."""
    publish.run(repo=str(repo), published_rev=to, **given)  # type: ignore[arg-type]
    return to.read_text()


def fetched(repo: Path, to: Path, **given: str) -> tuple[Path, str, str]:
    """Fetch from `repo`; returns the folder, the decisions and the commit."""
    fetch.run(repo=str(repo), out=to / "out", reviewed=to / "reviewed.csv", resolved_rev=to / "rev", **given)
    return to / "out", (to / "reviewed.csv").read_text(), (to / "rev").read_text()


@contextmanager
def s3_server(bucket: str) -> Iterator[str]:
    """A local S3 server that has the bucket; gives its URL. It is stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    url = f"http://127.0.0.1:{port}"
    try:
        _make_bucket(f"{url}/{bucket}", server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _make_bucket(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10):
                return
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None, "the S3 server has ended"
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.2)
