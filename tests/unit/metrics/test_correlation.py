"""Correlations against scipy's, and what happens where none is defined."""

import math

import numpy as np
import pytest
from scipy import stats

from leftright.metrics.correlation import correlation, correlation_difference, pearson, spearman
from leftright.results import Value


@pytest.fixture
def pairs():
    generator = np.random.default_rng(4)
    first = generator.normal(size=60)
    return first, np.round(first + generator.normal(size=60), 0)  # rounding makes ties


def names(count, each=2):
    return [f"v{number // each}" for number in range(count)]


def test_agrees_with_scipy_ties_included(pairs):
    assert pearson(*pairs) == pytest.approx(stats.pearsonr(*pairs).statistic)
    assert spearman(*pairs) == pytest.approx(stats.spearmanr(*pairs).statistic)


def test_spearman_of_ties_by_hand():
    # Ranks 1.5 1.5 3 4 and 1 2 3 4: sum of products of deviations 4.5, sums of squares 4.5 and 5.
    assert spearman([1, 1, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_a_monotone_curve_has_rank_correlation_one_and_less_linear():
    x = np.arange(1, 20.0)
    assert spearman(x, np.exp(x)) == 1.0
    assert pearson(x, np.exp(x)) < 0.8


def test_the_sign_turns_with_left_and_right(pairs):
    assert pearson(-pairs[0], pairs[1]) == pytest.approx(-pearson(*pairs))
    assert spearman(-pairs[0], pairs[1]) == pytest.approx(-spearman(*pairs))


@pytest.mark.parametrize("function", [pearson, spearman])
@pytest.mark.parametrize("constant", [[0.1, 0.1, 0.1], [0.0, 0.0, 0.0]])
def test_a_constant_has_no_correlation(function, constant):
    assert math.isnan(function(constant, [1, 2, 3]))
    assert math.isnan(function([1, 2, 3], constant))


@pytest.mark.parametrize("function", [pearson, spearman])
def test_one_row_has_no_correlation(function):
    assert math.isnan(function([1], [2]))


def test_a_constant_prediction_is_an_undefined_value():
    result = correlation("pearson", [1.0] * 6, np.arange(6), names(6), num_resamples=50, seed=0)
    assert result == Value(None, n=6)


def test_interval_holds_the_value(pairs):
    for kind in ("pearson", "spearman"):
        result = correlation(kind, *pairs, names(60), num_resamples=200, seed=0)
        assert -1 <= result.low < result.value < result.high <= 1
        assert result.n == 60


def test_rows_without_a_prediction_are_left_out(pairs):
    prediction = pairs[0].copy()
    prediction[:10] = np.nan
    result = correlation("spearman", prediction, pairs[1], names(60), num_resamples=100, seed=0)
    expected = correlation("spearman", pairs[0][10:], pairs[1][10:], names(60)[10:], num_resamples=100, seed=0)
    assert result == expected
    assert result.n == 50


def test_difference_is_that_of_the_two_on_common_rows(pairs):
    generator = np.random.default_rng(0)
    rival = generator.normal(size=60)
    rival[3] = np.nan
    keep = np.arange(60) != 3
    result = correlation_difference("pearson", pairs[0], rival, pairs[1], names(60), num_resamples=100, seed=0)
    assert result.value == pytest.approx(pearson(pairs[0][keep], pairs[1][keep]) - pearson(rival[keep], pairs[1][keep]))
    assert result.n == 59


def test_pairing_tells_apart_what_separate_intervals_do_not():
    generator = np.random.default_rng(7)
    target = generator.normal(size=40)
    worse = target + 1.5 * generator.normal(size=40)
    better = 0.9 * worse + 0.1 * 4 * target  # the same errors, but a little more of the truth
    videos = names(40, each=1)
    own = [correlation("pearson", x, target, videos, num_resamples=500, seed=0) for x in (better, worse)]
    difference = correlation_difference("pearson", better, worse, target, videos, num_resamples=500, seed=0)
    assert own[0].low < own[1].high
    assert difference.low > 0


def test_a_prediction_against_itself_differs_by_zero(pairs):
    result = correlation_difference("spearman", pairs[0], pairs[0], pairs[1], names(60), num_resamples=50, seed=0)
    assert (result.value, result.low, result.high) == (0.0, 0.0, 0.0)
