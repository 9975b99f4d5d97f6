import numpy as np
import pandas as pd
import pytest

from leftright.metrics import flip


def table(logits: dict[tuple[str, float], tuple[float, float]], condition: str = "stereo") -> pd.DataFrame:
    """Logits : by (clip, start): as it is, flipped. The video is the clip's name up to the first underscore."""
    rows = [
        (clip, clip.split("_")[0], "channel", "test", start, is_flipped, pair[is_flipped], condition)
        for (clip, start), pair in logits.items()
        for is_flipped in (0, 1)
    ]
    return pd.DataFrame(rows, columns=list(flip.PREDICTION_COLUMNS))


def test_a_model_that_knows_is_right_in_either_orientation():
    knows = table({(f"v{n}_0", 0.0): (-2.0, 3.0) for n in range(20)})
    assert flip.accuracy(knows, seed=0).value == flip.clip_accuracy(knows, seed=0).value == 1.0
    reversed_logits = knows.assign(logit=-knows["logit"])
    assert flip.accuracy(reversed_logits, seed=0).value == 0.0


def test_each_window_counts_once_and_each_clip_once():
    predictions = table({(f"v{n}_0", start): (-1.0, 1.0) for n in range(7) for start in (0.0, 1.5, 3.0)})
    assert flip.accuracy(predictions, seed=0).n == 21
    assert flip.clip_accuracy(predictions, seed=0).n == 7


@pytest.mark.parametrize("seed", range(8))
def test_a_model_that_cannot_tell_the_orientations_apart_is_at_chance(seed):
    """As on mono: the same logit in both orientations of a window, whatever it is."""
    generator = np.random.default_rng(seed)
    for logits in (np.ones(300), -np.ones(300), generator.normal(size=300)):
        same = table({(f"v{n % 100}_{n}", 0.0): (logit, logit) for n, logit in enumerate(logits)}, "mono")
        value = flip.accuracy(same, seed)
        assert abs(value.value - 0.5) < 4 * 0.5 / 300**0.5
        assert value.low - 0.05 < 0.5 < value.high + 0.05
        assert value.high - value.low < 0.15


def test_half_of_each_videos_windows_are_presented_flipped():
    always_flipped = table({(f"v{n % 5}_{n}", 0.0): (1.0, 1.0) for n in range(40)})
    assert flip.accuracy(always_flipped, seed=0).value == 0.5
    drawn = [flip.accuracy(table({("v0_0", 0.0): (1.0, 1.0)}), seed).value for seed in range(20)]
    assert set(drawn) == {0.0, 1.0}


def test_the_orientation_of_a_window_does_not_depend_on_other_videos():
    generator = np.random.default_rng(0)
    whole = table({(f"v{n}_0", 0.0): tuple(generator.normal(size=2)) for n in range(60)})
    half = whole[whole["video"] < "v4"]
    rest = whole[whole["video"] >= "v4"]
    parts = [flip.accuracy(part, seed=5) for part in (half, rest)]
    assert flip.accuracy(whole, seed=5).value == pytest.approx(sum(part.value * part.n for part in parts) / 60)
    shuffled = whole.sample(frac=1, random_state=1)
    assert flip.accuracy(shuffled, seed=5).value == flip.accuracy(whole, seed=5).value


def test_clips_are_judged_by_the_mean_of_their_windows():
    """One confident window outvotes two that are slightly wrong."""
    predictions = table({("v0_0", 0.0): (-9.0, 9.0), ("v0_0", 1.0): (1.0, -1.0), ("v0_0", 2.0): (1.0, -1.0)})
    assert flip.clip_accuracy(predictions, seed=0).value == 1.0
    assert flip.accuracy(predictions, seed=0).value == pytest.approx(1 / 3)


def test_the_interval_is_over_videos():
    """Ten clips of each of two videos, all right in one and all wrong in the other: nothing is known of other videos."""
    predictions = table({(f"v{v}_{n}", 0.0): (-1.0, 1.0) if v else (1.0, -1.0) for v in (0, 1) for n in range(10)})
    value = flip.accuracy(predictions, seed=0)
    assert (value.value, value.low, value.high) == (0.5, 0.0, 1.0)


def test_cross_entropy_by_hand():
    predictions = table({("v0_0", 0.0): (0.0, 0.0), ("v1_0", 0.0): (-np.log(3), 50.0)})
    assert flip.cross_entropy(predictions).value == pytest.approx((2 * np.log(2) + np.log(4 / 3)) / 4)


def test_expected_error_is_the_probability_of_the_wrong_answer():
    """Sure and right, sure and wrong, and undecided; a clip labelled wrongly can cost no more than 1."""
    logits, labels = [-100.0, 100.0, 0.0, np.log(3)], [0, 0, 1, 1]
    table = pd.DataFrame({"logit": logits, "is_flipped": labels})
    assert flip.expected_error(table) == pytest.approx((0 + 1 + 0.5 + 0.25) / 4)
