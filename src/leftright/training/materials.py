"""What tasks work on: packed clips by split, and how much of them is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leftright.data.augmentation import AugmentationRange
from leftright.data.windows import ClipStore
from leftright.metrics.bootstrap import bootstrap_mean
from leftright.results import Value


@dataclass(frozen=True)
class Judging:
    """How much is judged.

    windows : of each validation clip. targets : of each clip of the tracking task. clips : whole test clips, at most; 0 for
    all. num_resamples : of the intervals.
    """

    windows: int
    targets: int
    clips: int
    num_resamples: int


@dataclass(frozen=True)
class Material:
    """Packed clips for a task.

    rows : of each split, those into which a window fits. seed : of all that is drawn. num_workers : processes that read what is
    judged.
    """

    store: ClipStore
    rows: Mapping[str, Sequence[int]]
    ranges: AugmentationRange
    seed: int
    num_workers: int

    def some(self, split: str, count: int) -> list[int]:
        """At most `count` clips of a split, drawn by the seed; all of them for 0."""
        rows = list(self.rows[split])
        if not count or count >= len(rows):
            return rows
        chosen = np.random.default_rng(self.seed).permutation(len(rows))[:count]
        return [rows[number] for number in sorted(chosen)]

    def describe(self, row: int) -> dict[str, Any]:
        """Where a clip is from."""
        clip = self.store.reader.index.iloc[row]
        return {name: clip[name] for name in ("clip", "video", "channel")}


def means_by_condition(
    table: pd.DataFrame, measures: Sequence[str], first: str, num_resamples: int
) -> dict[str, Value]:
    """The mean of each measure in each condition, with its interval over videos.

    table : `condition`, `video` and the measures. Those of the condition `first` are called by the measure alone, others
    `<condition>.<measure>`.
    """
    return {
        measure if condition == first else f"{condition}.{measure}": bootstrap_mean(
            rows[measure].tolist(), rows["video"].tolist(), num_resamples=num_resamples
        )
        for condition, rows in table.groupby("condition", sort=False)
        for measure in measures
    }
