"""95 % intervals by resampling videos.

Clips of one video are not independent: resampling clips would make every interval too narrow. So whole videos are drawn,
with replacement, and the statistic is computed anew on all rows of the drawn ones (percentile bootstrap; Efron & Tibshirani,
An Introduction to the Bootstrap, 1993, chapter 13). Rows of one video only say nothing about other videos: then there is no
interval, rather than one of width zero.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leftright.results import Value


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    videos: Sequence[str],
    *,
    num_resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Value:
    """A statistic over rows with its interval over videos.

    statistic : takes row numbers (repeated where a video is drawn twice) and returns one number; NaN says undefined: such
        resamples are left out of the interval, and an undefined statistic of all rows makes a Value of None.
    videos : the video of each row. Returns a Value whose `n` is the number of rows.
    """
    names, group = np.unique(np.asarray(videos), return_inverse=True)
    num_rows = len(group)
    value = float(statistic(np.arange(num_rows))) if num_rows else math.nan
    if not math.isfinite(value):
        return Value(None, n=num_rows)
    order = np.argsort(group, kind="stable")
    rows_of = np.split(order, np.cumsum(np.bincount(group))[:-1])
    draws = _draws(len(names), num_resamples, seed)
    resampled = np.array([statistic(np.concatenate([rows_of[video] for video in draw])) for draw in draws])
    low, high = _interval(resampled, level)
    return Value(value, low, high, num_rows)


def bootstrap_mean(
    values: Sequence[float], videos: Sequence[str], *, num_resamples: int = 1000, seed: int = 0
) -> Value:
    """The mean of one number a row, such as an accuracy, with its interval over videos.

    Equal to `bootstrap` of the mean, and faster: only each video's sum and count are resampled.
    """
    names, group = np.unique(np.asarray(videos), return_inverse=True)
    if not len(names):
        return Value(None, n=0)
    row_values = np.asarray(values, dtype=np.float64)
    sums = np.bincount(group, weights=row_values)
    counts = np.bincount(group)
    draws = _draws(len(names), num_resamples, seed)
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1) if len(draws) else np.empty(0)
    low, high = _interval(means, 0.95)
    return Value(float(row_values.mean()), low, high, len(row_values))


def bootstrap_share(
    is_true: Sequence[bool] | NDArray[np.bool_], videos: Sequence[str], *, num_resamples: int = 1000, seed: int = 0
) -> Value:
    """The share of true rows with its interval over videos, honest also where everything, or nothing, is true.

    Resampling ten right answers gives ten right answers: the bootstrap would claim an interval of no width, however few there
    are. There the exact binomial bound (Clopper & Pearson, Biometrika 26, 1934) takes its place, with the videos as draws.
    """
    rows = np.asarray(is_true, dtype=np.float64)
    value = bootstrap_mean(rows.tolist(), videos, num_resamples=num_resamples, seed=seed)
    bound = 0.025 ** (1 / max(1, len(set(videos))))
    if value.value == 1:
        return replace(value, low=bound, high=1.0)
    if value.value == 0:
        return replace(value, low=0.0, high=1 - bound)
    return value


def _draws(num_videos: int, num_resamples: int, seed: int) -> NDArray[np.int64]:
    """Which videos each resample holds: (resamples, videos), empty where one video alone leaves nothing to resample."""
    num_resamples = num_resamples if num_videos > 1 else 0
    return np.random.default_rng(seed).integers(num_videos, size=(num_resamples, num_videos))


def _interval(resampled: NDArray[np.float64], level: float) -> tuple[float, float] | tuple[None, None]:
    """The middle `level` of the finite resampled values; no bounds where there are none."""
    finite = resampled[np.isfinite(resampled)]
    if not len(finite):
        return None, None
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
