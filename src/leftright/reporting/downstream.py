"""What `finetune` left, read and checked, and what it is judged by.

Tasks, measures and variants have one name here, the same all over the report.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from leftright.clips import read_table
from leftright.errors import InputError
from leftright.reporting.blocks import Sound
from leftright.training.variants import TASKS

PREDICTIONS, NOT_RUN, EXAMPLES = "predictions.parquet", "not_run.json", "examples/examples.json"
SHOWN = "flip"
"""The variant whose examples are shown, and that is compared with the others: the paper's own."""
PREDICTED, MIRRORED, MONO = "predicted", "mirrored", "mono"
"""The conditions in which `spatialize` is judged."""
ASKED, BEST = "asked", "best"
"""Those of `separate`: by what was asked for; and, where only the sound is known, with the two parts named after the fact."""

Box = tuple[str, str, str, str]
BOX: Box = ("left", "top", "right", "bottom")
TRUE_BOX: Box = ("true_left", "true_top", "true_right", "true_bottom")


@dataclass(frozen=True)
class Measure:
    """A measure of a task. key : its name in the metrics of `finetune`, and its column in the predictions."""

    key: str
    name: str
    better: Literal["higher", "lower"]
    places: int


@dataclass(frozen=True)
class Task:
    """A downstream task.

    unit : what a row of its predictions is. compared : the measures by which variants are compared. rows : the columns that say
    what a row is. others : further columns that are read.
    """

    key: str
    title: str
    unit: str
    measures: tuple[Measure, ...]
    compared: tuple[Measure, ...]
    rows: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What a table of predictions must have."""
        return ("video", *self.rows, *self.others, *(measure.key for measure in self.compared))


_IOU = Measure("iou", "mean IoU", "higher", 3)
_STFT, _ENV = Measure("stft", "STFT distance", "lower", 3), Measure("env", "ENV distance", "lower", 3)
_SDR = Measure("sdr_db", "SDR (dB)", "higher", 2)

TRACK = Task(
    "track",
    "Tracking the sounding face",
    "face",
    (
        Measure("ap50", "AP50", "higher", 3),
        Measure("ap", "AP", "higher", 3),
        _IOU,
        Measure("centre_x", "centre x, R", "higher", 3),
    ),
    (_IOU,),
    ("clip", "time_s"),
    (*BOX, *TRUE_BOX),
)
SPATIALIZE = Task(
    "spatialize",
    "Mono made stereo",
    "clip",
    (_STFT, _ENV, Measure("phase", "phase (rad)", "lower", 3), Measure("snr_db", "SNR (dB)", "higher", 2)),
    (_STFT, _ENV),
    ("clip", "condition"),
)
SEPARATE = Task(
    "separate",
    "Two clips pulled apart",
    "asked clip",
    (
        _SDR,
        Measure("sir_db", "SIR (dB)", "higher", 2),
        Measure("sar_db", "SAR (dB)", "higher", 2),
        Measure("sdr_improvement_db", "gain in SDR (dB)", "higher", 2),
    ),
    (_SDR,),
    ("clip", "mixed_with", "condition"),
)
BY_KEY: Mapping[str, Task] = {task.key: task for task in (TRACK, SPATIALIZE, SEPARATE)}

NAMES: Mapping[str, str] = {
    "scratch": "scratch",
    "supervised": "ImageNet",
    "mismatch": "mismatch",
    "shift": "shift",
    "flip": "flip",
    "sound_only": "without the picture",
    "picture_only": "without the sound",
}
"""Of each variant, what the report calls it."""


@dataclass(frozen=True)
class Example:
    """A test clip to look at and listen to; `picture` may be one for several."""

    clip: str
    title: str
    picture: Path
    sounds: tuple[Sound, ...]


@dataclass(frozen=True)
class Finetuned:
    """What `finetune` left. By task and variant: predictions; why it was not run. By task: examples of the flip variant."""

    predictions: Mapping[tuple[str, str], pd.DataFrame]
    not_run: Mapping[tuple[str, str], str]
    examples: Mapping[str, tuple[Example, ...]]

    def has(self, task: str) -> bool:
        """Whether any variant of a task was run."""
        return any(name == task for name, _ in self.predictions)


def read(directories: Sequence[Path]) -> Finetuned:
    """Read what `finetune` wrote, part by part. Raises InputError where a result is missing or not as it was written."""
    folders = {(task, folder.name): folder for directory in directories for task, folder in _folders(directory)}
    predictions = {
        (task, name): read_table(folder / PREDICTIONS, BY_KEY[task].columns) for (task, name), folder in folders.items()
    }
    not_run = {
        _split(variant, directory): str(reason)
        for directory in directories
        for variant, reason in _json(directory / NOT_RUN, dict).items()
    }
    examples = {task: _examples(folder / EXAMPLES) for (task, name), folder in folders.items() if name == SHOWN}
    return Finetuned(predictions, not_run, examples)


def _folders(directory: Path) -> Iterator[tuple[str, Path]]:
    for task in TASKS:
        for folder in sorted((directory / task).glob("*")):
            if folder.is_dir():
                yield task, folder


def _split(variant: str, directory: Path) -> tuple[str, str]:
    task, _, name = variant.partition("/")
    if task not in BY_KEY or not name:
        raise InputError(f"{directory / NOT_RUN}: {variant} is no variant of a task; run finetune again")
    return task, name


def _examples(path: Path) -> tuple[Example, ...]:
    """The examples that a file describes; none where there is no such file."""
    try:
        return tuple(_example(entry, path.parent) for entry in _json(path, list)) if path.is_file() else ()
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not a list of examples ({error}); run finetune again") from None


def _example(entry: Mapping[str, Any], folder: Path) -> Example:
    sounds = tuple(Sound(_existing(folder / each["file"]), each["label"]) for each in entry["sounds"])
    return Example(entry["clip"], entry["title"], _existing(folder / entry["picture"]), sounds)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: no such file; run finetune again")
    return path


def _json(path: Path, kind: type) -> Any:
    """A JSON file that holds a `kind`. Raises InputError where it is missing or another thing."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; run finetune, or correct the path")
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); run finetune again") from None
    if not isinstance(document, kind):
        raise InputError(f"{path}: holds no {kind.__name__}; run finetune again")
    return document
