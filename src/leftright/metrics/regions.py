"""Where on a picture something is strongest: positions of a sliding window, and the choice among them.

Everything here turns with the picture: mirror the scores, and the answer is mirrored. So ties are settled by the mean of
the tied positions, never by the first, which would lean to the left.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CLOSE = 1e-9  # relative; sums of the same numbers in another order are a tie


def window_starts(extent_px: int, window_px: int, stride_px: int) -> NDArray[np.int64]:
    """First pixels of windows of `window_px` that cover `extent_px` edge to edge, at most `stride_px` apart, symmetrically.

    (224, 32, 32) -> 0, 32, ..., 192. Raises ValueError for a window wider than the extent.
    """
    if not 0 < window_px <= extent_px:
        raise ValueError(f"a window of {window_px} px does not fit into {extent_px} px")
    if stride_px < 1:
        raise ValueError(f"a stride of {stride_px} px never moves")
    last = extent_px - window_px
    left = np.round(np.linspace(0, last, math.ceil(last / stride_px) + 1)).astype(np.int64)
    # Rounding to even would place the right half otherwise than the left: the right half is the left one, mirrored.
    half = len(left) // 2
    left[len(left) - half :] = last - left[:half][::-1]
    return left


def scaled_px(pixels: int, extent_px: int, reference_px: int) -> int:
    """A length given at `reference_px` pixels of picture, at `extent_px`: 32 at 224 is 9 at 64. At least one pixel."""
    return max(1, round(pixels * extent_px / reference_px))


def window_sums(columns: NDArray[np.floating], starts: NDArray[np.int64], window_px: int) -> NDArray[np.float64]:
    """Sums of a score per column (width,) over each window: (windows,)."""
    cumulative = np.concatenate([[0.0], np.cumsum(columns, dtype=np.float64)])
    return cumulative[starts + window_px] - cumulative[starts]


def strongest(scores: NDArray[np.floating], positions: NDArray[np.floating]) -> float:
    """The position with the highest score: the mean of them where several tie. Both (positions,)."""
    top = float(scores.max())
    return float(positions[scores >= top - _CLOSE * max(1.0, abs(top))].mean())


def centre_of_mass(scores: NDArray[np.floating], positions: NDArray[np.floating]) -> float:
    """Mean position weighted by what each score is above zero; NaN where none is. Both (positions,)."""
    weights = np.maximum(scores, 0)
    return float(np.average(positions, weights=weights)) if weights.sum() > 0 else math.nan


def mode(values: Sequence[float]) -> float:
    """The most frequent value: the mean of them where several are equally frequent; NaN of nothing."""
    if not len(values):
        return math.nan
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    return float(distinct[counts == counts.max()].mean())
