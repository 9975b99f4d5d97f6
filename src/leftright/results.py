"""The numbers a stage reports: one JSON file a stage, plain dotted keys, each with value, interval and N.

    {"flip.accuracy": {"value": 0.93, "low": 0.90, "high": 0.96, "n": 310}, ...}

`low` and `high` bound the 95 % interval and are null where a number has none (a count, a duration).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from leftright.errors import InputError
from leftright.files import replace_file

MODEL = "model.pt"
"""The name of a model's file in the directory of the stage that made it."""


def model_file(place: Path, task: str = "flip") -> Path:
    """Where the model of a pretext task lies.

    place : a model file, a directory that holds one, or a directory of `pretrain`, which holds one in a directory a task.
    """
    if not place.is_dir():
        return place
    of_task = place / task / MODEL
    return of_task if of_task.is_file() else place / MODEL


@dataclass(frozen=True)
class Value:
    """A number with its 95 % interval and the count of items that it was computed from."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a stage hands to tracking, beside the files that it wrote.

    values : the metrics, by dotted key. figures, tables : files to show. model : the saved model's file, if there is one.
    """

    values: Mapping[str, Value]
    figures: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()
    model: Path | None = None


def write(path: Path, values: Mapping[str, Value]) -> None:
    """Write a metrics file. Numbers that are not finite become null, since JSON has no other way to say unknown."""
    document = {key: {name: _finite(number) for name, number in asdict(value).items()} for key, value in values.items()}
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n")


def read(path: Path) -> dict[str, Value]:
    """Read a metrics file. Raises InputError if it is missing or not of the form above."""
    try:
        return {key: Value(**value) for key, value in json.loads(path.read_text()).items()}
    except FileNotFoundError:
        raise InputError(f"{path}: no such metrics file; run the stage that writes it") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a metrics file ({error}); run the stage that writes it again") from None


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else number


@dataclass
class Collector:
    """Gathers values under one prefix: `Collector("filter").add("kept", 12, n=20)` makes the key `filter.kept`."""

    prefix: str
    values: dict[str, Value] = field(default_factory=dict)

    def add(self, key: str, value: float | Value | None, n: int | None = None) -> None:
        """Add a number, or a Value with its interval, as `<prefix>.<key>`."""
        self.values[f"{self.prefix}.{key}"] = value if isinstance(value, Value) else Value(value, n=n)
