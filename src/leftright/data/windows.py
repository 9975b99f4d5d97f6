"""Windows of packed clips as training and evaluation items.

What item n of the training holds is a function of the seed and n alone, whichever process reads it and whatever was read
before: a run that is resumed sees what an undisturbed one would have seen.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from leftright.data.augmentation import Augmentation, AugmentationRange
from leftright.data.shards import ShardReader
from leftright.errors import InputError
from leftright.models.geometry import WindowGeometry

_MEGABYTE = 2**20
_ORDER, _VARIATION = 0, 1  # streams of random numbers under one seed

Item = TypeVar("Item", covariant=True)


class Window(NamedTuple):
    """A place in the shards: the row of a clip in the index, and the stored frame at which the window starts."""

    row: int
    first_frame: int


class Batch(NamedTuple):
    """Windows with their variations. One item has no batch axis."""

    waveform: torch.Tensor | NDArray[np.int16]
    """(batch, 2, samples) int16, left first."""
    frames: torch.Tensor | NDArray[np.uint8]
    """(batch, time, 3, crop, crop) uint8."""
    gain: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    shift: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    is_mirrored: torch.Tensor | bool
    """(batch,) bool: sound and picture are to be mirrored together."""
    is_flipped: torch.Tensor | bool
    """(batch,) bool: the channels are to be swapped; the label."""


def window_geometry(reader: ShardReader, duration_s: float, frame_step: int, crop: int) -> WindowGeometry:
    """The window on these shards. Raises InputError where their frame rates differ or the crop is larger than a frame."""
    rates = sorted(set(reader.index["frame_rate"]))
    if len(rates) != 1:
        raise InputError(f"frame rates {rates} in one set of shards; pack them again with one frame_rate")
    smallest = int(min(reader.index["height"].min(), reader.index["width"].min()))
    if crop > smallest:
        raise InputError(f"crop {crop}: the packed frames have {smallest} pixels; choose less, or pack larger frames")
    return WindowGeometry(duration_s, float(rates[0]), frame_step, crop)


class ClipStore:
    """Reads windows from shards; keeps the frames of clips that were read, as far as `cache_mb` megabytes go.

    The cache is one a process: a small data set is decoded once, a large one is decoded anew at each look.
    """

    def __init__(self, reader: ShardReader, geometry: WindowGeometry, cache_mb: int) -> None:
        self.reader, self.geometry = reader, geometry
        self.num_frames: list[int] = reader.index["num_frames"].tolist()
        self.num_samples: list[int] = reader.index["num_samples"].tolist()
        self.last_starts = list(map(geometry.last_start, self.num_frames, self.num_samples))
        self.heights: list[int] = reader.index["height"].tolist()
        self.widths: list[int] = reader.index["width"].tolist()
        self._cache: dict[int, NDArray[np.uint8]] = {}
        self._room = cache_mb * _MEGABYTE

    def long_enough(self, rows: Sequence[int]) -> list[int]:
        """Those clips into which a window fits."""
        return [row for row in rows if self.last_starts[row] >= 0]

    def waveform(self, window: Window) -> NDArray[np.int16]:
        """The window's sound, (2, samples), left first."""
        return self.reader.waveform(
            window.row, self.geometry.first_sample(window.first_frame), self.geometry.num_samples
        )

    def frames(self, window: Window) -> NDArray[np.uint8]:
        """The window's frames, (time, 3, height, width)."""
        return self.stored_frames(window.row, [window.first_frame + offset for offset in self.geometry.frame_offsets])

    def stored_frames(self, row: int, places: Sequence[int]) -> NDArray[np.uint8]:
        """The stored frames of clip `row` at `places`, (places, 3, height, width)."""
        if (kept := self._clip(row)) is not None:
            return kept[list(places)]
        return np.concatenate([self.reader.frames(row, place, 1) for place in places])

    def _clip(self, row: int) -> NDArray[np.uint8] | None:
        if row not in self._cache:
            size = self.num_frames[row] * 3 * self.heights[row] * self.widths[row]
            if size > self._room:
                return None
            self._cache[row] = self.reader.frames(row)
            self._room -= size
        return self._cache[row]

    def item(self, window: Window, augmentation: Augmentation, is_flipped: bool) -> Batch:
        """A window with a variation that is cropped already and otherwise still to be applied."""
        return Batch(
            self.waveform(window),
            np.ascontiguousarray(augmentation.crop(self.frames(window), self.geometry.crop)),
            np.array(augmentation.gain, np.float32),
            np.array(augmentation.shift, np.float32),
            augmentation.is_mirrored,
            is_flipped,
        )


class Draw(NamedTuple):
    """What is random about an item: its window and variation, and the generator for what its task draws beyond."""

    window: Window
    augmentation: Augmentation
    generator: np.random.Generator


