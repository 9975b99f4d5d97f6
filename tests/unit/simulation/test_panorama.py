from dataclasses import replace

import numpy as np
import pytest

from leftright.simulation.drawing import Sheet
from leftright.simulation.panorama import draw_place, lay_around
from leftright.simulation.performer import Room, draw


def room(seed: int = 0) -> Room:
    return draw(np.random.default_rng(seed), (0.1, 0.2), (0.5, 0.6)).room


def square():
    sheet = Sheet(size=(4, 4), origin=(2, 2), scale=8)
    sheet.polygon([(-1, -1), (1, -1), (1, 1), (-1, 1)], (200, 40, 40))
    return sheet.sprite()


def test_what_leaves_at_one_edge_comes_in_at_the_other():
    """Behind, at the seam, half is seen at each edge: the same picture as in the middle, turned by half its width."""
    middle, seam = np.zeros((48, 96, 3), np.uint8), np.zeros((48, 96, 3), np.uint8)
    lay_around(middle, square(), (48.0, 24.0), 8.0)
    lay_around(seam, square(), (0.0, 24.0), 8.0)
    np.testing.assert_array_equal(np.roll(middle, 48, axis=1), seam)
    red = seam[24, :, 0] > 100
    assert red[:8].all() and red[-8:].all() and not red[9:-9].any()


def test_a_sprite_far_from_the_edges_is_laid_once():
    picture = np.zeros((48, 96, 3), np.uint8)
    lay_around(picture, square(), (30.0, 24.0), 8.0)
    assert (picture[24, :, 0] > 100).sum() == 16


@pytest.mark.parametrize("is_outdoors", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_place_has_no_gaps_and_is_unlike_on_all_sides(is_outdoors, seed):
    place = draw_place(room(seed), is_outdoors, 128)
    assert place.behind.shape == (64, 128, 3) and place.table.shape == (64, 128, 4)
    assert place.behind.max(axis=2).min() > 8
    horizon = place.behind[24:48].astype(int)
    for columns in range(16, 128, 16):
        assert np.abs(horizon - np.roll(horizon, columns, axis=1)).mean() > 3
    assert np.abs(horizon - horizon[:, ::-1]).mean() > 3


def test_the_seam_is_no_edge():
    """What is left of the first column is the last: they differ no more than other neighbours do."""
    for seed in range(4):
        for is_outdoors in (False, True):
            behind = draw_place(room(seed), is_outdoors, 128).behind.astype(int)
            across = np.abs(behind - np.roll(behind, 1, axis=1)).mean(axis=(0, 2))
            assert across[0] < 4 * across.mean() + 4


def test_the_table_covers_what_is_below():
    table = draw_place(room(), False, 128).table
    assert (table[-16:, :, 3] == 255).all()
    assert not table[:40, :, 3].any()
    edge = (table[..., 3] > 127).argmax(axis=0)
    assert 44 < edge.min() < edge.max() < 52  # 36 cm below the eyes, about 40 cm away: about 42 degrees down, row 47


def test_a_place_stays_as_it_is_and_another_is_another():
    first, again = (draw_place(room(), False, 96).behind for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = draw_place(replace(room(), furniture=room().furniture + 1), False, 96).behind
    assert np.abs(first.astype(int) - other).mean() > 3
