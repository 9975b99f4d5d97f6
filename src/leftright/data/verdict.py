"""The verdict on a clip: a fixed list of checks, each a reason and what it asks of the measures.

The reason is the first check in the list that fails. The checks stand in the order in which their measures are taken,
cheap before dear, so that the filter can stop at the first that fails; one that measures everything comes to the same verdict.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Measures = Mapping[str, Any]


@dataclass(frozen=True)
class Limits:
    """From where on a measure speaks against a clip."""

    truncated_tolerance_s: float
    """A stream may be this much shorter than declared, in seconds: codecs pad and trim."""
    silent_db: float
    """The quieter channel's level below which a clip counts as silent, in dB of full scale."""
    dual_mono_db: float
    """Side against mid below which the two channels are one, in dB."""
    near_mono_correlation: float
    """Correlation of the channels from which they are one but for a gain."""
    inverted_correlation: float
    """Correlation of the channels at low frequencies below which one of them is turned over."""
    length_tolerance_s: float
    """Sound and picture may differ in length by this much, in seconds."""
    still_motion: float
    """Change of the picture below which it is a still image, in grey levels of 255."""
    offcentre_threshold_db: float
    """How far from zero a time bin's level difference must be to count as off-centre, in dB."""
    offcentre_share_min: float
    """Share of time bins that must be off-centre (the paper: 0.6)."""
    face_confidence: float
    """The detector's score from which a detection is a face."""
    face_share_min: float
    """Share of the sampled frames that must hold a face."""


@dataclass(frozen=True)
class Check:
    """One reason to reject a clip: `fails(measures, limits)`, asked once the measures named by `needs` are taken."""

    reason: str
    needs: str
    fails: Callable[[Measures, Limits], bool]


STEPS = ("streams", "sound", "picture", "faces")
"""The groups of measures, cheap before dear: about 5, 50, 100 and 200 ms for a clip of 10 s."""

CHECKS = (
    Check("unreadable", "streams", lambda measures, limits: "streams" in measures["damaged"]),
    Check("truncated", "streams", lambda measures, limits: measures["missing_s"] > limits.truncated_tolerance_s),
    Check("no_picture", "streams", lambda measures, limits: math.isnan(measures["video_duration_s"])),
    Check("no_sound", "streams", lambda measures, limits: math.isnan(measures["audio_duration_s"])),
    Check("not_stereo", "streams", lambda measures, limits: measures["num_channels"] != 2),
    Check("unreadable", "sound", lambda measures, limits: "sound" in measures["damaged"]),
    Check("silent", "sound", lambda measures, limits: measures["rms_db"] < limits.silent_db),
    Check("dual_mono", "sound", lambda measures, limits: measures["side_to_mid_db"] < limits.dual_mono_db),
    Check(
        "near_mono", "sound", lambda measures, limits: measures["channel_correlation"] > limits.near_mono_correlation
    ),
    Check("inverted", "sound", lambda measures, limits: measures["polarity"] < limits.inverted_correlation),
    Check("length_mismatch", "sound", lambda measures, limits: _lengths_differ_s(measures) > limits.length_tolerance_s),
    Check("unreadable", "picture", lambda measures, limits: "picture" in measures["damaged"]),
    Check("still", "picture", lambda measures, limits: measures["motion"] < limits.still_motion),
    Check("centred", "picture", lambda measures, limits: measures["offcentre_share"] < limits.offcentre_share_min),
    Check("no_face", "faces", lambda measures, limits: measures["face_share"] < limits.face_share_min),
)
"""A stream's damage inside is seen when it is decoded, hence `unreadable` three times."""


def reason_of(measures: Measures, limits: Limits, steps: tuple[str, ...] = STEPS) -> str:
    """The first check that fails, of those whose measures were taken in `steps`; "" where none does.

    Once the checks of a step have failed, what later steps measure changes nothing.
    """
    return next((check.reason for check in CHECKS if check.needs in steps and check.fails(measures, limits)), "")


def _lengths_differ_s(measures: Measures) -> float:
    return abs(measures["audio_duration_s"] - measures["video_duration_s"])
