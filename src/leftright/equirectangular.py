"""The whole sphere in one picture: x runs with azimuth, y with elevation, both evenly.

x = 0 is azimuth +180 degrees (behind), the middle is 0 (ahead), and x grows to the right: azimuth = 180 - 360 x / width. A turn
about the up axis is a shift of the picture, whose left and right edges meet.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Frames = TypeVar("Frames")

ASPECT = 2
"""The picture is twice as wide as high."""


def x_of(azimuth_deg: ArrayLike) -> NDArray[np.float64]:
    """Where an azimuth (...) in degrees is seen: in [0, 1), 0 at the picture's left edge."""
    return (0.5 - np.asarray(azimuth_deg, dtype=np.float64) / 360) % 1.0


def y_of(elevation_deg: ArrayLike) -> NDArray[np.float64]:
    """Where an elevation (...) in degrees is seen: 0 at the picture's top, 1 at its bottom."""
    return 0.5 - np.asarray(elevation_deg, dtype=np.float64) / 180


def azimuth_of(x: ArrayLike) -> NDArray[np.float64]:
    """The azimuth in (-180, 180] that is seen at `x` (...), a fraction of the picture's width."""
    return 180 - 360 * (np.asarray(x, dtype=np.float64) % 1.0)


def elevation_of(y: ArrayLike) -> NDArray[np.float64]:
    """The elevation in degrees that is seen at `y` (...), a fraction of the picture's height."""
    return 90 - 180 * np.asarray(y, dtype=np.float64)


def turn(frames: Frames, columns: int) -> Frames:
    """Turn the picture to the left by so many of its columns: what was at azimuth a is at a + 360 * columns / width.

    frames : (..., width), an array or a tensor. Returns a new one of the same shape and kind.
    """
    width = frames.shape[-1]  # type: ignore[attr-defined]
    order = (np.arange(width) + columns) % width
    return frames[..., order]  # type: ignore[index]
