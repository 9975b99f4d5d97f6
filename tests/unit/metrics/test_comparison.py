"""The decision between two models, on predictions whose answers are planted."""

import numpy as np
import pandas as pd
import pytest

from leftright.metrics import flip
from leftright.metrics.comparison import Demands, judge

NO_DEMANDS = Demands(min_videos=1, min_channels=1)


def predictions(right: dict[str, list[bool]]) -> pd.DataFrame:
    """Right : of each channel, whether its clips (one a video) are recognised, whichever way round they are presented."""
    rows = [
        (f"{channel}v{number}_0", f"{channel}v{number}", channel, "test", start_s, is_flipped,
         2.0 if bool(is_flipped) == is_right else -2.0, "stereo")
        for channel, clips in right.items()
        for number, is_right in enumerate(clips)
        for start_s in (0.0, 1.0)
        for is_flipped in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(flip.PREDICTION_COLUMNS))


def channels(count: int, right: list[bool]) -> dict[str, list[bool]]:
    return {f"c{number:02d}": right for number in range(count)}


def test_the_first_model_wins():
    verdict = judge(predictions(channels(3, [False])), None, 0, Demands(100, 100))
    assert verdict.decision == "promote"
    assert "compare.difference" not in verdict.values
    assert verdict.values["compare.challenger.accuracy"].value == 0


def test_a_better_model_is_promoted_and_its_difference_is_the_share_of_clips():
    better = channels(12, [True, False]) | channels(10, [True, True])
    worse = channels(12, [True, False])
    verdict = judge(predictions(better), predictions(worse), 0, NO_DEMANDS)
    assert verdict.decision == "promote"
    difference = verdict.values["compare.difference"]
    assert (difference.value, difference.n) == (pytest.approx(10 / 24), 24)
    assert 0 < difference.low < difference.value < difference.high
    assert verdict.values["compare.loss_difference"].high < 0
    assert judge(predictions(worse), predictions(better), 0, NO_DEMANDS).decision == "keep"


def test_an_equal_model_is_not_promoted():
    same = predictions(channels(12, [True, False]))
    verdict = judge(same, same, 0, NO_DEMANDS)
    assert verdict.decision == "keep"
    assert verdict.values["compare.difference"].value == verdict.values["compare.difference"].high == 0


def test_one_channel_with_many_clips_does_not_carry_the_decision():
    """Over clips, 38 better and 2 worse would be beyond doubt; they are two performers."""
    better = channels(20, [False]) | {"c00": [True] * 38, "c01": [False] * 2}
    worse = channels(20, [False]) | {"c00": [False] * 38, "c01": [True] * 2}
    verdict = judge(predictions(better), predictions(worse), 0, NO_DEMANDS)
    assert verdict.values["compare.difference"].value > 0.5
    assert verdict.values["compare.difference"].low <= 0
    assert verdict.decision == "keep"


def test_what_is_noise_is_promoted_rarely():
    """Two models that are equally good, each right by chance: at most a few of forty challengers may win."""
    won = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        drawn = [
            {f"c{number:02d}": (generator.random(4) < generator.uniform(0.6, 1.0)).tolist() for number in range(20)}
            for _ in range(2)
        ]
        won += judge(*map(predictions, drawn), 0, NO_DEMANDS).decision == "promote"
    assert won <= 4


@pytest.mark.parametrize(
    ("demands", "missing"),
    [
        (Demands(25, 1), "videos to decide: 24 of at least 25"),
        (Demands(1, 13), "channels to decide: 12 of at least 13"),
    ],
)
def test_too_few_decide_nothing(demands, missing):
    tables = predictions(channels(12, [True, True])), predictions(channels(12, [False, False]))
    verdict = judge(*tables, 0, demands)
    assert (verdict.decision, verdict.values["compare.promoted"].value) == ("keep", 0)
    assert missing in verdict.reason
    assert judge(*tables, 0, Demands(24, 12)).decision == "promote"


def test_one_channel_has_no_interval():
    verdict = judge(predictions({"c": [True] * 9}), predictions({"c": [False] * 9}), 0, NO_DEMANDS)
    assert (verdict.decision, verdict.values["compare.difference"].low) == ("keep", None)


def test_other_clips_are_a_defect():
    with pytest.raises(ValueError, match="different clips"):
        judge(predictions(channels(3, [True])), predictions(channels(4, [True])), 0, NO_DEMANDS)
