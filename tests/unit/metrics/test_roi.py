"""Masking finds the one place that a planted model looks at."""

import numpy as np
import pytest
import torch

from leftright.metrics.roi import MaskGrid, importance_map, masked_copies, predicted_region


def picture_with_square(left, top, size=40, square=8, seed=0):
    """Three grey frames (3, 3, size, size) with some noise and a bright square."""
    generator = torch.Generator().manual_seed(seed)
    frames = 0.3 + 0.02 * torch.rand(3, 3, size, size, generator=generator)
    frames[..., top : top + square, left : left + square] = 1.0
    return frames


def brightness(frames):
    """A planted model: confident as far as something bright is in the picture. (batch, time, 3, h, w) -> (batch,)."""
    return torch.relu(frames - 0.6).sum(dim=(1, 2, 3, 4))


@pytest.fixture
def grid():
    return MaskGrid.over(40, 40, 8, 4, "square")


@pytest.mark.parametrize(("left", "top"), [(0, 0), (4, 20), (16, 16), (32, 8)])
def test_masking_finds_the_square(grid, left, top):
    region = predicted_region(brightness, picture_with_square(left, top), grid, frames_per_batch=64)
    assert region.x == pytest.approx((left + 4) / 40)
    assert region.box == (top, left, top + 8, left + 8)
    assert region.soft_x == pytest.approx((left + 4) / 40, abs=0.06)  # windows end at the picture's edge


def test_columns_find_it_too():
    columns = MaskGrid.over(40, 40, 8, 4, "column")
    assert (columns.rows, columns.columns) == (1, 9)
    region = predicted_region(brightness, picture_with_square(24, 12), columns, frames_per_batch=64)
    assert region.x == pytest.approx(28 / 40)


def test_mirroring_the_picture_mirrors_the_answer(grid):
    frames = picture_with_square(4, 12)
    region, mirrored = (
        predicted_region(brightness, view, grid, frames_per_batch=64) for view in (frames, frames.flip(-1))
    )
    assert mirrored.x == pytest.approx(1 - region.x)
    np.testing.assert_allclose(mirrored.importance, region.importance[:, ::-1], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_change_counts_whichever_way_it_goes(grid, sign):
    """A performer on the wrong side is found where they are seen, not at the side of the sound."""
    frames = picture_with_square(4, 12)
    region = predicted_region(lambda batch: sign * brightness(batch), frames, grid, frames_per_batch=64)
    assert region.x == pytest.approx(8 / 40)
    assert region.importance.min() >= 0


def test_a_model_that_looks_nowhere_says_the_middle(grid):
    region = predicted_region(
        lambda frames: torch.zeros(len(frames)), picture_with_square(4, 4), grid, frames_per_batch=64
    )
    assert region.x == pytest.approx(0.5)
    assert np.isnan(region.soft_x)


@pytest.mark.parametrize("frames_per_batch", [1, 7, 10_000])
def test_the_batch_size_changes_nothing(grid, frames_per_batch):
    frames = picture_with_square(16, 4)
    expected = predicted_region(brightness, frames, grid, frames_per_batch=50)
    result = predicted_region(brightness, frames, grid, frames_per_batch=frames_per_batch)
    np.testing.assert_allclose(result.importance, expected.importance, rtol=1e-5)


def test_masked_copies_equal_the_naive_ones(grid):
    frames = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    copies = masked_copies(frames, torch.from_numpy(grid.boxes))
    for copy, (top, left, bottom, right) in zip(copies, grid.boxes, strict=True):
        expected = frames.clone()
        for time in range(2):
            for colour in range(3):
                expected[time, colour, top:bottom, left:right] = frames[time, colour].mean()
        np.testing.assert_allclose(copy, expected, rtol=1e-6)


def test_grid_positions():
    grid = MaskGrid.over(20, 40, 8, 8, "square")
    assert (grid.rows, grid.columns) == (3, 5)
    assert grid.boxes[0].tolist() == [0, 0, 8, 8]
    assert grid.boxes[-1].tolist() == [12, 32, 20, 40]
    assert grid.centres_x[:5].tolist() == [0.1, 0.3, 0.5, 0.7, 0.9]


def test_importance_map_peaks_on_the_square(grid):
    region = predicted_region(brightness, picture_with_square(24, 12), grid, frames_per_batch=64)
    importance = importance_map(region, grid, 40)
    top, left = np.unravel_index(importance.argmax(), importance.shape)
    assert importance.shape == (40, 40)
    assert 12 <= top < 20
    assert 24 <= left < 32
    assert importance[0, 0] == pytest.approx(0, abs=1e-3)


def test_importance_map_without_overlap_is_the_importance_itself():
    tiles = MaskGrid.over(40, 40, 8, 8, "square")
    region = predicted_region(brightness, picture_with_square(8, 16), tiles, frames_per_batch=64)
    np.testing.assert_allclose(importance_map(region, tiles, 40)[4::8, 4::8], region.importance)
