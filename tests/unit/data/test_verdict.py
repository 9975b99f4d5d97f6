import math
from dataclasses import replace
from typing import Any

import pytest

from leftright.clips import REASONS
from leftright.data.verdict import CHECKS, STEPS, reason_of
from tests.stereo_clips import LIMITS

GOOD: dict[str, Any] = {
    "damaged": frozenset(),
    "missing_s": 0.0,
    "audio_duration_s": 10.0,
    "video_duration_s": 10.0,
    "num_channels": 2,
    "rms_db": -30.0,
    "side_to_mid_db": -6.0,
    "channel_correlation": 0.5,
    "polarity": 0.8,
    "motion": 60.0,
    "offcentre_share": 0.9,
    "face_share": 1.0,
}

# One step over the limit, and one just inside it.
OVER = {
    "unreadable": ({"damaged": frozenset({"picture"})}, {}),
    "truncated": ({"missing_s": 0.51}, {"missing_s": 0.49}),
    "no_picture": ({"video_duration_s": math.nan}, {}),
    "no_sound": ({"audio_duration_s": math.nan}, {}),
    "not_stereo": ({"num_channels": 6}, {}),
    "silent": ({"rms_db": -65.1}, {"rms_db": -64.9}),
    "dual_mono": ({"side_to_mid_db": -50.1}, {"side_to_mid_db": -49.9}),
    "near_mono": ({"channel_correlation": 0.9996}, {"channel_correlation": 0.9994}),
    "inverted": ({"polarity": -0.31}, {"polarity": -0.29}),
    "length_mismatch": ({"audio_duration_s": 9.4}, {"audio_duration_s": 9.6}),
    "still": ({"motion": 4.9}, {"motion": 5.1}),
    "centred": ({"offcentre_share": 0.59}, {"offcentre_share": 0.6}),
    "no_face": ({"face_share": 0.24}, {"face_share": 0.25}),
}


def test_a_good_clip_has_no_reason_against_it() -> None:
    assert reason_of(GOOD, LIMITS) == ""


def test_the_reasons_are_those_of_the_manifest_in_its_order() -> None:
    first_mentions = dict.fromkeys(check.reason for check in CHECKS)
    assert tuple(first_mentions) == REASONS == tuple(OVER)


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_begins_at_its_limit(reason: str) -> None:
    over, inside = OVER[reason]
    assert reason_of(GOOD | over, LIMITS) == reason
    assert reason_of(GOOD | inside, LIMITS) == ""


@pytest.mark.parametrize("later", range(1, len(REASONS)))
def test_of_two_reasons_the_earlier_is_given(later: int) -> None:
    for earlier in range(later):
        if REASONS[earlier] == "unreadable":
            continue  # a damaged picture is found only when the picture is decoded
        both = GOOD | OVER[REASONS[later]][0] | OVER[REASONS[earlier]][0]
        assert reason_of(both, LIMITS) == REASONS[earlier]


@pytest.mark.parametrize("damaged", ["streams", "sound", "picture"])
def test_damage_counts_wherever_it_is_found(damaged: str) -> None:
    assert reason_of(GOOD | {"damaged": frozenset({damaged})}, LIMITS) == "unreadable"


def test_checks_stand_in_the_order_of_their_measures_and_wait_for_them() -> None:
    places = [STEPS.index(check.needs) for check in CHECKS]
    assert places == sorted(places)
    assert reason_of(GOOD | {"face_share": 0.0}, LIMITS, STEPS[:3]) == ""
    streams_only = {name: GOOD[name] for name in list(GOOD)[:5]}
    assert reason_of(streams_only, LIMITS, STEPS[:1]) == ""


def test_the_limits_decide() -> None:
    strict = replace(LIMITS, face_share_min=1.0)
    assert reason_of(GOOD | {"face_share": 0.95}, LIMITS) == ""
    assert reason_of(GOOD | {"face_share": 0.95}, strict) == "no_face"
