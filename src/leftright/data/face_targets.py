"""What sounding-face tracking learns from: some sound, a frame from outside its time, and where the face is while it is heard.

Targets are the filter's detections (`face_lefts` and its like, some times a second). Only clips whose face is what sounds are
asked about: those in which the face's place follows the level difference of the channels, by their correlation over the clip.
In a clip of tapping hands the face is somewhere else, and no sound says where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from leftright.audio import SAMPLE_RATE
from leftright.data.augmentation import Augmentation, AugmentationRange
from leftright.data.windows import ClipStore, EndlessWindows
from leftright.metrics.correlation import pearson

EDGES = ("face_lefts", "face_tops", "face_rights", "face_bottoms")
COLUMNS = ("face_times_s", "face_xs", "face_led_db", *EDGES)
"""What the index must hold, lists with one item a sampled time."""

_LEAST_TIMES = 4  # sampled times from which a correlation says anything


@dataclass(frozen=True)
class Target:
    """A face at a time. row : of the clip. time_s : in the clip. box : left, top, right, bottom as fractions of the picture."""

    row: int
    time_s: float
    box: tuple[float, float, float, float]


class Face(NamedTuple):
    """Items of the task. One item has no batch axis."""

    waveform: torch.Tensor | NDArray[np.int16]
    """(batch, 2, samples) int16, left first."""
    frame: torch.Tensor | NDArray[np.uint8]
    """(batch, 3, crop, crop) uint8, from outside the sound's time."""
    gain: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    shift: torch.Tensor | NDArray[np.float32]
    """(batch, 3)."""
    is_mirrored: torch.Tensor | bool
    """(batch,) bool: picture, sound and box are to be mirrored together."""
    box: torch.Tensor | NDArray[np.float32]
    """(batch, 4): left, top, right, bottom as fractions of the crop, at the sound's time."""


def agreement(clip: pd.Series) -> float:
    """How far a clip's face is what sounds: the correlation of its place with the level difference; NaN where unknown."""
    places, levels = np.asarray(clip["face_xs"], np.float64), np.asarray(clip["face_led_db"], np.float64)
    known = np.isfinite(places) & np.isfinite(levels)
    return pearson(places[known], levels[known]) if known.sum() >= _LEAST_TIMES else float("nan")


def targets_of(store: ClipStore, rows: Sequence[int], min_agreement: float) -> list[Target]:
    """Every detection of the sounding faces of clips, at times around which a whole window of sound fits."""
    half_s = store.geometry.duration_s / 2
    targets = []
    for row in rows:
        clip = store.reader.index.iloc[row]
        last_s = clip["num_samples"] / SAMPLE_RATE - half_s
        if not agreement(clip) >= min_agreement or clip["num_frames"] <= 2 * half_s * clip["frame_rate"] + 2:
            continue
        for time_s, *box in zip(clip["face_times_s"], *(clip[name] for name in EDGES), strict=True):
            if half_s <= time_s <= last_s and np.isfinite(box).all():
                targets.append(Target(row, float(time_s), tuple(map(float, box))))  # type: ignore[arg-type]
    return targets


class Faces:
    """Targets as items. store : its geometry is the sound's."""

    def __init__(self, store: ClipStore, targets: Sequence[Target]) -> None:
        self.store, self.targets = store, list(targets)

    def item(self, target: Target, frame: int, augmentation: Augmentation) -> Face:
        """A target with the stored frame that is shown and a variation."""
        geometry, row = self.store.geometry, target.row
        start = round((target.time_s - geometry.duration_s / 2) * SAMPLE_RATE)
        start = min(max(start, 0), int(self.store.num_samples[row]) - geometry.num_samples)
        picture = self.store.stored_frames(row, [frame])
        return Face(
            self.store.reader.waveform(row, start, geometry.num_samples),
            np.ascontiguousarray(augmentation.crop(picture, geometry.crop)[0]),
            np.array(augmentation.gain, np.float32),
            np.array(augmentation.shift, np.float32),
            augmentation.is_mirrored,
            self._in_crop(target, augmentation),
        )

    def _in_crop(self, target: Target, augmentation: Augmentation) -> NDArray[np.float32]:
        width, height = self.store.widths[target.row], self.store.heights[target.row]
        sides, corner = np.array([width, height] * 2), np.array([augmentation.left, augmentation.top] * 2)
        return ((np.array(target.box) * sides - corner) / self.store.geometry.crop).clip(0, 1).astype(np.float32)

    def outside(self, target: Target) -> NDArray[np.int64]:
        """The stored frames that are shown at no time of the target's sound."""
        geometry = self.store.geometry
        times_s = np.arange(self.store.num_frames[target.row]) / geometry.frame_rate
        return np.flatnonzero(np.abs(times_s - target.time_s) > geometry.duration_s / 2)


class TrainingFaces(EndlessWindows[Face]):
    """Each clip once an epoch, with a random target and a random frame from outside its time."""

    def __init__(self, faces: Faces, ranges: AugmentationRange, seed: int) -> None:
        """Raises ValueError where there is no target."""
        if not faces.targets:
            raise ValueError("no target")
        self._faces = faces
        self._of: dict[int, list[Target]] = {}
        for target in faces.targets:
            self._of.setdefault(target.row, []).append(target)
        super().__init__(faces.store, list(self._of), ranges, seed)

    def __getitem__(self, number: int) -> Face:
        """Item `number`: target, frame, crop, colours and mirror."""
        window, augmentation, generator = self.draw(number)
        targets = self._of[window.row]
        target = targets[int(generator.integers(len(targets)))]
        return self._faces.item(target, int(generator.choice(self._faces.outside(target))), augmentation)


class FixedFaces(Dataset[Face]):
    """Targets cropped from the centre, each with a frame from outside its time that follows from its number and the seed."""

    def __init__(self, faces: Faces, seed: int) -> None:
        self.faces, store = faces, faces.store
        self.frames = [
            int(np.random.default_rng((seed, number)).choice(faces.outside(target)))
            for number, target in enumerate(faces.targets)
        ]
        self._crops = [
            Augmentation.none(store.heights[target.row], store.widths[target.row], store.geometry.crop)
            for target in faces.targets
        ]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, number: int) -> Face:
        """Target `number`."""
        return self.faces.item(self.faces.targets[number], self.frames[number], self._crops[number])

    def whole(self, boxes: NDArray[np.floating], number: int) -> NDArray[np.float64]:
        """Boxes (..., 4) in fractions of target `number`'s crop, as fractions of the whole picture."""
        target, crop = self.faces.targets[number], self._crops[number]
        store = self.faces.store
        corner = np.array([crop.left, crop.top] * 2)
        sides = np.array([store.widths[target.row], store.heights[target.row]] * 2)
        return (np.asarray(boxes, np.float64) * store.geometry.crop + corner) / sides
