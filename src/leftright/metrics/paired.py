"""Is one model better than another on the same clips? The mean of the differences, its interval, and a p-value.

Pairing takes out what both models find hard. Videos, not clips, are what varies independently: the interval resamples them,
and the test flips the sign of all of a video's differences together.
"""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leftright.metrics.bootstrap import bootstrap_mean
from leftright.results import Value

_MAX_EXACT_VIDEOS = 12  # 4096 ways to flip them


def paired_difference(
    first: ArrayLike, second: ArrayLike, videos: Sequence[str], *, num_resamples: int, seed: int
) -> Value:
    """The mean over clips of first minus second, with its interval over videos.

    first, second : (clips,), the same measure of two models on the same clips. videos : the video of each clip. Clips where
    either is undefined (NaN) are left out, and `n` counts the others; a Value of None where none is left.
    """
    differences, names = _differences(first, second, videos)
    return bootstrap_mean(differences.tolist(), names, num_resamples=num_resamples, seed=seed)


def sign_flip_p_value(
    first: ArrayLike, second: ArrayLike, videos: Sequence[str], *, num_resamples: int, seed: int
) -> float:
    """How often chance would part two equal models as far as this, either way: 0 to 1; NaN where no clip is left.

    Were the models equal, the sign of a video's difference would be a toss. So the mean over videos of each video's mean
    difference is compared with what it becomes when their signs are flipped (Fisher, The Design of Experiments, 1935, section
    21; Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005): all flips of up to 12 videos, else
    `num_resamples` random ones to which the observed one is added, so that the answer is never 0 (Phipson & Smyth,
    Statistical Applications in Genetics and Molecular Biology 9(1), 2010). It cannot fall below 2 / 2^videos: with fewer than
    six videos nothing is significant at 0.05.

    Every video counts the same here, every clip in `paired_difference`. Arguments as there.
    """
    differences, names = _differences(first, second, videos)
    if not len(differences):
        return math.nan
    _, group = np.unique(names, return_inverse=True)
    of_videos = np.bincount(group, weights=differences) / np.bincount(group)
    is_exact = len(of_videos) <= _MAX_EXACT_VIDEOS
    signs = _all_signs(len(of_videos)) if is_exact else _random_signs(len(of_videos), num_resamples, seed)
    # Sums of the same numbers in another order are a tie.
    least = abs(of_videos.sum()) - 1e-9 * np.abs(of_videos).sum()
    num_as_far = int(np.count_nonzero(np.abs(signs @ of_videos) >= least))
    return num_as_far / len(signs) if is_exact else (1 + num_as_far) / (1 + len(signs))


def _all_signs(num_videos: int) -> NDArray[np.float64]:
    """(2^videos, videos)."""
    return np.array(list(product((1.0, -1.0), repeat=num_videos)))


def _random_signs(num_videos: int, num_resamples: int, seed: int) -> NDArray[np.float64]:
    """(resamples, videos)."""
    return np.random.default_rng(seed).choice((1.0, -1.0), size=(num_resamples, num_videos))


def _differences(first: ArrayLike, second: ArrayLike, videos: Sequence[str]) -> tuple[NDArray[np.float64], list[str]]:
    """Of the clips where both are defined: first minus second, and the video."""
    ours, theirs = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if not len(ours) == len(theirs) == len(videos):
        raise ValueError(f"{len(ours)} and {len(theirs)} values of {len(videos)} clips: not the same clips")
    rows = np.flatnonzero(np.isfinite(ours) & np.isfinite(theirs))
    return (ours - theirs)[rows], np.asarray(videos)[rows].tolist()
