"""Alignment of a sound field with its 360-degree picture, from what a model says of the sound at every rotation.

Supplement, section E, table 3: the model is asked about uniform rotations of the sound in several clips of a video, its clips
come to a consensus, and the error is the absolute angle weighted by the consensus. What the supplement leaves open is decided
here:

- consensus: the product of the clips' probabilities of being aligned, normalised over the rotations ("product"), or their mean,
  normalised ("mean"). Clips that saw the same sound would count twice in a product; they are taken as independent.
- confidence of a video: the mean probability of being aligned that its clips give to the rotation that the consensus prefers.
  It knows nothing of the truth.
- low, medium and high confidence: all videos, those from the median of the confidences on, those from the 90th percentile on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leftright.ambisonics import wrapped

Array = NDArray[np.float64]
Consensus = Literal["product", "mean"]

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
    log_aligned = -np.logaddexp(0.0, np.asarray(logits, dtype=np.float64))
    if consensus == "product":
        scores = log_aligned.sum(axis=0)
        weights = np.exp(scores - scores.max())
    else:
        weights = np.exp(log_aligned).mean(axis=0)
    probabilities = weights / weights.sum()
    errors = np.abs(wrapped(angles_deg))
    best = int(probabilities.argmax())
    confidence = float(np.exp(log_aligned[:, best]).mean())
    return Alignment(probabilities, float(probabilities @ errors), confidence, float(wrapped(angles_deg)[best]))


def group_members(confidences: Sequence[float] | Array, group: str) -> NDArray[np.int64]:
    """Which videos belong to a row of table 3: their numbers."""
    values = np.asarray(confidences, dtype=np.float64)
    return np.flatnonzero(values >= np.quantile(values, GROUPS[group])) if len(values) else np.empty(0, np.int64)
