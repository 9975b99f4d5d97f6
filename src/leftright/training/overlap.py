"""A model of short windows on a whole clip: windows overlap, and each fades into the next.

Every sample is the mean of what the windows over it say, weighted by a raised cosine, so that no window's edge is heard. Where
all windows agree, the result is what they agree on, to the last sample.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from leftright.audio import SAMPLE_RATE
from leftright.models.geometry import WindowGeometry

_EDGE = 1e-3  # the weight of a window's very ends, which at a clip's ends stand alone
_WINDOWS_PER_BATCH = 16


@dataclass(frozen=True)
class Places:
    """Where the windows of a clip lie. starts : first samples. frames : of each window the stored frames that it sees."""

    starts: NDArray[np.int64]
    frames: Sequence[Sequence[int]]


def places_over(num_samples: int, num_frames: int, geometry: WindowGeometry, overlap: float) -> Places:
    """Windows that cover a clip from its first sample to its last, evenly spaced, neighbours sharing at least `overlap`.

    overlap : share of a window, from 0 to below 1. Raises ValueError for a clip shorter than a window.
    """
    last = num_samples - geometry.num_samples
    if last < 0:
        raise ValueError(f"a clip of {num_samples} samples is shorter than a window of {geometry.num_samples}")
    hop = max(1.0, geometry.num_samples * (1 - overlap))
    starts = np.linspace(0, last, int(np.ceil(last / hop)) + 1).round().astype(np.int64)
    firsts = (starts * geometry.frame_rate / SAMPLE_RATE).round().astype(int)
    frames = [[min(int(first) + offset, num_frames - 1) for offset in geometry.frame_offsets] for first in firsts]
    return Places(starts, frames)


def fade(num_samples: int) -> Tensor:
    """The weight of each sample of a window, (num_samples,): a raised cosine, nowhere 0."""
    return torch.hann_window(num_samples, periodic=False) * (1 - _EDGE) + _EDGE


def overlap_add(
    predict: Callable[[Tensor, Tensor], Tensor], sound: Tensor, frames: Tensor, places: Places, num_samples: int
) -> Tensor:
    """What a model says of a whole clip.

    predict : from windows of sound (batch, ..., num_samples) and frames (batch, time, 3, crop, crop) to sound of the former
    shape. sound : (..., samples). frames : (stored frames, 3, crop, crop). Returns the shape of `sound`.
    """
    weight = fade(num_samples).to(sound.device)
    total, weights = torch.zeros_like(sound), torch.zeros_like(sound)
    for first in range(0, len(places.starts), _WINDOWS_PER_BATCH):
        starts = places.starts[first : first + _WINDOWS_PER_BATCH].tolist()
        seen = torch.stack([frames[list(each)] for each in places.frames[first : first + _WINDOWS_PER_BATCH]])
        heard = torch.stack([sound[..., start : start + num_samples] for start in starts])
        for start, said in zip(starts, predict(heard, seen), strict=True):
            total[..., start : start + num_samples] += said * weight
            weights[..., start : start + num_samples] += weight
    return total / weights
