"""Whether what `dvc get` fetched is what the revision says: DVC hands out what the remote has, damaged or not.

The revision's `.dvc` files hold an MD5 of each file, or of a folder's listing, and the listing, which lies in the remote,
holds the MD5 of each file: first the listing is compared, then the files.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.tree import Tree

from pipelines.steps.repositories import site_cache

_LISTING = ".dir"


def damaged(clone: Path, commit: str, path: str, fetched: Path) -> str:
    """The first file of `path` whose copy below `fetched` is not what `commit` says, or ""; git's own files are not looked at.

    clone : of the data repository. path : what was fetched, within it. fetched : where it lies now.
    """
    config = {"core": {"site_cache_dir": str(site_cache(clone))}}
    with Repo.open(str(clone), rev=commit, subrepos=True, uninitialized=True, config=config) as repo:
        files = repo.dvcfs
        return next(chain(_listings(files, path), _files(files, path, fetched)), "")


def _listings(files: Any, path: str) -> Iterator[str]:
    """The folders at, above or below `path` whose listing has been changed."""
    # By walking, since a listing that has been emptied leaves no file from which to go up.
    below = (PurePosixPath(folder) for folder, _, _ in files.walk(path))
    folders = {*PurePosixPath(path).parents, *below}
    for folder in sorted(folders):
        kind, value = _checksum(files, str(folder))
        if value.endswith(_LISTING) and _digest(files, folder, kind) != value:
            yield f"{folder}/"


def _digest(files: Any, folder: PurePosixPath, kind: str) -> str:
    listed = (PurePosixPath(name) for name in files.find(str(folder)))
    entries = [
        {"md5": _checksum(files, str(name))[1], Tree.PARAM_RELPATH: str(name.relative_to(folder))} for name in listed
    ]
    tree = Tree.from_list(entries, hash_name=kind)
    tree.digest()
    return str(tree.oid)


def _files(files: Any, path: str, fetched: Path) -> Iterator[str]:
    for name in files.find(path):
        copy = fetched / PurePosixPath(name).relative_to(path)
        kind, value = _checksum(files, name)
        if value and not (copy.is_file() and file_md5(str(copy), name=kind) == value):
            yield str(name)


def _checksum(files: Any, name: str) -> tuple[str, str]:
    """The kind and value of the checksum that DVC holds of a file or folder; ("", "") for what is git's."""
    entry = files.info(name).get("dvc_info", {}).get("entry")
    known = entry.hash_info if entry is not None else None
    # Data of a remote that counts versions itself has no MD5.
    return (known.name, known.value) if known and known.name in ("md5", "md5-dos2unix") else ("", "")
