"""Alignment of a sound field with its 360-degree picture, from what a model says of the sound at every rotation.

Supplement, section E, table 3: the model is asked about uniform rotations of the sound in several clips of a video, its clips
come to a consensus, and the error is the absolute angle weighted by the consensus. What the supplement leaves open is decided
here:

- consensus: the product of the clips' odds of being aligned, normalised over the rotations ("odds"), of their probabilities
  ("product"), or the mean of these ("mean"). A model that learnt from as many aligned as rotated clips says with its odds how
  much likelier what it heard is aligned than rotated, so that by Bayes' rule their normalised product is the probability of
  each rotation, if one of them is right and none is likelier beforehand. A product of probabilities is flat where the model is
  sure: all rotations at which it says 0.99 or 0.999 are as good as one another. In both, clips are taken as independent.
- confidence of a video: how far its clips agree. Each clip's normalised odds have a mean unit vector over the rotations; the
  confidence is the length of the clips' mean of these, 1 where all are sure of one rotation. It knows nothing of the truth.
- low, medium and high confidence: all videos, those from the median of the confidences on, those from the 90th percentile on.
  Videos of equal confidence are all counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, softmax

from leftright.ambisonics import wrapped

Array = NDArray[np.float64]
Consensus = Literal["odds", "product", "mean"]

GROUPS = {"low": 0.0, "medium": 0.5, "high": 0.9}
"""Of each row of table 3 the quantile of the videos' confidences from which on it counts."""


@dataclass(frozen=True)
class Alignment:
    """One video. probabilities : (rotations,), sum 1. error_deg : 0 is aligned, 180 the worst. confidence : 0..1."""

    probabilities: Array
    error_deg: float
    confidence: float
    best_deg: float


def rotations_deg(count: int) -> Array:
    """`count` rotations that part the circle evenly, from 0 on, in degrees."""
    return 360.0 * np.arange(count) / count


def align(logits: NDArray[np.floating], angles_deg: Sequence[float] | Array, consensus: Consensus) -> Alignment:
    """The consensus of one video's clips.

    logits : (clips, rotations), that the sound is *not* aligned. angles_deg : (rotations,), by how much it had been turned.
    """
    log_odds = -np.asarray(logits, dtype=np.float64)
    if consensus == "odds":
        probabilities = softmax(log_odds.sum(axis=0))
    elif consensus == "product":
        probabilities = softmax(log_expit(log_odds).sum(axis=0))
    else:
        means = expit(log_odds).mean(axis=0)
        probabilities = means / means.sum()
    angles = wrapped(angles_deg)
    directions = softmax(log_odds, axis=1) @ np.exp(1j * np.radians(angles))
    error, best = float(probabilities @ np.abs(angles)), float(angles[probabilities.argmax()])
    return Alignment(probabilities, error, float(abs(directions.mean())), best)


def group_members(confidences: Sequence[float] | Array, group: str) -> NDArray[np.int64]:
    """Which videos belong to a row of table 3: their numbers."""
    values = np.asarray(confidences, dtype=np.float64)
    return np.flatnonzero(values >= np.quantile(values, GROUPS[group])) if len(values) else np.empty(0, np.int64)
