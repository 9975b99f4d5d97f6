import numpy as np
import pytest

from leftright.metrics.circular import circular_correlation, circular_mean_deg

RNG = np.random.default_rng(0)
EVEN = np.arange(0.0, 360.0, 10.0)


def naive(first, second) -> float:
    """Fisher and Lee's definition, pair by pair."""
    first, second = np.radians(first), np.radians(second)
    pairs = [(i, j) for i in range(len(first)) for j in range(i)]
    one = np.array([np.sin(first[i] - first[j]) for i, j in pairs])
    other = np.array([np.sin(second[i] - second[j]) for i, j in pairs])
    return float(np.sum(one * other) / np.sqrt(np.sum(one**2) * np.sum(other**2)))


@pytest.mark.parametrize("spread", [20, 90, 1000])
def test_it_is_the_sum_over_pairs(spread):
    first = RNG.normal(30, spread, 40)
    second = first + RNG.normal(0, 25, 40)
    assert circular_correlation(first, second) == pytest.approx(naive(first, second))


@pytest.mark.parametrize("angles", [EVEN, RNG.normal(100, 30, 50)])
def test_a_turned_set_correlates_fully_and_a_reversed_one_negatively(angles):
    assert circular_correlation(angles, angles + 77) == pytest.approx(1)
    assert circular_correlation(angles, (angles + 200) % 360) == pytest.approx(1)
    assert circular_correlation(angles, 40 - angles) == pytest.approx(-1)


def test_the_turn_of_either_set_changes_nothing():
    first, second = RNG.uniform(0, 360, 60), RNG.uniform(0, 360, 60)
    before = circular_correlation(first, second)
    assert circular_correlation(first + 123, second - 45) == pytest.approx(before)


def test_what_has_nothing_to_do_with_one_another_does_not_correlate():
    assert abs(circular_correlation(RNG.uniform(0, 360, 4000), RNG.uniform(0, 360, 4000))) < 0.05


@pytest.mark.parametrize(("first", "second"), [([], []), ([10], [20]), ([10, 10, 10], [1, 2, 3])])
def test_undefined_where_nothing_varies(first, second):
    assert np.isnan(circular_correlation(np.array(first, float), np.array(second, float)))


def test_the_mean_of_directions():
    assert circular_mean_deg(np.array([350.0, 10.0])) == pytest.approx(0, abs=1e-9)
    assert circular_mean_deg(np.array([80.0, 100.0])) == pytest.approx(90)
    assert np.isnan(circular_mean_deg(np.array([])))
