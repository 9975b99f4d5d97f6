import numpy as np
import pytest

from leftright.simulation import camera
from leftright.simulation.camera import Camera


@pytest.fixture
def lens() -> Camera:
    return Camera(fov_deg=90, width=200, height=100)


def test_edges_of_the_picture_are_half_the_field_of_view_away(lens):
    np.testing.assert_allclose(lens.image_x(np.array([45.0, 0.0, -45.0])), [0, 0.5, 1], atol=1e-12)


def test_what_is_to_the_left_is_seen_left_and_what_is_above_is_seen_above(lens):
    left_above = np.array([1.0, 0.3, 0.2])
    x, y = lens.project(left_above)
    assert x == pytest.approx(100 - 30)
    assert y == pytest.approx(50 - 20)


def test_projection_and_image_x_are_one_perspective_at_any_depth(lens):
    azimuths = np.linspace(-40, 40, 9)
    for depth in (0.3, 2.0):
        seen = lens.project(camera.place(azimuths, np.array(depth), np.array(0.1)))
        np.testing.assert_allclose(seen[:, 0] / lens.width, lens.image_x(azimuths))


def test_azimuth_comes_back_from_the_place_that_it_made():
    azimuths = np.array([-37.0, 0.0, 12.5])
    np.testing.assert_allclose(camera.azimuth_deg(camera.place(azimuths, np.array(0.5), np.array(0.0))), azimuths)
