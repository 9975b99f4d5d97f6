"""The difference of two models on the same clips, and how surprising it is."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from leftright.metrics.bootstrap import bootstrap
from leftright.metrics.paired import paired_difference, sign_flip_p_value
from leftright.results import Value

SETTINGS = {"num_resamples": 400, "seed": 0}


def names(count, each=1):
    return [f"v{number // each}" for number in range(count)]


def naive_p_value(first, second, videos):
    """Flip every set of videos, and count."""
    means = [
        np.mean([one - other for one, other, name in zip(first, second, videos, strict=True) if name == video])
        for video in sorted(set(videos))
    ]
    observed = abs(np.mean(means))
    flipped = [
        abs(np.mean([sign * mean for sign, mean in zip(signs, means, strict=True)]))
        for signs in product((1, -1), repeat=len(means))
    ]
    return np.mean([value >= observed - 1e-12 for value in flipped])


@pytest.fixture
def clips():
    """Two models on 24 clips of 8 videos; the first is better by about 0.3."""
    generator = np.random.default_rng(5)
    second = generator.normal(size=24)
    return second + 0.3 + 0.4 * generator.normal(size=24), second, names(24, each=3)


def test_difference_is_the_bootstrap_of_the_mean_difference(clips):
    first, second, videos = clips
    expected = bootstrap(lambda rows: (first - second)[rows].mean(), videos, **SETTINGS)
    found = paired_difference(*clips, **SETTINGS)
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert found.n == 24


def test_exact_p_value_by_hand():
    # Differences 3, 1, 1: sums of 5, 3, 3, 1 and their negatives; only the extremes are as far as 5.
    assert sign_flip_p_value([3.0, 1.0, 1.0], [0.0] * 3, names(3), **SETTINGS) == 2 / 8
    # 3, 1, -1: 5, 3, 3, 1, with 3 observed: six of eight.
    assert sign_flip_p_value([3.0, 1.0, -1.0], [0.0] * 3, names(3), **SETTINGS) == 6 / 8


def test_exact_p_value_equals_the_naive_one(clips):
    first, second, videos = clips
    assert sign_flip_p_value(*clips, **SETTINGS) == pytest.approx(naive_p_value(*clips))
    uneven = [videos[row] for row in np.random.default_rng(0).integers(24, size=24)]
    assert sign_flip_p_value(first, second, uneven, **SETTINGS) == pytest.approx(naive_p_value(first, second, uneven))


def test_p_value_agrees_with_scipy():
    generator = np.random.default_rng(2)
    for count in (10, 40):
        difference = generator.normal(0.3, 1.0, size=count)
        ours = sign_flip_p_value(difference, np.zeros(count), names(count), num_resamples=20_000, seed=0)
        theirs = stats.permutation_test(
            (difference,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
        ).pvalue
        assert ours == pytest.approx(theirs, abs=0.01)


def test_swapping_the_models_turns_the_difference_and_keeps_the_p_value(clips):
    first, second, videos = clips
    forwards, backwards = paired_difference(*clips, **SETTINGS), paired_difference(second, first, videos, **SETTINGS)
    assert (backwards.value, backwards.low, backwards.high) == pytest.approx(
        (-forwards.value, -forwards.high, -forwards.low)
    )
    assert sign_flip_p_value(*clips, **SETTINGS) == sign_flip_p_value(second, first, videos, **SETTINGS)


def test_many_clips_of_few_videos_prove_nothing():
    """200 clips, all better, are 5 videos: at least 2 of 32 flips are as far."""
    better = np.ones(200)
    assert sign_flip_p_value(better, np.zeros(200), names(200, each=40), **SETTINGS) == 2 / 32
    assert sign_flip_p_value(better, np.zeros(200), names(200), **SETTINGS) == 1 / 401


def test_p_values_of_equal_models_are_uniform():
    """Clips share their video's luck; the test rejects as often as it says, which over clips it would not."""
    generator = np.random.default_rng(0)
    rejected = {1: 0, 6: 0}
    for _ in range(300):
        luck = np.repeat(generator.normal(size=14), 6) + 0.3 * generator.normal(size=84)
        for each in rejected:
            rejected[each] += sign_flip_p_value(luck, np.zeros(84), names(84, each), num_resamples=200, seed=1) <= 0.05
    assert 5 <= rejected[6] <= 27
    assert rejected[1] > 90


def test_equal_answers_are_no_surprise():
    for count in (5, 30):
        same = np.random.default_rng(1).normal(size=count)
        assert sign_flip_p_value(same, same, names(count), **SETTINGS) == 1.0
        assert paired_difference(same, same, names(count), **SETTINGS) == Value(0.0, 0.0, 0.0, count)


def test_one_video_alone_says_nothing():
    assert sign_flip_p_value([1.0, 2.0], [0.0, 0.0], ["v", "v"], **SETTINGS) == 1.0
    assert paired_difference([1.0, 2.0], [0.0, 0.0], ["v", "v"], **SETTINGS) == Value(1.5, None, None, 2)


def test_clips_where_either_is_undefined_are_left_out(clips):
    first, second, videos = (list(column) for column in clips)
    for function in (paired_difference, sign_flip_p_value):
        expected = function(first[2:], second[2:], videos[2:], **SETTINGS)
        holes = [math.nan, *first[1:]], [second[0], math.nan, *second[2:]], videos
        assert function(*holes, **SETTINGS) == expected
    assert paired_difference([math.nan], [1.0], ["v"], **SETTINGS) == Value(None, n=0)
    assert math.isnan(sign_flip_p_value([math.nan], [1.0], ["v"], **SETTINGS))


@pytest.mark.parametrize("lengths", [(3, 4, 3), (3, 3, 4), (4, 3, 3)])
def test_other_clips_are_a_defect(lengths):
    first, second, videos = (names(length) for length in lengths)
    for function in (paired_difference, sign_flip_p_value):
        with pytest.raises(ValueError, match="not the same clips"):
            function([1.0] * len(first), [0.0] * len(second), videos, **SETTINGS)
