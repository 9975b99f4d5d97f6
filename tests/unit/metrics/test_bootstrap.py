"""Intervals are over videos: as wide as the videos' number warrants, whatever the number of clips."""

import math

import numpy as np
import pytest

from leftright.metrics.bootstrap import bootstrap, bootstrap_mean, bootstrap_share
from leftright.results import Value


def clustered(num_videos, clips_each, seed):
    """Values whose clips share their video's offset, as clips do; the true mean is 0."""
    generator = np.random.default_rng(seed)
    offsets = np.repeat(generator.normal(size=num_videos), clips_each)
    values = offsets + 0.3 * generator.normal(size=num_videos * clips_each)
    videos = np.repeat([f"v{number}" for number in range(num_videos)], clips_each).tolist()
    return values, videos


def naive(values, videos, num_resamples, seed):
    """The bootstrap as a text book writes it: draw videos, pool their clips, take the mean, sort."""
    generator = np.random.default_rng(seed)
    names = sorted(set(videos))
    draws = generator.integers(len(names), size=(num_resamples, len(names)))
    means = []
    for draw in draws:
        pool = []
        for index in draw:
            pool += [value for value, video in zip(values, videos, strict=True) if video == names[index]]
        means.append(sum(pool) / len(pool))
    return np.quantile(means, [0.025, 0.975])


@pytest.fixture
def uneven():
    """Videos with 1 to 4 clips, in no order."""
    videos = ["c", "a", "b", "a", "d", "b", "a", "e", "a", "b"]
    return [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0], videos


def test_bootstrap_equals_the_naive_one(uneven):
    values, videos = uneven
    array = np.array(values)
    result = bootstrap(lambda rows: array[rows].mean(), videos, num_resamples=200, seed=3)
    assert (result.low, result.high) == pytest.approx(naive(values, videos, 200, 3))
    assert result.value == pytest.approx(0.6)
    assert result.n == 10


def test_bootstrap_mean_equals_bootstrap_of_the_mean(uneven):
    values, videos = uneven
    array = np.array(values)
    slow = bootstrap(lambda rows: array[rows].mean(), videos, num_resamples=300, seed=5)
    fast = bootstrap_mean(values, videos, num_resamples=300, seed=5)
    assert (fast.value, fast.low, fast.high, fast.n) == pytest.approx((slow.value, slow.low, slow.high, slow.n))


def test_interval_over_videos_is_wider_than_over_clips():
    values, videos = clustered(num_videos=20, clips_each=10, seed=1)
    over_videos = bootstrap_mean(values, videos)
    over_clips = bootstrap_mean(values, [str(number) for number in range(len(values))])
    assert over_videos.high - over_videos.low > 2 * (over_clips.high - over_clips.low)


def test_coverage_is_kept_over_videos_and_lost_over_clips():
    trials = [clustered(num_videos=30, clips_each=8, seed=seed) for seed in range(200)]

    def coverage(videos_of):
        results = [bootstrap_mean(values, videos_of(values, videos), num_resamples=300) for values, videos in trials]
        return np.mean([result.low <= 0 <= result.high for result in results])

    assert 0.89 <= coverage(lambda values, videos: videos) <= 0.99
    assert coverage(lambda values, videos: [str(number) for number in range(len(values))]) < 0.7


def test_same_seed_same_interval_and_another_seed_another(uneven):
    values, videos = uneven
    assert bootstrap_mean(values, videos, seed=1) == bootstrap_mean(values, videos, seed=1)
    assert bootstrap_mean(np.random.default_rng(0).normal(size=10), videos, seed=1) != bootstrap_mean(
        np.random.default_rng(0).normal(size=10), videos, seed=2
    )


def test_a_narrower_level_gives_a_narrower_interval(uneven):
    values, videos = np.array(uneven[0]), uneven[1]
    wide = bootstrap(lambda rows: values[rows].mean(), videos, level=0.95)
    narrow = bootstrap(lambda rows: values[rows].mean(), videos, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_video_has_a_value_and_no_interval():
    expected = Value(0.5, None, None, 4)
    assert bootstrap_mean([0.0, 1.0, 0.0, 1.0], ["v"] * 4) == expected
    assert bootstrap(lambda rows: 0.5, ["v"] * 4) == expected


def test_nothing_is_nothing():
    assert bootstrap_mean([], []) == Value(None, n=0)
    assert bootstrap(lambda rows: 1.0, []) == Value(None, n=0)


def test_an_undefined_statistic_has_no_value():
    assert bootstrap(lambda rows: math.nan, ["a", "b"]) == Value(None, n=2)


def test_undefined_resamples_are_left_out_of_the_interval():
    values = np.array([1.0, 2.0, 3.0])
    result = bootstrap(lambda rows: values[rows].mean() if len(set(rows)) > 1 else math.nan, ["a", "b", "c"])
    assert 1.0 < result.low <= result.high < 3.0


def test_a_perfect_share_has_the_exact_bound_and_others_the_bootstraps():
    """Of 10 videos all right: 0.025 ** (1 / 10), as tables of the Clopper-Pearson interval have it (two-sided: 0.6915)."""
    videos = [f"v{number // 2}" for number in range(20)]
    right = bootstrap_share([True] * 20, videos)
    assert (right.value, right.high, right.n) == (1.0, 1.0, 20)
    assert right.low == pytest.approx(0.6915, abs=1e-4)
    wrong = bootstrap_share([False] * 20, videos)
    assert wrong.high == pytest.approx(1 - 0.6915, abs=1e-4) and wrong.low == 0.0
    mixed = [number % 3 == 0 for number in range(20)]
    assert bootstrap_share(mixed, videos) == bootstrap_mean([float(one) for one in mixed], videos)
