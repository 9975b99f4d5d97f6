"""Windows with a second sound that is not theirs: of another clip, or of another time in the same one.

What the pretext tasks `mismatch` and `shift` tell apart (supplement, section C: audio-visual mismatch, after Arandjelovic and
Zisserman, "Look, listen and learn", 2017; temporal shift, after Owens and Efros, and Korbar et al., both 2018). Every item
holds both sounds, so that a step sees each window right and wrong.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from leftright.data.augmentation import Augmentation, AugmentationRange
from leftright.data.windows import ClipStore, EndlessWindows, Window

ContrastTask = Literal["mismatch", "shift"]


class Contrast(NamedTuple):
    """Windows, each with its own sound and a wrong one. One item has no batch axis."""

    waveform: torch.Tensor | NDArray[np.int16]
    """(batch, 2, samples) int16, left first."""
    other_waveform: torch.Tensor | NDArray[np.int16]
    """(batch, 2, samples) int16: the wrong sound."""
    frames: torch.Tensor | NDArray[np.uint8]
    """(batch, time, 3, crop, crop) uint8."""
    gain: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    shift: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    is_mirrored: torch.Tensor | bool
    """(batch,) bool: picture and both sounds are to be mirrored together."""


class Others:
    """Where the wrong sound of a window comes from.

    mismatch : a random place in a clip of another video. shift : a random place in the same clip, `min_shift_s` away or more;
    where the clip is too short for that, its farther end.
    """

    def __init__(self, store: ClipStore, rows: Sequence[int], task: ContrastTask, min_shift_s: float) -> None:
        """Rows : clips to choose from; for a mismatch, of two videos at least (ValueError)."""
        self._store, self._task = store, task
        self._rows, self._videos = np.asarray(rows), store.reader.index["video"].to_numpy()
        self._min_frames = min_shift_s * store.geometry.frame_rate
        if task == "mismatch" and len(set(self._videos[self._rows])) < 2:
            raise ValueError("a mismatch needs the clips of two videos")

    def draw(self, window: Window, generator: np.random.Generator) -> Window:
        """The place of a window's wrong sound."""
        if self._task == "shift":
            return Window(window.row, self._shifted(window, generator))
        row = window.row
        while self._videos[row] == self._videos[window.row]:
            row = int(generator.choice(self._rows))
        return Window(row, int(generator.integers(0, self._store.last_starts[row] + 1)))

    def _shifted(self, window: Window, generator: np.random.Generator) -> int:
        places = np.arange(self._store.last_starts[window.row] + 1)
        distances = np.abs(places - window.first_frame)
        far = distances >= min(self._min_frames, distances.max())
        return int(generator.choice(places[far]))


def contrast(store: ClipStore, window: Window, other: Window, augmentation: Augmentation) -> Contrast:
    """The item of a window and its wrong sound's place."""
    item = store.item(window, augmentation, is_flipped=False)
    return Contrast(item.waveform, store.waveform(other), item.frames, item.gain, item.shift, item.is_mirrored)


class ContrastWindows(EndlessWindows[Contrast]):
    """Training windows, each with its own and a wrong sound."""

    def __init__(
        self, store: ClipStore, rows: Sequence[int], ranges: AugmentationRange, seed: int, others: Others
    ) -> None:
        super().__init__(store, rows, ranges, seed)
        self._others = others

    def __getitem__(self, number: int) -> Contrast:
        """Item `number`: window, crop, colours, mirror and the wrong sound."""
        window, augmentation, generator = self.draw(number)
        return contrast(self.store, window, self._others.draw(window, generator), augmentation)


class FixedContrasts(Dataset[Contrast]):
    """Windows as they are, cropped from the centre, each with a wrong sound that follows from its number and the seed."""

    def __init__(self, store: ClipStore, windows: Sequence[Window], others: Others, seed: int) -> None:
        self._store, self._windows, self._others, self._seed = store, list(windows), others, seed

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, number: int) -> Contrast:
        """Window `number`."""
        window = self._windows[number]
        height, width = self._store.heights[window.row], self._store.widths[window.row]
        augmentation = Augmentation.none(height, width, self._store.geometry.crop)
        other = self._others.draw(window, np.random.default_rng((self._seed, number)))
        return contrast(self._store, window, other, augmentation)
