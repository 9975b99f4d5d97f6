"""What the filter asks of a clip's picture: does it decode, does it move, and what does the scene look like?"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from leftright.errors import InputError
from leftright.video import open_media, picture_frames, rgb, shown_at

_MOTION_PERCENTILE = 99  # of a frame's blocks: a hand moves, the room about it does not
_MOTION_GRID = (36, 48)  # blocks: coarse enough that a codec's noise averages out of each
_SIGNATURE_GRID = (6, 8)  # blocks


def sample_times(duration_s: float, rate: float) -> NDArray[np.float64]:
    """Times spread evenly over a clip, `rate` a second and at least one, none at the very ends. Returns (times,)."""
    count = max(1, round(duration_s * rate))
    return (np.arange(count) + 0.5) * duration_s / count


def sample_frames(path: Path, times_s: Sequence[float] | NDArray[np.floating], longest: int) -> list[NDArray[np.uint8]]:
    """The frames shown at `times_s` (ascending), each (height, width, 3) RGB with its longer side scaled to `longest`.

    Raises InputError where the picture is damaged or missing.
    """
    with open_media(path) as container:
        shown = shown_at(_undamaged(container, path), times_s)
        frames = [rgb(frame, _size(frame, longest)) for frame in shown]
    if not frames:
        raise InputError(f"{path}: has no frames; fetch it again, or leave it out")
    return frames


def motion(frames: Sequence[NDArray[np.uint8]], steps: Sequence[int]) -> float:
    """How much the picture changes, in grey levels of 255: near 0 for a still image, whatever its codec adds.

    The frames are averaged over blocks. Of two frames `step` apart, the 99th percentile of the blocks' differences counts, so
    that a small moving thing is seen; of all such pairs the median, so that a rare cut between still images is not motion; of
    the steps the largest, so that a slow movement is seen too (supplement, section A: "different time steps").

    frames : (height, width, 3) each, evenly spaced in time. steps : distances in frames; those too long for the clip are passed
    over. Returns 0 for fewer than two frames.
    """
    blocks = np.stack([block_means(frame, _MOTION_GRID).mean(axis=-1) for frame in frames])
    largest = 0.0
    for step in steps:
        if step < len(blocks):
            differences = np.abs(blocks[step:] - blocks[:-step]).reshape(len(blocks) - step, -1)
            largest = max(largest, float(np.median(np.percentile(differences, _MOTION_PERCENTILE, axis=-1))))
    return largest


def scene_signature(frames: Sequence[NDArray[np.uint8]]) -> list[float]:
    """What stays of the picture: the frames' median, averaged over 6 x 8 blocks, RGB in 0..1, as 144 numbers.

    frames : (height, width, 3) each. Who moves drops out of the median; the room, the light and the set stay.
    """
    colours = np.stack([block_means(frame, _SIGNATURE_GRID) for frame in frames])
    return [float(value) for value in np.median(colours, axis=0).ravel() / 255]


def block_means(frame: NDArray[np.uint8], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Averages over a grid of equal blocks. frame : (height, width, 3). Returns (rows, columns, 3), in 0..255."""
    rows, columns = grid
    blocks = cv2.resize(frame.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(blocks, np.float32)


def _undamaged(container: av.container.InputContainer, path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    for time_s, frame in picture_frames(container, path):
        if frame.is_corrupt:
            raise InputError(f"{path}: the frame at {time_s:.2f} s is damaged; fetch it again, or leave it out")
        yield time_s, frame


def _size(frame: av.VideoFrame, longest: int) -> tuple[int, int]:
    height, width = (frame.height, frame.width) if frame.rotation % 180 == 0 else (frame.width, frame.height)
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))
