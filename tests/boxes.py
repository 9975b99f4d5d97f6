"""How well known boxes agree with those of a detector."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leftright.clips import FACE_EDGES
from leftright.data.faces import Detector, measure_faces


def overlaps(
    detector: Detector, frames: Sequence[NDArray[np.uint8]], boxes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Intersection over union of each frame's box with that of the largest face found, NaN where none is found.

    boxes : (frames, 4) left, top, right, bottom as fractions of the picture. Returns (frames,).
    """
    _, places = measure_faces(detector, frames, confidence=0.8)
    found = np.stack([places[name] for name in FACE_EDGES], axis=-1)
    shared = _area(np.concatenate([np.maximum(found, boxes)[:, :2], np.minimum(found, boxes)[:, 2:]], axis=-1))
    return shared / (_area(found) + _area(boxes) - shared)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each (..., 4) box; 0 where its edges are the wrong way round."""
    return np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(axis=-1)
