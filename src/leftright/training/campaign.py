"""Many networks in one stage: trained side by side, each once, whatever is killed on the way; some cannot be trained.

What is trained is named by a path, such as `track/flip`: its folder in the stage's result, and in the numbers `track.flip`.
Each leaves its numbers, or the reason why it cannot be trained, in a hidden file, whose presence says that it is done.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import pandas as pd

from leftright import files, tracking
from leftright.parallel import process_map
from leftright.results import Collector, Value
from leftright.training.processes import Processes
from leftright.training.supervised import NotRunError

CURVES, NOT_RUN = "curves.csv", "not_run.json"
_DONE = ".done"

_log = logging.getLogger(__name__)


class Work(Protocol):
    """Trains what a name stands for, and settles it; must pickle."""

    def __call__(self, name: str) -> object:
        """Train it."""


def work_all(
    stage: str, names: Sequence[str], work: Work, directory: Path, processes: Processes, num_at_once: int
) -> None:
    """Do what has not been done before, `num_at_once` at a time, a process each; under torchrun one after the other.

    work : leaves its numbers by `settle`, and its curves in `<directory>/<name>/curves.csv`.
    """
    done = processes.from_first([name for name in names if numbers_of(directory, name).exists()])
    remaining = [name for name in names if name not in done]
    num_at_once = 1 if processes.count > 1 else num_at_once
    finished = process_map(work, remaining, num_at_once, preload=("torch", "lightning.pytorch"))
    for name, _ in zip(remaining, finished, strict=True):
        if not processes.is_first:
            continue
        _log.info("%s: %s is done", stage, name)
        if min(num_at_once, len(remaining)) > 1:  # else this process has trained, and told tracking on the way
            _track(directory / name / CURVES, name)


def settle(
    stage: str, name: str, directory: Path, processes: Processes, train: Callable[[], Mapping[str, Value]]
) -> None:
    """Train, and leave the numbers, or the reason of a NotRunError."""
    try:
        values = train()
    except NotRunError as reason:
        _log.warning("%s: %s is not run: %s", stage, name, reason)
        document: dict[str, object] = {"not_run": str(reason)}
    else:
        document = {"values": {key: asdict(value) for key, value in values.items()}}
    if processes.is_first:
        with files.replace_file(numbers_of(directory, name)) as temporary:
            temporary.write_text(json.dumps(document))


def numbers_of(directory: Path, name: str) -> Path:
    """Where the numbers of what is trained lie while the stage runs."""
    return directory / _DONE / f"{name}.json"


def on_point(name: str) -> Callable[[int, Mapping[str, float]], None]:
    """Tells tracking of a point of the curves; in a process that tracks nothing it tells nobody."""
    prefix = name.replace("/", ".")

    def tell(step: int, numbers: Mapping[str, float]) -> None:
        tracking.current().step(step, {f"{prefix}.{key}": number for key, number in numbers.items()})

    return tell


def _track(curves: Path, name: str) -> None:
    """Hand the curves of what another process trained to tracking."""
    if curves.exists():
        for row in pd.read_csv(curves).to_dict("records"):
            on_point(name)(int(row.pop("step")), {str(key): value for key, value in row.items()})


def gather(stage: str, names: Iterable[str], directory: Path) -> dict[str, Value]:
    """All numbers, by `<stage>.<name>.<measure>`; the reasons of what is not run go into `not_run.json`."""
    collector, not_run = Collector(stage), {}
    for name in names:
        document = json.loads(numbers_of(directory, name).read_text())
        for key, value in document.get("values", {}).items():
            collector.add(f"{name.replace('/', '.')}.{key}", Value(**value))
        if "not_run" in document:
            not_run[name] = document["not_run"]
    with files.replace_file(directory / NOT_RUN) as temporary:
        temporary.write_text(json.dumps(not_run, indent=1) + "\n")
    return collector.values


def tidy(directory: Path) -> None:
    """Remove what says that things are done, once the numbers are written elsewhere."""
    shutil.rmtree(directory / _DONE, ignore_errors=True)
