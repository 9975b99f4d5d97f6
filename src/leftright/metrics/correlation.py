"""How well a prediction of the sound's place agrees with the log energy difference (supplement, section B, Table 1).

Pearson's R is linear, Spearman's is Pearson's on ranks, where tied values share their mean rank. A correlation with a
constant is undefined and said to be so, not zero.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from leftright.metrics.bootstrap import bootstrap
from leftright.results import Value

Kind = Literal["pearson", "spearman"]
KINDS: tuple[Kind, ...] = ("pearson", "spearman")


def pearson(prediction: ArrayLike, target: ArrayLike) -> float:
    """Linear correlation of two (rows,) arrays, in -1..1; NaN where either is constant or there are fewer than two rows."""
    first, second = np.asarray(prediction, dtype=np.float64), np.asarray(target, dtype=np.float64)
    # Compared with the first value, not by the spread: the mean of equal numbers may differ from them by rounding.
    if len(first) < 2 or np.all(first == first[0]) or np.all(second == second[0]):
        return math.nan
    first, second = first - first.mean(), second - second.mean()
    product = float(first @ second / np.sqrt((first @ first) * (second @ second)))
    return max(-1.0, min(1.0, product))


def spearman(prediction: ArrayLike, target: ArrayLike) -> float:
    """Rank correlation of two (rows,) arrays, in -1..1; NaN as `pearson`."""
    return pearson(rankdata(np.asarray(prediction)), rankdata(np.asarray(target)))


_FUNCTIONS: dict[Kind, Callable[[ArrayLike, ArrayLike], float]] = {"pearson": pearson, "spearman": spearman}


def correlation(
    kind: Kind, prediction: ArrayLike, target: ArrayLike, videos: Sequence[str], *, num_resamples: int, seed: int
) -> Value:
    """A correlation over rows with its interval over videos.

    prediction, target : (rows,); a row without a prediction (NaN) is left out, and `n` counts the others.
    videos : the video of each row. An undefined correlation is a Value of None.
    """
    (first, second), names = _complete([prediction, target], videos)
    function = _FUNCTIONS[kind]
    return bootstrap(lambda rows: function(first[rows], second[rows]), names, num_resamples=num_resamples, seed=seed)


def correlation_difference(
    kind: Kind,
    prediction: ArrayLike,
    rival: ArrayLike,
    target: ArrayLike,
    videos: Sequence[str],
    *,
    num_resamples: int,
    seed: int,
) -> Value:
    """How much better `prediction` correlates with `target` than `rival` does, on the same rows and the same resamples.

    Being paired, its interval is the right one to ask whether one is better: two intervals of their own may overlap while
    the difference is beyond doubt. Rows where either prediction is NaN are left out.
    """
    (first, second, wanted), names = _complete([prediction, rival, target], videos)
    function = _FUNCTIONS[kind]
    return bootstrap(
        lambda rows: function(first[rows], wanted[rows]) - function(second[rows], wanted[rows]),
        names,
        num_resamples=num_resamples,
        seed=seed,
    )


def _complete(columns: Sequence[ArrayLike], videos: Sequence[str]) -> tuple[list[NDArray[np.float64]], Sequence[str]]:
    """The rows on which every column is finite."""
    table = np.array([np.asarray(column, dtype=np.float64) for column in columns])
    rows = np.flatnonzero(np.isfinite(table).all(axis=0))
    return list(table[:, rows]), np.asarray(videos)[rows].tolist()
