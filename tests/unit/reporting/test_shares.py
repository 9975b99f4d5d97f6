"""Shares: as the mean of the rows, with an interval that knows how few videos there are."""

import numpy as np
import pytest
from scipy.stats import binomtest

from leftright.reporting.shares import Resampling, share

RESAMPLING = Resampling(num_resamples=500, seed=0)


@pytest.mark.parametrize("num_videos", [1, 4, 30])
def test_all_right_is_bounded_as_clopper_and_pearson_say(num_videos: int) -> None:
    videos = [f"v{number}" for number in range(num_videos) for _ in range(3)]
    exact = binomtest(num_videos, num_videos).proportion_ci(0.95, "exact")
    value = share(np.ones(len(videos)), videos, RESAMPLING)
    assert (value.value, value.n) == (1.0, 3 * num_videos)
    assert value.low == pytest.approx(exact.low)
    assert value.high == 1.0


def test_none_right_is_its_mirror() -> None:
    videos = ["a", "b", "c"]
    wrong, right = share(np.zeros(3), videos, RESAMPLING), share(np.ones(3), videos, RESAMPLING)
    assert wrong.value == wrong.low == 0.0
    assert wrong.high == pytest.approx(1 - (right.low or 0))


def test_between_them_whole_videos_are_drawn() -> None:
    """One video all right, one all wrong: a resample has 0, 1 or 2 of the right one."""
    value = share([1, 1, 0, 0], ["a", "a", "b", "b"], RESAMPLING)
    assert (value.value, value.low, value.high) == (0.5, 0.0, 1.0)


def test_a_share_of_nothing_is_unknown() -> None:
    assert share([], [], RESAMPLING).value is None
