"""Is the flip start better? The variants of a task compared on the same clips, row by row.

Two models' means differ by what is hard for both as well; the mean of their differences does not (`leftright.metrics.paired`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from leftright.errors import InputError
from leftright.metrics.paired import paired_difference, sign_flip_p_value
from leftright.reporting.downstream import (
    ASKED,
    BEST,
    BY_KEY,
    MIRRORED,
    MONO,
    PREDICTED,
    SEPARATE,
    SHOWN,
    SPATIALIZE,
    Finetuned,
    Measure,
    Task,
)
from leftright.reporting.shares import Resampling
from leftright.results import Value
from leftright.training.variants import ABLATIONS, INITIALISATIONS, SOUND_ONLY

SIGNIFICANT = 0.05
BETTER, WORSE, NOT_SHOWN = "better", "worse", "no difference shown"


@dataclass(frozen=True)
class Comparison:
    """What the first has more than the second. p : of the sign-flip test; None where no row can be compared."""

    task: str
    first: str
    second: str
    measure: Measure
    difference: Value
    p: float | None

    @property
    def verdict(self) -> str:
        """In words: a difference is shown where its interval leaves out 0 and the test agrees."""
        value, low, high = self.difference.value, self.difference.low, self.difference.high
        if value is None or low is None or high is None or self.p is None:
            return NOT_SHOWN
        if low <= 0 <= high or self.p >= SIGNIFICANT:
            return NOT_SHOWN
        return BETTER if (value > 0) == (self.measure.better == "higher") else WORSE

    @property
    def key(self) -> str:
        """Its name in the metrics."""
        return f"report.finetune.{self.task}.{self.first}_minus_{self.second}.{self.measure.key}"


def compare(finetuned: Finetuned, resampling: Resampling) -> tuple[Comparison, ...]:
    """Every comparison of which both sides were run. Raises InputError where two variants were judged on other clips."""
    return tuple(
        _comparison(task, names, measure, tables, resampling)
        for task in BY_KEY.values()
        for measure in task.compared
        for names, tables in _pairs(task, finetuned)
    )


def values(comparisons: tuple[Comparison, ...]) -> dict[str, Value]:
    """The differences as metrics, and each test's p under `<key>.p`."""
    found = {comparison.key: comparison.difference for comparison in comparisons}
    return found | {f"{each.key}.p": Value(each.p, n=each.difference.n) for each in comparisons}


def _pairs(task: Task, finetuned: Finetuned) -> Iterator[tuple[tuple[str, str], tuple[pd.DataFrame, pd.DataFrame]]]:
    """Both names and both tables, of the same rows."""
    if (ours := finetuned.predictions.get((task.key, SHOWN))) is None:
        return
    for name in (*INITIALISATIONS, *ABLATIONS[task.key]):
        theirs = finetuned.predictions.get((task.key, name))
        if name != SHOWN and theirs is not None:
            tables = (_predicted(ours), _predicted(theirs))
            _check_same(task, name, *tables)
            yield (SHOWN, name), tables
    for condition in (MIRRORED, MONO) if task is SPATIALIZE else ():
        yield (PREDICTED, condition), (_predicted(ours), _of(ours, condition))
    blind = finetuned.predictions.get((task.key, SOUND_ONLY)) if task is SEPARATE else None
    if blind is not None:
        tables = (_predicted(ours), _of(blind, BEST))
        _check_same(task, SOUND_ONLY, *tables)
        yield (SHOWN, BEST), tables


def _predicted(table: pd.DataFrame) -> pd.DataFrame:
    return _of(table, PREDICTED, ASKED) if "condition" in table else table


def _of(table: pd.DataFrame, *conditions: str) -> pd.DataFrame:
    return table[table["condition"].isin(conditions)].reset_index(drop=True)


def _check_same(task: Task, name: str, ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    columns = [column for column in task.rows if column != "condition"]
    if not ours[columns].equals(theirs[columns]):
        raise InputError(f"{task.key}: {SHOWN} and {name} were judged on other clips; run finetune again")


def _comparison(
    task: Task,
    names: tuple[str, str],
    measure: Measure,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    resampling: Resampling,
) -> Comparison:
    first, second = (table[measure.key].to_numpy("float64") for table in tables)
    videos = tables[0]["video"].tolist()
    settings = {"num_resamples": resampling.num_resamples, "seed": resampling.seed}
    p = sign_flip_p_value(first, second, videos, **settings)
    difference = paired_difference(first, second, videos, **settings)
    return Comparison(task.key, *names, measure, difference, None if math.isnan(p) else p)