class EndlessWindows(Dataset[Item]):
    """An endless sequence of windows at random places, each clip once an epoch, in an order of its own each epoch."""

    def __init__(self, store: ClipStore, rows: Sequence[int], ranges: AugmentationRange, seed: int) -> None:
        self.store, self.rows, self._ranges, self._seed = store, list(rows), ranges, seed

    def draw(self, number: int) -> Draw:
        """Item `number`'s: all of it follows from the number and the seed."""
        epoch, place = divmod(number, len(self.rows))
        order = np.random.default_rng((self._seed, _ORDER, epoch)).permutation(len(self.rows))
        row = self.rows[order[place]]
        generator = np.random.default_rng((self._seed, _VARIATION, number))
        window = Window(row, int(generator.integers(0, self.store.last_starts[row] + 1)))
        return Draw(window, self.variation(generator, window), generator)

    def variation(self, generator: np.random.Generator, window: Window) -> Augmentation:
        """Draw a variation of a window."""
        height, width = self.store.heights[window.row], self.store.widths[window.row]
        return Augmentation.draw(generator, self._ranges, height, width, self.store.geometry.crop)


class TrainingWindows(EndlessWindows[Batch]):
    """Windows for the flip task, each with its coin."""

    def __getitem__(self, number: int) -> Batch:
        """Item `number`: window, crop, colours, mirror and flip."""
        window, augmentation, generator = self.draw(number)
        return self.store.item(window, augmentation, is_flipped=bool(generator.integers(2)))


class FixedWindows(Dataset[Batch]):
    """Windows as they are, cropped from the centre."""

    def __init__(self, store: ClipStore, windows: Sequence[Window]) -> None:
        self._store, self._windows = store, list(windows)

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, number: int) -> Batch:
        """Window `number`, neither mirrored nor flipped."""
        window = self._windows[number]
        height, width = self._store.heights[window.row], self._store.widths[window.row]
        augmentation = Augmentation.none(height, width, self._store.geometry.crop)
        return self._store.item(window, augmentation, is_flipped=False)


def evenly_spaced(store: ClipStore, rows: Sequence[int], num_windows: int) -> list[Window]:
    """`num_windows` windows of each clip from its start to its end; the middle one if one is asked for.

    A clip that has fewer places gives each of them once.
    """
    windows = []
    for row in rows:
        last = store.last_starts[row]
        places = np.linspace(0, last, num_windows) if num_windows > 1 else [last / 2]
        windows += [Window(row, place) for place in sorted({round(float(place)) for place in places})]
    return windows


def same_centres(stores: Sequence[ClipStore], rows: Sequence[int], num_windows: int) -> list[list[Window]]:
    """Windows of each clip for several models, each by its own geometry, all with the same centres; a list a store.

    stores : of the same reader. rows : clips into which each geometry's window fits. The centres lie evenly between the first
    and the last at which every window fits; with one geometry these are the windows of `evenly_spaced`, and with several they
    agree to half a stored frame.
    """
    windows: list[list[Window]] = [[] for _ in stores]
    halves = [store.geometry.duration_s * store.geometry.frame_rate / 2 for store in stores]
    for row in rows:
        lasts = [store.last_starts[row] for store in stores]
        first, last = max(halves), min(end + half for end, half in zip(lasts, halves, strict=True))
        centres = np.linspace(first, last, num_windows) if num_windows > 1 else [(first + last) / 2]
        for of_store, half, end in zip(windows, halves, lasts, strict=True):
            # Rounded twice, since a sum and a difference of halves must not move what lies between two frames.
            places = {min(max(round(round(float(centre) - half, 6)), 0), end) for centre in centres}
            of_store += [Window(row, place) for place in sorted(places)]
    return windows


class StepSampler(Sampler[list[int]]):
    """The item numbers of each step's batch, for one of `num_processes` that share the global batch."""

    def __init__(self, num_steps: int, batch_size: int, process: int, num_processes: int) -> None:
        self.first_step, self._num_steps = 0, num_steps
        self._batch_size, self._process, self._num_processes = batch_size, process, num_processes

    def __len__(self) -> int:
        return self._num_steps

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first_step, self._num_steps):
            numbers = range(step * self._batch_size, (step + 1) * self._batch_size)
            yield list(numbers[self._process :: self._num_processes])


class StepLoader(DataLoader[Any]):
    """One batch a step, from the step at which a checkpoint was taken on."""

    def __init__(self, dataset: EndlessWindows[Any], sampler: StepSampler, num_workers: int) -> None:
        super().__init__(dataset, batch_sampler=sampler, num_workers=num_workers, pin_memory=torch.cuda.is_available())
        self._steps = sampler
        self._position = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        self._steps.first_step = self._position
        for batch in super().__iter__():
            self._position += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """How many steps' batches were handed out."""
        return {"position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on behind the batches that were handed out."""
        self._position = state["position"]
