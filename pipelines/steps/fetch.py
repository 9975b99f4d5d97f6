"""Fetch one version of the data: a file or folder of a git repository at a revision, by `dvc get --rev`.

What arrives is compared with the checksums that the revision holds, since DVC hands out what the remote has. The decisions of
curation come from the same revision.
"""

import logging
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from leftright.data.curation import COLUMNS
from leftright.errors import InputError
from leftright.files import replace_directory, replace_file
from pipelines.steps.checksums import damaged
from pipelines.steps.repositories import cloned, dvc, git, s3_endpoint, shown

_log = logging.getLogger(__name__)


def run(
    *,
    repo: str = "",
    rev: str = "",
    path: str = "",
    decisions: str = "",
    endpoint_url: str = "",
    out: Path,
    reviewed: Path,
    resolved_rev: Path,
) -> None:
    """Fetch.

    repo : the data repository, a URL or path; without one nothing is fetched. rev : a commit, tag or branch; without one, the
    head of the default branch. path : the file or folder, DVC's or git's; none if empty. decisions : the CSV of people's
    decisions; none if empty, or without a repository. endpoint_url : of an S3 server that is not Amazon's.
    out : a folder, gets the file or folder under its path in the repository. reviewed : gets the decisions, without
    any just the header. resolved_rev : gets the full name of the commit. Raises InputError where any of it cannot be had, or is
    damaged.
    """
    path, decisions = _inside(path), _inside(decisions)
    if path and not repo:
        raise InputError(f"--repo is empty: name the repository that holds {path}")
    with s3_endpoint(endpoint_url), cloned(repo) if repo else nullcontext() as clone:
        version = Version(clone, shown(repo), commit_of(clone, repo, rev)) if clone else None
        if version is not None:
            _log.info("fetch: %s at %s", version.repo, version.commit)
        _place(version, path, decisions, out, reviewed)
    with replace_file(resolved_rev) as temporary:
        temporary.write_text(version.commit if version is not None else "")


def _inside(path: str) -> str:
    """`path` without what says nothing. Raises InputError for one that leads out of the repository."""
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts:
        raise InputError(f"{path}: not a path within the repository; write it relative to its root")
    return str(plain) if plain.parts else ""


@dataclass(frozen=True)
class Version:
    """A commit of the data repository. clone : of it. repo : how it is called in messages."""

    clone: Path
    repo: str
    commit: str

    def fetch(self, path: str, to: Path) -> None:
        """Raises InputError where `path` cannot be had, or is not what the commit says."""
        where = f"{self.repo} at {self.commit[:12]}: {path}"
        try:
            dvc(self.clone, "get", ".", path, "--rev", self.commit, "--out", str(to.absolute()))
        except InputError as error:
            raise InputError(f"{where}: {_reason(str(error), path)}") from None
        if broken := damaged(self.clone, self.commit, path, to):
            raise InputError(
                f"{where}: {broken} is damaged in the remote, its checksum is another; remove it there and push it again"
            )


def _reason(complaint: str, path: str) -> str:
    """What DVC's complaint means."""
    if complaint == f"['{path}']":
        return "no such file or folder in this revision"
    if "[Errno 2]" in complaint:
        return f"its data is not in the remote ({complaint}); run `dvc push` where it was made"
    return complaint


def commit_of(clone: Path, repo: str, rev: str) -> str:
    """The full name of the commit that `rev` names; of a branch, as the repository has it now."""
    for name in (f"refs/remotes/origin/{rev}", rev) if rev else ("HEAD",):
        try:
            return git(clone, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}")
        except InputError:
            continue
    raise InputError(f"{shown(repo)}: has no revision {rev or 'HEAD'!r}; name a commit, a tag or a branch")


def _place(version: Version | None, path: str, decisions: str, out: Path, reviewed: Path) -> None:
    """Write both outputs, whole or not at all."""
    with replace_directory(out) as folder, replace_file(reviewed) as table:
        if version is not None and path:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            version.fetch(path, folder / path)
        if version is not None and decisions:
            version.fetch(decisions, table)
        else:
            table.write_text(",".join(COLUMNS) + "\n")
