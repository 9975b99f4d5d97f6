"""What the downstream tasks work on: packed clips by split, and how much of them is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leftright.data.augmentation import AugmentationRange
from leftright.data.windows import ClipStore


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
    """Packed clips for a task. rows : of each split, those into which a window fits. seed : of all that is drawn."""

    store: ClipStore
    rows: Mapping[str, Sequence[int]]
    ranges: AugmentationRange
    seed: int

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
