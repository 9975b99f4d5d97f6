"""The picture of the whole sphere: where azimuths are seen, and that picture and sound turn alike."""

import numpy as np
import pytest
import torch

from leftright import ambisonics, equirectangular


def test_ahead_is_in_the_middle_and_left_is_left_of_it():
    np.testing.assert_allclose(equirectangular.x_of([180, 90, 0, -90, 179.999]), [0, 0.25, 0.5, 0.75, 0], atol=1e-5)
    np.testing.assert_allclose(equirectangular.y_of([90, 0, -45]), [0, 0.5, 0.75])


def test_places_and_angles_there_and_back():
    angles = np.array([-179.0, -30.0, 0.0, 77.0, 180.0])
    np.testing.assert_allclose(equirectangular.azimuth_of(equirectangular.x_of(angles)), angles)
    np.testing.assert_allclose(equirectangular.elevation_of(equirectangular.y_of(angles / 2)), angles / 2)


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, -60, 330])
def test_picture_and_sound_turn_alike(degrees):
    """A bright column at the source's azimuth is still there when both have been turned."""
    width = 120
    frames = np.zeros((2, 3, 8, width))
    frames[..., round(width * float(equirectangular.x_of(45)))] = 1
    sound = ambisonics.encode(np.random.default_rng(0).standard_normal(500), 45)
    turned = equirectangular.turn(frames, degrees * width // 360)
    angle = np.radians(degrees)
    heard, _ = ambisonics.direction_of_arrival(ambisonics.rotate_z(sound, np.cos(angle), np.sin(angle)))
    seen = equirectangular.azimuth_of(turned[0, 0, 0].argmax() / width)
    assert ambisonics.wrapped(seen - heard) == pytest.approx(0, abs=1e-9)


def test_tensors_turn_as_arrays_do():
    frames = np.random.default_rng(0).random((2, 3, 4, 10))
    turned = equirectangular.turn(torch.from_numpy(frames), 3)
    np.testing.assert_array_equal(turned.numpy(), equirectangular.turn(frames, 3))
    np.testing.assert_array_equal(equirectangular.turn(frames, 10), frames)
