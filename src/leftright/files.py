"""Writing so that a killed run leaves nothing or a whole result, and splitting work into parts.

One decision behind it: a result gets its name by a rename, as the last step. What is half done lies beside it under a name
that ends in `.partial`, where the next run finds it (to resume) or removes it (to start anew).

In a cluster a task's disk goes with its pod, and another try finds nothing beside its result. Where LEFTRIGHT_WORK
names a directory that stays, such as a mounted volume, what is half done and can be resumed lies there instead.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from leftright.errors import InputError

Item = TypeVar("Item")
_FINGERPRINT = ".fingerprint.json"
WORK = "LEFTRIGHT_WORK"


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it becomes `path` in one step, on an error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last, since writers choose their format by it.
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replace_directory(path: Path) -> Iterator[Path]:
    """Yield an empty directory beside `path`; on success it becomes `path`, whose former content goes."""
    partial = _partial_of(path)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        _swap(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def resume_directory(path: Path, fingerprint: dict[str, object]) -> Iterator[Path]:
    """Like `replace_directory`, but what an earlier, killed run left is kept and continued.

    fingerprint : what decides the result (parameters, input checksums); JSON values. What was begun under another
        fingerprint is thrown away. On an error the directory stays, so that the next call continues there.
    """
    wanted = json.dumps(fingerprint, sort_keys=True, default=str)
    with _place_of_work(path, wanted) as partial:
        marker = partial / _FINGERPRINT
        if not marker.exists() or marker.read_text() != wanted:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            with replace_file(marker) as temporary:
                temporary.write_text(wanted)
        yield partial
        beside = _brought_beside(partial, path)
        (beside / _FINGERPRINT).unlink()
        _swap(beside, path)
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _place_of_work(path: Path, wanted: str) -> Iterator[Path]:
    """Where to make `path`: beside it, or, named by its fingerprint, in the directory that LEFTRIGHT_WORK names."""
    root = os.environ.get(WORK)
    if not root:
        yield _partial_of(path)
        return
    place = Path(root) / f"{path.name}-{hashlib.sha256(wanted.encode()).hexdigest()[:20]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Another process does the very same work: each for itself then.
            yield _partial_of(path)
            return
        yield place


def _brought_beside(partial: Path, path: Path) -> Path:
    """The finished directory on the disk of `path`, where a rename can give it its name."""
    beside = _partial_of(path)
    if partial != beside:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(partial, beside)
    return beside


def _partial_of(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _swap(partial: Path, path: Path) -> None:
    # A directory cannot be replaced by rename while it has content: the old one steps aside first.
    old = path.with_name(path.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.replace(old)
    partial.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class Part:
    """Part `index` of `count` of a job, so that a pipeline can fan a stage out. Written "index/count", counted from 0."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read "2/4". Raises InputError for anything that is not 0 <= index < count."""
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
            raise InputError(f"--part {text!r}: write INDEX/COUNT with 0 <= INDEX < COUNT, such as 0/4")
        return cls(int(index), int(count))

    def of(self, items: Sequence[Item]) -> list[Item]:
        """This part's share of `items`: every `count`-th, so that the parts are disjoint and together are the whole."""
        return list(items[self.index :: self.count])
