"""Windows of packed 360 clips as training and evaluation items, each with the turns that its task makes (supplement, section
E).

Turns are drawn here and made later, on the device: of picture and sound together, which changes nothing but where ahead is, and
of the sound alone, which is what is to be noticed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from leftright.data.augmentation import AugmentationRange
from leftright.data.windows import ClipStore, EndlessWindows, Window

_PLAIN = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


class SphereBatch(NamedTuple):
    """Windows with their variations. One item has no batch axis."""

    waveform: torch.Tensor | NDArray[np.int16]
    """(batch, 4, samples) int16, ambiX."""
    frames: torch.Tensor | NDArray[np.uint8]
    """(batch, time, 3, height, 2 x height) uint8, equirectangular."""
    gain: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    shift: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    is_mirrored: torch.Tensor | bool
    """(batch,) bool: left and right are exchanged in picture and sound."""
    columns: torch.Tensor | int
    """(batch,): after that, picture and sound are turned together, to the left, by so many columns of the picture."""
    theta: torch.Tensor | float
    """(batch,) float32 radians: by how much the sound alone is turned, to the left, where it is rotated."""
    is_rotated: torch.Tensor | bool
    """(batch,) bool: the sound is turned by theta; the label."""


@dataclass(frozen=True)
class Rotations:
    """The angles by which sound is turned away, in shares of pi, drawn evenly (the paper: 0.95 to 1.05; harder, 0.25 to
    1.75).
    """

    low: float
    high: float

    def draw(self, generator: np.random.Generator) -> float:
        """One of them, in radians."""
        return float(np.pi * generator.uniform(self.low, self.high))


def _item(
    store: ClipStore,
    window: Window,
    colours: tuple[Sequence[float], Sequence[float]],
    is_mirrored: bool,
    columns: int,
    theta: float,
    is_rotated: bool,
) -> SphereBatch:
    gain, shift = (np.array(each, np.float32) for each in colours)
    waveform, frames = store.waveform(window), np.ascontiguousarray(store.frames(window))
    variation = gain, shift, is_mirrored, columns, np.float32(theta), is_rotated
    return SphereBatch(waveform, frames, *variation)  # type: ignore[arg-type]


class TrainingRotations(EndlessWindows[SphereBatch]):
    """Windows for the rotation task, each with its colours, its mirror, its turn of both, and the sound's own turn and coin.

    mirrors : half of them are mirrored, picture and sound together.
    """

    def __init__(
        self,
        store: ClipStore,
        rows: Sequence[int],
        ranges: AugmentationRange,
        rotations: Rotations,
        seed: int,
        *,
        mirrors: bool,
    ) -> None:
        super().__init__(store, rows, ranges, seed)
        self._rotations, self._mirrors = rotations, mirrors

    def __getitem__(self, number: int) -> SphereBatch:
        """Item `number`."""
        window, augmentation, generator = self.draw(number)
        columns = int(generator.integers(self.store.widths[window.row]))
        theta, is_rotated = self._rotations.draw(generator), bool(generator.integers(2))
        is_mirrored = self._mirrors and augmentation.is_mirrored
        colours = augmentation.gain, augmentation.shift
        return _item(self.store, window, colours, is_mirrored, columns, theta, is_rotated)


class FixedRotations(Dataset[SphereBatch]):
    """Windows as they are, each with an angle of its own by which its sound may be turned away, drawn by the seed."""

    def __init__(self, store: ClipStore, windows: Sequence[Window], rotations: Rotations, seed: int) -> None:
        self._store, self._windows, self._rotations, self._seed = store, list(windows), rotations, seed

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, number: int) -> SphereBatch:
        """Window `number`; the angle follows from the seed and its place in the shards."""
        window = self._windows[number]
        theta = self._rotations.draw(np.random.default_rng((self._seed, window.row, window.first_frame)))
        return _item(self._store, window, _PLAIN, is_mirrored=False, columns=0, theta=theta, is_rotated=False)
