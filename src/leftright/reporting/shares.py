"""Shares that the report measures itself, resampled as its configuration says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from leftright.metrics.bootstrap import bootstrap_share
from leftright.results import Value


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn."""

    num_resamples: int
    seed: int


def share(is_true: ArrayLike, videos: Sequence[str], resampling: Resampling) -> Value:
    """The share of true rows, with its 95 % interval over videos. is_true, videos : (rows,)."""
    rows = np.asarray(is_true, dtype=np.bool_)
    return bootstrap_share(rows, videos, num_resamples=resampling.num_resamples, seed=resampling.seed)
