"""Sliding windows cover the picture, and every answer turns with it."""

import math

import numpy as np
import pytest

from leftright.metrics.regions import centre_of_mass, mode, scaled_px, strongest, window_starts, window_sums


def test_paper_sized_windows_tile_the_crop():
    assert window_starts(224, 32, 32).tolist() == [0, 32, 64, 96, 128, 160, 192]
    assert window_starts(64, 64, 5).tolist() == [0]


@pytest.mark.parametrize(
    ("extent", "window", "stride"), [(64, 9, 4), (64, 9, 9), (65, 10, 7), (224, 32, 16), (13, 5, 1)]
)
def test_windows_cover_edge_to_edge_and_symmetrically(extent, window, stride):
    starts = window_starts(extent, window, stride)
    assert (starts[0], starts[-1]) == (0, extent - window)
    assert np.diff(starts).max() <= stride + 1
    mirrored = extent - window - starts[::-1]
    half = len(starts) // 2
    assert starts[:half].tolist() == mirrored[:half].tolist()
    assert np.abs(starts - mirrored).max() <= 1  # an odd number of pixels has no middle


@pytest.mark.parametrize(("extent", "window", "stride"), [(20, 21, 1), (20, 0, 1), (20, 5, 0)])
def test_impossible_windows_are_refused(extent, window, stride):
    with pytest.raises(ValueError, match="px"):
        window_starts(extent, window, stride)


def test_lengths_scale_with_the_picture():
    assert scaled_px(32, 224, 224) == 32
    assert scaled_px(32, 64, 224) == 9
    assert scaled_px(1, 10, 224) == 1


def test_window_sums_are_sums():
    columns = np.random.default_rng(0).random(30)
    starts = window_starts(30, 7, 4)
    naive = [columns[start : start + 7].sum() for start in starts]
    np.testing.assert_allclose(window_sums(columns, starts, 7), naive)


def test_strongest_takes_the_mean_of_ties():
    positions = np.array([0.1, 0.5, 0.7, 0.9])
    assert strongest(np.array([1.0, 3.0, 2.0, 0.0]), positions) == 0.5
    assert strongest(np.array([3.0, 1.0, 2.0, 3.0]), positions) == pytest.approx(0.5)
    assert strongest(np.zeros(4), positions) == pytest.approx(positions.mean())


def test_centre_of_mass_ignores_what_is_below_zero():
    assert centre_of_mass(np.array([1.0, -5.0, 3.0]), np.array([0.0, 0.5, 1.0])) == 0.75
    assert math.isnan(centre_of_mass(np.array([-1.0, 0.0]), np.array([0.0, 1.0])))


def test_mode_and_its_ties():
    assert mode([0.2, 0.8, 0.2]) == 0.2
    assert mode([0.2, 0.8]) == pytest.approx(0.5)
    assert mode([0.3]) == 0.3
    assert math.isnan(mode([]))


def test_answers_turn_with_the_picture():
    scores = np.array([2.0, 5.0, 5.0, 1.0, 0.5])
    positions = np.linspace(0.1, 0.9, 5)
    assert strongest(scores[::-1], positions) == pytest.approx(1 - strongest(scores, positions))
    assert centre_of_mass(scores[::-1], positions) == pytest.approx(1 - centre_of_mass(scores, positions))
    values = [0.1, 0.1, 0.3, 0.3, 0.9]
    assert mode([1 - value for value in values]) == pytest.approx(1 - mode(values))
