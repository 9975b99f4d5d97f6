"""A git repository made ready to hold versions of data: DVC in it, and a remote that every clone finds."""

import configparser
from pathlib import Path

from leftright.errors import InputError
from pipelines.steps.repositories import dvc, shown

NAME = "storage"
# A file is moved into the cache and linked back: results are large, and the clone is not kept.
_LOCAL = "[cache]\n    type = reflink,hardlink,copy\n"


def make_ready(clone: Path, repo: str, remote: str) -> None:
    """Initialise DVC in a clone of `repo` where that is not done, and name the remote.

    remote : a URL or a folder; without one, what the repository names, else a folder beside it. Changes files and commits
    nothing. Raises InputError where there is no remote that every clone would find.
    """
    settings = clone / ".dvc/config"
    if not settings.exists():
        dvc(clone, "init", "--quiet")
    (clone / ".dvc/config.local").write_text(_LOCAL)
    name, known = default_remote(settings)
    wanted = _absolute(remote) if remote else known or _beside(repo)
    if not _found_from_everywhere(wanted):
        raise InputError(f"{shown(repo)}: its remote {wanted} is relative to a clone; name one that all clones find")
    if not known:
        dvc(clone, "remote", "add", "--quiet", "--force", "--default", NAME, wanted)
    elif known != wanted:
        dvc(clone, "remote", "modify", "--quiet", name, "url", wanted)


def default_remote(settings: Path) -> tuple[str, str]:
    """Name and URL of the default remote in a `.dvc/config`, as it is written there; ("", "") where there is none."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(settings)
    name = parser.get("core", "remote", fallback="").strip("\"'")
    return name, parser.get(f"'remote \"{name}\"'", "url", fallback="")


def _absolute(remote: str) -> str:
    return remote if "://" in remote else str(Path(remote).absolute())


def _found_from_everywhere(remote: str) -> bool:
    return "://" in remote or Path(remote).is_absolute()


def _beside(repo: str) -> str:
    """A folder beside the repository. Raises InputError where that is not on this machine."""
    path = Path(repo.removeprefix("file://"))
    if not path.exists():
        raise InputError(f"{shown(repo)}: names no DVC remote yet; say by --remote where the data go")
    path = path.absolute()
    return str(path.with_name(f"{path.name.removesuffix('.git')}-storage"))
