"""git and DVC as programs: what they say when they fail becomes one line, without the secrets of a URL.

Programs and not libraries, since DVC's own clone knows fewer ways than git to be let into a private repository, and since a
task must end with a line whatever a remote's library raises.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from leftright.errors import InputError

_USER = re.compile(r"(?<=://)[^/@\s]+@")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ENDPOINT = "AWS_ENDPOINT_URL"
_UNEXPECTED = "unexpected error - "


@contextmanager
def cloned(repo: str) -> Iterator[Path]:
    """A clone of `repo`, nothing checked out, for as long as the context lasts.

    repo : a URL or a path. Raises InputError where there is no such repository, or none that we are let into.
    """
    with TemporaryDirectory(prefix="leftright-") as folder:
        clone = Path(folder) / "clone"
        try:
            git(Path.cwd(), "clone", "--quiet", "--no-checkout", "--", repo, str(clone))
        except InputError as error:
            raise InputError(f"{shown(repo)}: cannot be cloned ({error}); correct it, or see to the access") from None
        yield clone


def shown(url: str) -> str:
    """`url` as it may stand in a log: without a user's name or token."""
    return _USER.sub("", url)


def git(folder: Path, *words: str, **environment: str) -> str:
    """What git prints. Raises InputError with git's own complaint."""
    return _said(["git", "-C", str(folder), *words], environment)


def dvc(folder: Path, *words: str) -> str:
    """What DVC prints, run in `folder`. Raises InputError with DVC's own complaint."""
    # DVC keeps an index for each clone: beside it, so that both go together.
    settings = {"DVC_SITE_CACHE_DIR": str(site_cache(folder))}
    return _said([sys.executable, "-m", "dvc", "--cd", str(folder), *words], settings)


def site_cache(clone: Path) -> Path:
    """Where DVC keeps what it knows of a clone."""
    return clone.parent / "cache"


@contextmanager
def s3_endpoint(url: str) -> Iterator[None]:
    """S3 clients of this process and of its children speak to `url`; with "" all is as it was."""
    before = os.environ.get(_ENDPOINT)
    if url:
        os.environ[_ENDPOINT] = url
    try:
        yield
    finally:
        if url and before is None:
            del os.environ[_ENDPOINT]
        elif before is not None:
            os.environ[_ENDPOINT] = before


def _said(command: list[str], environment: Mapping[str, str]) -> str:
    # Nobody is there to type a password, and a task has nothing to report to DVC's makers.
    settings = {"GIT_TERMINAL_PROMPT": "0", "DVC_NO_ANALYTICS": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings, **environment})
    if done.returncode:
        raise InputError(_complaint(done.stderr or done.stdout) or f"{command[0]} ended with {done.returncode}")
    return done.stdout.strip()


def _complaint(text: str) -> str:
    """The line that says what went wrong."""
    lines = [line.strip() for line in _COLOUR.sub("", shown(text)).splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(fatal|error|remote error): ", line, re.IGNORECASE)]
    line = (telling or lines or [""])[0]
    return re.sub(r"^(fatal|error): ", "", line, flags=re.IGNORECASE).removeprefix(_UNEXPECTED)
