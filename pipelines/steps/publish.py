"""Publish results as a version of a data repository: the data to its DVC remote first, then the commit that points at them.

In that order, a publisher that is killed leaves data that nothing points at, and never a commit without its data. Where
somebody else publishes at the same time, the later one lays its version upon theirs.
"""

import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path

import yaml

from leftright.errors import InputError
from leftright.files import replace_file
from pipelines.steps.repositories import cloned, dvc, git, s3_endpoint, shown
from pipelines.steps.storage import make_ready

AUTHOR = "leftright <leftright@localhost>"
ATTEMPTS = 5
"""Times that a push is tried while others push."""

_log = logging.getLogger(__name__)


def run(
    *,
    repo: str,
    branch: str = "main",
    remote: str = "",
    endpoint_url: str = "",
    author: str = "",
    kfp_run: str = "",
    data_rev: str = "",
    clips: tuple[Path, ...] = (),
    filtered: tuple[Path, ...] = (),
    packed: tuple[Path, ...] = (),
    curated: Path | None = None,
    models: tuple[Path, ...] = (),
    localized: Path | None = None,
    finetuned: tuple[Path, ...] = (),
    evaluated360: Path | None = None,
    report: Path | None = None,
    published_rev: Path,
) -> None:
    """Publish.

    repo : the data repository, a URL or path; made ready for DVC on first use; "" publishes nothing. branch : made where there
    is none.
    remote : where the data go, such as s3://bucket/folder or a folder; without one, what the repository names, else a folder
    beside it. endpoint_url : of an S3 server that is not Amazon's. author : "name <address>"; without one, git's environment.
    kfp_run, data_rev : the run and the version of the data that the results come from, for the commit's message.
    clips, filtered, packed, curated, models, localized, finetuned, evaluated360, report : what is published; what is not given
    stays as it was. The parts of clips, filtered and packed stay apart; those of models and finetuned, which name their folders
    by what is in them, become one folder, as if the stage had run whole.
    published_rev : gets the full name of the commit. Raises InputError where it cannot be published.
    """
    if not repo:
        _log.info("publish: no repository is named, so nothing is published")
        _say("", published_rev)
        return
    numbered = {"clips": clips, "filtered": filtered, "packed": packed}
    merged = {"models": models, "finetuned": finetuned}
    single = {"curated": curated, "localized": localized, "evaluated360": evaluated360, "report": report}
    parts = {**numbered, **merged}
    given = {name: paths for name, paths in parts.items() if paths}
    given |= {name: (path,) for name, path in single.items() if path is not None}
    if not given:
        raise InputError(f"nothing to publish; give one of --{', --'.join((*parts, *single))}")
    identity = _identity(author)
    with s3_endpoint(endpoint_url), cloned(repo) as clone:
        for name, paths in given.items():
            if name in merged:
                _merge(paths, clone / name)
            else:
                _copy(paths, clone / name, numbered=name in numbered)
        publication = Publication(clone, repo, branch, remote, identity)
        commit = publication.publish(tuple(given), _message(tuple(given), kfp_run, data_rev))
    _log.info("publish: %s of %s is %s", ", ".join(given), shown(repo), commit)
    _say(commit, published_rev)


def _say(commit: str, published_rev: Path) -> None:
    with replace_file(published_rev) as temporary:
        temporary.write_text(commit)


