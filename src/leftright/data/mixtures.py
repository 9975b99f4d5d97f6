"""Two clips' windows, to be mixed and separated again (supplement, section D).

Both are brought to one level, so that neither hides the other, and the mixture's own signal-to-distortion ratio is near 0 dB.
Each has its own picture and is mirrored, sound and picture together, by its own coin.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from leftright.data.augmentation import Augmentation, AugmentationRange
from leftright.data.contrast import Others
from leftright.data.windows import Batch, ClipStore, EndlessWindows, Window


class Pair(NamedTuple):
    """Two windows of different videos, the axis of both behind the batch's. One item has no batch axis."""

    waveform: torch.Tensor | NDArray[np.int16]
    """(batch, 2 clips, 2, samples) int16, left first."""
    frames: torch.Tensor | NDArray[np.uint8]
    """(batch, 2 clips, time, 3, crop, crop) uint8."""
    gain: torch.Tensor | NDArray[np.float32]
    """(batch, 2 clips, 3)."""
    shift: torch.Tensor | NDArray[np.float32]
    """(batch, 2 clips, 3)."""
    is_mirrored: torch.Tensor | NDArray[np.bool_]
    """(batch, 2 clips) bool."""


def pair(items: Sequence[Batch]) -> Pair:
    """Two windows' items as one."""
    fields = ([np.asarray(getattr(item, name)) for item in items] for name in Pair._fields)
    return Pair(*map(np.stack, fields))


class TrainingPairs(EndlessWindows[Pair]):
    """Each clip once an epoch, with a window of a random other video."""

    def __init__(
        self, store: ClipStore, rows: Sequence[int], ranges: AugmentationRange, seed: int, others: Others
    ) -> None:
        super().__init__(store, rows, ranges, seed)
        self._others = others

    def __getitem__(self, number: int) -> Pair:
        """Item `number`: both windows, crops, colours and mirrors."""
        window, augmentation, generator = self.draw(number)
        other = self._others.draw(window, generator)
        return pair(
            [
                self.store.item(window, augmentation, False),
                self.store.item(other, self.variation(generator, other), False),
            ]
        )


class FixedPairs(Dataset[Pair]):
    """Windows as they are, cropped from the centre, each with one of another video, drawn by its number and the seed."""

    def __init__(self, store: ClipStore, windows: Sequence[Window], others: Others, seed: int) -> None:
        self.store, self.windows = store, list(windows)
        draws = (others.draw(window, np.random.default_rng((seed, number))) for number, window in enumerate(windows))
        self.others = list(draws)

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, number: int) -> Pair:
        """Pair `number`."""
        return pair([self._item(window) for window in (self.windows[number], self.others[number])])

    def _item(self, window: Window) -> Batch:
        height, width = self.store.heights[window.row], self.store.widths[window.row]
        augmentation = Augmentation.none(height, width, self.store.geometry.crop)
        return self.store.item(window, augmentation, is_flipped=False)
