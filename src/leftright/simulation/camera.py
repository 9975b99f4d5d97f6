"""The pinhole camera: from a place in front of the listener to a place in the picture.

The camera is at the centre of the listener's head and looks straight ahead, so that picture and sound share one perspective:
a source at azimuth A is seen at x = 0.5 - tan(A) / (2 tan(fov / 2)), azimuth being positive to the left and x to the right.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FORWARD, LEFTWARD, UP = 0, 1, 2


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels. `fov_deg` is the horizontal field of view; sizes are in pixels."""

    fov_deg: float
    width: int
    height: int

    @property
    def focal_px(self) -> float:
        """Pixels that a metre covers at one metre's depth."""
        return self.width / (2 * math.tan(math.radians(self.fov_deg) / 2))

    def project(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where a place is seen.

        position : (..., 3) metres forward, left, up. Returns (..., 2) pixels: x to the right and y down.
        """
        depth = position[..., FORWARD]
        x = self.width / 2 - self.focal_px * position[..., LEFTWARD] / depth
        y = self.height / 2 - self.focal_px * position[..., UP] / depth
        return np.stack([x, y], axis=-1)

    def image_x(self, azimuth_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where an azimuth is seen: 0 at the picture's left edge, 1 at its right."""
        return 0.5 - np.tan(np.radians(azimuth_deg)) / (2 * math.tan(math.radians(self.fov_deg) / 2))


def place(
    azimuth_deg: NDArray[np.float64], depth: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The place at an azimuth: (...,) degrees, metres forward and metres up give (..., 3)."""
    return np.stack(np.broadcast_arrays(depth, depth * np.tan(np.radians(azimuth_deg)), height), axis=-1)


def azimuth_deg(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Azimuth of a place: (..., 3) metres give (...) degrees, positive to the left."""
    return np.degrees(np.arctan2(position[..., LEFTWARD], position[..., FORWARD]))
