"""What varies from one look at a clip to the next: crop, colour, contrast and the mirror (supplement, sections B and C).

Each variation is drawn first and applied afterwards, so that it can be written down and replayed. One draw holds for all
frames of a window: a colour that flickered would be motion.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from leftright.audio import swap_channels

_RGB = 3


@dataclass(frozen=True)
class AugmentationRange:
    """How far variations go. Each factor is drawn evenly from 1 - x to 1 + x, each shift from -x to x (white is 1)."""

    contrast: float
    brightness: float
    colour: float


@dataclass(frozen=True)
class Augmentation:
    """One variation.

    top, left : the crop's corner in pixels. gain, shift : per colour channel, about mid-grey. is_mirrored : the picture is
    mirrored and the sound's channels are exchanged, so that both still agree.
    """

    top: int
    left: int
    gain: tuple[float, float, float]
    shift: tuple[float, float, float]
    is_mirrored: bool

    @classmethod
    def none(cls, height: int, width: int, crop: int) -> "Augmentation":
        """The crop from the centre and nothing else."""
        return cls((height - crop) // 2, (width - crop) // 2, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), False)

    @classmethod
    def draw(
        cls, generator: np.random.Generator, ranges: AugmentationRange, height: int, width: int, crop: int
    ) -> "Augmentation":
        """Draw one for frames of `height` x `width`, of which `crop` x `crop` pixels are kept."""
        top, left = (int(generator.integers(0, side - crop + 1)) for side in (height, width))
        contrast = 1 + ranges.contrast * generator.uniform(-1, 1)
        gain = contrast * (1 + ranges.colour * generator.uniform(-1, 1, _RGB))
        shift = ranges.brightness * generator.uniform(-1, 1) + ranges.colour / 2 * generator.uniform(-1, 1, _RGB)
        is_mirrored = bool(generator.integers(2))
        return cls(top, left, tuple(gain.tolist()), tuple(shift.tolist()), is_mirrored)

    def crop(self, frames: NDArray[np.uint8], crop: int) -> NDArray[np.uint8]:
        """Frames : (time, 3, height, width). Returns (time, 3, crop, crop)."""
        return frames[..., self.top : self.top + crop, self.left : self.left + crop]


def adjust_colour(frames: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Change contrast, brightness and hue.

    frames : (batch, time, 3, height, width) uint8. gain, shift : (batch, 3). Returns the frames as float32 in 0..1.
    """
    unit = frames.float() / 255
    return ((unit - 0.5) * gain[:, None, :, None, None] + (0.5 + shift[:, None, :, None, None])).clamp(0, 1)


def mirror_frames(frames: Tensor) -> Tensor:
    """The picture with left and right exchanged. frames : (..., width).

    Together with `swap_channels` of the sound it never changes whether a clip is flipped.
    """
    return frames.flip(dims=(-1,))


def where(chosen: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Items of `first` where `chosen`, else of `second`. chosen : (batch,) bool; the others (batch, ...)."""
    return torch.where(chosen.view(-1, *[1] * (first.dim() - 1)), first, second)


def mirror_where(is_mirrored: Tensor, waveform: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror picture and sound together, in those items of a batch where `is_mirrored`.

    is_mirrored : (batch,) bool. waveform : (batch, ..., 2, samples), left first. frames : (batch, ..., width).
    """
    waveform = where(is_mirrored, swap_channels(waveform), waveform)
    return waveform, where(is_mirrored, mirror_frames(frames), frames)