@dataclass(frozen=True)
class Publication:
    """A version on its way.

    clone : of the repository, with the artifacts in it. identity : whose the commit is, as git's environment.
    """

    clone: Path
    repo: str
    branch: str
    remote: str
    identity: Mapping[str, str]

    def publish(self, names: tuple[str, ...], message: str) -> str:
        """Push the data, then the commit. Returns its full name; where nothing is new, that of the branch's head.

        names : of the artifacts. Raises InputError where the data or the commit cannot be pushed.
        """
        for attempt in range(1, ATTEMPTS + 1):
            begun = self._head()
            self._commit(begun, names, message)
            try:
                git(self.clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{self.branch}")
                return git(self.clone, "rev-parse", "HEAD")
            except InputError as error:
                if attempt == ATTEMPTS or self._head() == begun:
                    raise InputError(f"{shown(self.repo)}: {self.branch} cannot be pushed ({error})") from None
                _log.info("publish: somebody else has pushed; once more, upon their version")
        raise AssertionError("the last attempt returns or raises")

    def _head(self) -> str:
        """The commit at the branch's head as it is now; a branch that is not there begins at the default one's."""
        git(self.clone, "fetch", "--quiet", "origin")
        for head in (f"refs/remotes/origin/{self.branch}", "refs/remotes/origin/HEAD"):
            with suppress(InputError):
                return git(self.clone, "rev-parse", "--quiet", "--verify", head)
        return ""

    def _commit(self, upon: str, names: tuple[str, ...], message: str) -> None:
        """Lay the artifacts upon the commit `upon`, push their data, and commit; nothing new makes no commit."""
        if upon:
            self._refuse_tracked(upon, names)
            git(self.clone, "reset", "--quiet", "--hard", upon)
        make_ready(self.clone, self.repo, self.remote)
        dvc(self.clone, "add", "--quiet", *names)
        pointers = [f"{name}.dvc" for name in names]
        for name, pointer in zip(names, pointers, strict=True):
            _check_whole(self.clone / name, self.clone / pointer)
        try:
            dvc(self.clone, "push", *pointers)
        except InputError as error:
            raise InputError(f"{shown(self.repo)}: its remote does not take the data ({error})") from None
        git(self.clone, "add", "--", ".dvc", ".dvcignore", ".gitignore", *pointers)
        if not upon or git(self.clone, "diff", "--cached", "--name-only"):
            git(self.clone, "commit", "--quiet", "--message", message, **self.identity)

    def _refuse_tracked(self, commit: str, names: tuple[str, ...]) -> None:
        # A reset would write git's files among ours.
        if tracked := git(self.clone, "ls-tree", "--name-only", commit, "--", *names).split("\n")[0]:
            raise InputError(f"{shown(self.repo)}: git tracks {tracked} itself; publish to a repository for data")


def _check_whole(artifact: Path, pointer: Path) -> None:
    """Raises InputError where DVC has left files out, as `.dvcignore` tells it to."""
    num_files = sum(path.is_file() for path in artifact.rglob("*")) if artifact.is_dir() else 1
    num_tracked = yaml.safe_load(pointer.read_text())["outs"][0].get("nfiles", 1)
    if num_tracked != num_files:
        raise InputError(f"{artifact.name}: {num_files - num_tracked} of {num_files} files are left out by .dvcignore")


def _copy(paths: tuple[Path, ...], target: Path, numbered: bool) -> None:
    """Copy artifacts to `target`, those of a list under their numbers. Raises InputError for one that is not there."""
    for number, path in enumerate(paths):
        place = target / str(number) if numbered else target
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.copyfile(path, place)
        elif path.is_dir():
            shutil.copytree(path, place, copy_function=shutil.copyfile)
            _let_be_moved(place)
        else:
            raise InputError(f"{path}: no such artifact; publish what a task has written")


def _merge(paths: tuple[Path, ...], target: Path) -> None:
    """Copy the content of all folders into `target`; JSON objects of one name become one. Raises InputError for other twins.

    An object store does not know empty folders, so a part that had nothing to do may have none; not all of them.
    """
    folders = [path for path in paths if path.is_dir()]
    if not folders:
        raise InputError(f"{paths[0]}: no such folder; publish what a task has written")
    target.mkdir()
    for folder in folders:
        for path in sorted(found for found in folder.rglob("*") if found.is_file()):
            place = target / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                later = _object(path)
                place.write_text(json.dumps({**_object(place), **later}, indent=1) + "\n")
            else:
                shutil.copyfile(path, place)
    _let_be_moved(target)


def _object(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InputError(f"{path}: another part has a file of this name too; publish the parts of one run")
    return document


def _let_be_moved(place: Path) -> None:
    """DVC moves files out of a folder, also where the artifact may not be written."""
    for folder in (place, *(found for found in place.rglob("*") if found.is_dir())):
        folder.chmod(0o755)


def _identity(author: str) -> dict[str, str]:
    """Who the commit is by: the flag's, else what git finds in the environment, else ourselves."""
    name, address = parseaddr(author or AUTHOR)
    if not (name and address):
        raise InputError(f'--author {author!r}: write it as "name <address>"')
    chosen = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", name), ("EMAIL", address))
    }
    return chosen if author else {key: os.environ.get(key) or value for key, value in chosen.items()}


def _message(names: tuple[str, ...], kfp_run: str, data_rev: str) -> str:
    facts = {"KFP-Run": kfp_run, "Data-Rev": data_rev}
    trailers = [f"{key}: {value}" for key, value in facts.items() if value]
    return "\n".join([f"Publish {', '.join(names)}", "", *trailers]).strip() + "\n"
