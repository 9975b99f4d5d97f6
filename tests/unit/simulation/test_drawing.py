import numpy as np
import pytest

from leftright.simulation.drawing import Sheet, blend, lay, mixed

RED, WHITE = (200, 0, 0), (255, 255, 255)


def centre_of(picture: np.ndarray) -> tuple[float, float]:
    """X and y of the centre of what is red, in pixels from the picture's left and top edge."""
    weight = picture[..., 0].astype(float)
    y, x = (axis + 0.5 for axis in np.indices(weight.shape))
    return float((x * weight).sum() / weight.sum()), float((y * weight).sum() / weight.sum())


def disc(scale: float = 10.0):
    sheet = Sheet(size=(4, 4), origin=(2, 2), scale=scale)
    sheet.ellipse((0, 0), (1, 1), RED)
    return sheet.sprite()


@pytest.mark.parametrize("at", [(50.0, 30.0), (50.5, 30.25), (20.3, 41.8)])
def test_sprite_is_laid_where_it_shall_be_to_a_fraction_of_a_pixel(at):
    picture = np.zeros((60, 80, 3), np.uint8)
    lay(picture, disc(), at, scale=7.5)
    assert centre_of(picture) == pytest.approx(at, abs=0.06)


def test_scale_is_pixels_to_the_unit():
    picture = np.zeros((60, 80, 3), np.uint8)
    lay(picture, disc(), (40, 30), scale=15)
    area = (picture[..., 0] / RED[0]).sum()
    assert area == pytest.approx(np.pi * 15**2, rel=0.02)


def test_turn_is_clockwise_and_shear_moves_what_is_below_to_the_right():
    sheet = Sheet(size=(4, 4), origin=(2, 2), scale=10)
    sheet.ellipse((1, 0), (0.3, 0.3), RED)
    turned = np.zeros((60, 80, 3), np.uint8)
    lay(turned, sheet.sprite(), (40, 30), scale=10, turn_deg=90)
    assert centre_of(turned) == pytest.approx((40, 40), abs=0.1)
    below = Sheet(size=(4, 4), origin=(2, 2), scale=10)
    below.ellipse((0, 1), (0.3, 0.3), RED)
    sheared = np.zeros((60, 80, 3), np.uint8)
    lay(sheared, below.sprite(), (40, 30), scale=10, shear=0.5)
    assert centre_of(sheared) == pytest.approx((45, 40), abs=0.1)


def test_stretch_widens_and_leaves_the_origin_and_the_height():
    plain, wide = (np.zeros((60, 80, 3), np.uint8) for _ in range(2))
    lay(plain, disc(), (40, 30), scale=10)
    lay(wide, disc(), (40, 30), scale=10, stretch=1.5)
    assert centre_of(wide) == pytest.approx((40, 30), abs=0.06)
    assert wide.astype(float).sum() / plain.astype(float).sum() == pytest.approx(1.5, rel=0.02)
    assert (wide[:, 40] > 0).sum() == (plain[:, 40] > 0).sum()


def test_half_covered_pixels_show_half_of_what_is_behind():
    ground = np.full((1, 1, 3), 100, np.uint8)
    blend(ground, np.array([[[100, 0, 0, 128]]], np.uint8))  # premultiplied: half of (200, 0, 0)
    np.testing.assert_allclose(ground[0, 0], [150, 50, 50], atol=1)


def test_edges_have_no_dark_rim():
    picture = np.full((60, 80, 3), 255, np.uint8)
    sheet = Sheet(size=(4, 4), origin=(2, 2), scale=10)
    sheet.ellipse((0, 0), (1, 1), WHITE)
    lay(picture, sheet.sprite(), (40.4, 30.7), scale=8.3)
    assert picture.min() >= 252


def test_what_lies_outside_changes_nothing():
    picture = np.full((60, 80, 3), 9, np.uint8)
    lay(picture, disc(), (-100, 30), scale=10)
    lay(picture, disc(), (40, 500), scale=10)
    assert (picture == 9).all()


def test_shade_darkens_away_from_the_light():
    sheet = Sheet(size=(4, 4), origin=(2, 2), scale=10)
    sheet.box((-2, -2), (2, 2), WHITE, 0.1)
    sheet.shade((-1, 0), 0.5)
    row = sheet.sprite().pixels[20, :, 0].astype(int)
    assert row[12] > row[25] > row[35]


def test_mixture_is_by_share():
    assert mixed((0, 100, 200), (100, 100, 100), 0.25) == (25, 100, 175)
