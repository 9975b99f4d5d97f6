"""Where a model comes from: the version of its data, and the pipeline's and the tracking run that made it.

A pipeline hands the first two over, as flags (`--data-rev`, `--kfp-run`) or in the environment. Without a pipeline, data in a
DVC project are of the project's commit, which has a "+" behind it where the commit alone does not give them back: something
that git tracks has been changed since, or `dvc.lock`, which names the data, is not in it.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from leftright.errors import InputError

CHANGED = "+"
"""Behind a commit: with changes that are in no commit."""

_VARIABLES = {"data_rev": "LEFTRIGHT_DATA_REV", "kfp_run": "LEFTRIGHT_KFP_RUN"}


@dataclass(frozen=True)
class Lineage:
    """What a model says of its making; "" where it is unknown.

    data_rev : git revision of the data, for `dvc get --rev`. kfp_run : the run of Kubeflow Pipelines. mlflow_run : the run
    that tracked the training.
    """

    data_rev: str = ""
    kfp_run: str = ""
    mlflow_run: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Lineage":
        """Read it from a file's mapping; what that does not say is unknown, and what it says beyond is passed over."""
        return cls(**{field.name: str(document.get(field.name, "")) for field in fields(cls)})


_handed = Lineage()


def take(words: list[str]) -> tuple[list[str], Lineage]:
    """`words` without `--data-rev TEXT` and `--kfp-run TEXT`, and what they say. Raises InputError for one without its text."""
    rest, taken, remaining = [], {}, iter(words)
    for word in remaining:
        flag, is_joined, text = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        if not word.startswith("--") or name not in _VARIABLES:
            rest.append(word)
            continue
        given = text if is_joined else next(remaining, None)
        if given is None:
            raise InputError(f"{flag}: its text is missing; leave the flag out where there is nothing to say")
        taken[name] = given
    return rest, Lineage(**taken)


@contextmanager
def handed(over: Lineage) -> Iterator[None]:
    """What the command line said of the run holds inside, before the environment."""
    global _handed
    before, _handed = _handed, over
    try:
        yield
    finally:
        _handed = before


def kfp_run() -> str:
    """The run of Kubeflow Pipelines that this process belongs to, "" if none."""
    return _told("kfp_run")


def current(mlflow_run: str, data: Sequence[Path]) -> Lineage:
    """The lineage of what this process makes from `data`, directories or files, tracked as `mlflow_run`."""
    return Lineage(_told("data_rev") or project_rev(data), kfp_run(), mlflow_run)


def _told(name: str) -> str:
    return getattr(_handed, name) or os.environ.get(_VARIABLES[name], "")


def project_rev(data: Sequence[Path]) -> str:
    """The commit of the DVC project in the working directory, which `data` lie in, with "+" where that is not all; else ""."""
    project = next((folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / ".dvc").is_dir()), None)
    if project is None or not all(path.resolve().is_relative_to(project) for path in data):
        return ""
    commit = _git("rev-parse", "--quiet", "--verify", "HEAD")
    if not commit:
        return ""
    is_changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/")
    return commit if _git("ls-files", "--", str(project / "dvc.lock")) and not is_changed else commit + CHANGED


def _git(*words: str) -> str:
    try:
        return subprocess.run(("git", *words), capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
