"""What a face detector is, and what its boxes say of a clip. `detectors` makes one."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DEFAULT_WEIGHTS = "default"
DetectorName = Literal["uniface", "retinaface-pytorch"]
Detector = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""(height, width, 3) RGB in, (faces, 5) out: left, top, right and bottom edge in pixels, and the score in 0..1."""

LOWEST_SCORE = 0.1  # below, a detector only guesses
SAME_FACE = 0.4  # boxes that overlap by more (intersection over union) are one face


def measure_faces(
    detector: Detector, frames: Sequence[NDArray[np.uint8]], confidence: float
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """The faces' columns of the filtered manifest.

    frames : (height, width, 3) RGB each. confidence : the score from which a detection is a face.
    Returns the columns by name, and (frames,): the centre of the largest face, 0 at the picture's left edge, 1 at its
    right one, NaN without a face.
    """
    found = [detector(frame) for frame in frames]
    confident = [boxes[boxes[:, 4] >= confidence] for boxes in found]
    columns = {
        "face_share": float(np.mean([len(boxes) > 0 for boxes in confident])),
        "face_score": float(np.median([boxes[:, 4].max(initial=0.0) for boxes in found])),
        "num_faces": float(np.median([len(boxes) for boxes in confident])),
    }
    centres = [_centre(boxes) / frame.shape[1] for boxes, frame in zip(confident, frames, strict=True)]
    return columns, np.array(centres)


def _centre(boxes: NDArray[np.float64]) -> float:
    """The middle of the largest box in pixels, NaN without one."""
    if not len(boxes):
        return float("nan")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left, _, right, *_ = boxes[np.argmax(areas)]
    return float(left + right) / 2
