"""What a face detector is, and what its boxes say of a clip. `detectors` makes one."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leftright.clips import FACE_EDGES

DEFAULT_WEIGHTS = "default"
DetectorName = Literal["uniface", "retinaface-pytorch"]
Detector = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""(height, width, 3) RGB in, (faces, 5) out: left, top, right and bottom edge in pixels, and the score in 0..1."""

LOWEST_SCORE = 0.1  # below, a detector only guesses
SAME_FACE = 0.4  # boxes that overlap by more (intersection over union) are one face


def measure_faces(
    detector: Detector, frames: Sequence[NDArray[np.uint8]], confidence: float
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """The faces' columns of the filtered manifest.

    frames : (height, width, 3) RGB each. confidence : the score from which a detection is a face.
    Returns the numbers by column, and the lists by column, (frames,) each, NaN without a face, all of the largest one:
    `face_xs`, its centre, 0 at the picture's left edge and 1 at its right one; the edges of its box, likewise, top and
    bottom as fractions of the height. A detector's box may pass the picture's edge: its edges are cut there, its centre
    is the whole box's.
    """
    found = [detector(frame) for frame in frames]
    confident = [boxes[boxes[:, 4] >= confidence] for boxes in found]
    columns = {
        "face_share": float(np.mean([len(boxes) > 0 for boxes in confident])),
        "face_score": float(np.median([boxes[:, 4].max(initial=0.0) for boxes in found])),
        "num_faces": float(np.median([len(boxes) for boxes in confident])),
    }
    largest = np.stack([_largest(boxes) for boxes in confident])
    sizes = np.array([frame.shape[1::-1] for frame in frames])
    centres = (largest[:, 0] + largest[:, 2]) / 2 / sizes[:, 0]
    edges = np.clip(largest / np.tile(sizes, 2), 0, 1)
    return columns, {"face_xs": centres, **dict(zip(FACE_EDGES, edges.T, strict=True))}


def _largest(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4,): the edges of the largest box in pixels, NaN without one."""
    if not len(boxes):
        return np.full(4, np.nan)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return boxes[np.argmax(areas), :4]
