"""Ambisonics by physics: a source that is encoded at an angle is found there, and turns with the field."""

import numpy as np
import pytest
import torch

from leftright import ambisonics
from leftright.ambisonics import NUM_CHANNELS, W, X, Y, Z

NOISE = np.random.default_rng(0).standard_normal(4000)
PLACES = [(60, 0), (0, 0), (90, 0), (-90, 0), (180, 0), (-135, 30), (20, -70), (45, 90)]


def turned(waveform, degrees: float):
    return ambisonics.rotate_z(waveform, np.cos(np.radians(degrees)), np.sin(np.radians(degrees)))


@pytest.mark.parametrize(("azimuth", "elevation"), PLACES)
def test_a_source_is_found_where_it_was_encoded(azimuth, elevation):
    found = ambisonics.direction_of_arrival(ambisonics.encode(NOISE, azimuth, elevation))
    difference = ambisonics.directions(*found) - ambisonics.directions(azimuth, elevation)
    assert np.abs(difference).max() < 1e-9


def test_channels_are_ambix():
    """By hand: ahead is in X, left in Y, up in Z, and W has every source's amplitude."""
    for place, channel in (((0, 0), X), ((90, 0), Y), ((0, 90), Z)):
        waveform = ambisonics.encode(NOISE, *place)
        np.testing.assert_allclose(waveform[W], NOISE)
        np.testing.assert_allclose(waveform[channel], NOISE, atol=1e-12)
        others = [other for other in (X, Y, Z) if other != channel]
        assert np.abs(waveform[others]).max() < 1e-12
    assert (W, Y, Z, X) == (0, 1, 2, 3)


def test_a_source_at_60_turned_by_90_is_at_150_and_turned_back_it_is_as_before():
    waveform = ambisonics.encode(NOISE, 60, 10)
    azimuth, elevation = ambisonics.direction_of_arrival(turned(waveform, 90))
    assert (azimuth, elevation) == (pytest.approx(150), pytest.approx(10))
    np.testing.assert_allclose(turned(turned(waveform, 90), -90), waveform, atol=1e-12)
    np.testing.assert_allclose(turned(waveform, 360), waveform, atol=1e-12)


def test_a_turn_past_behind_comes_out_on_the_other_side():
    assert ambisonics.direction_of_arrival(turned(ambisonics.encode(NOISE, 170), 30))[0] == pytest.approx(-160)


def test_a_batch_of_tensors_turns_each_item_by_its_own_angle():
    degrees = torch.tensor([0.0, 90.0, -45.0], dtype=torch.float64)
    batch = torch.from_numpy(np.stack([ambisonics.encode(NOISE, 10)] * 3))
    before = batch.clone()
    found = ambisonics.rotate_z(batch, degrees.deg2rad().cos()[:, None], degrees.deg2rad().sin()[:, None])
    assert torch.equal(batch, before)
    np.testing.assert_allclose(ambisonics.direction_of_arrival(found.numpy())[0], [10, 100, -35])


def test_the_general_rotation_about_the_up_axis_is_the_simple_one():
    waveform = ambisonics.encode(NOISE, 25, 40)
    np.testing.assert_allclose(
        ambisonics.rotate(waveform, ambisonics.rotation_matrix(37.0)), turned(waveform, 37.0), atol=1e-12
    )


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (0, 50, 0), (0, 0, -80), (20, -35, 110)])
def test_a_rotated_source_is_where_the_matrix_sends_its_direction(angles):
    matrix = ambisonics.rotation_matrix(*angles)
    for place in PLACES:
        found = ambisonics.direction_of_arrival(ambisonics.rotate(ambisonics.encode(NOISE, *place), matrix))
        np.testing.assert_allclose(ambisonics.directions(*found), matrix @ ambisonics.directions(*place), atol=1e-9)


def test_pitch_lowers_the_front_and_roll_lifts_the_left():
    def image(matrix, *place):
        return np.array(ambisonics.angles(matrix @ ambisonics.directions(*place)))

    np.testing.assert_allclose(image(ambisonics.rotation_matrix(0, 20, 0), 0, 0), (0, -20), atol=1e-9)
    np.testing.assert_allclose(image(ambisonics.rotation_matrix(0, 0, 20), 90, 0), (90, 20), atol=1e-9)


def test_rotations_in_a_row_are_their_product_and_the_inverse_is_the_transpose():
    waveform = ambisonics.encode(NOISE, 25, 40) + ambisonics.encode(NOISE[::-1], -100, -20)
    first, second = ambisonics.rotation_matrix(10, 20, 30), ambisonics.rotation_matrix(-60, 5, 80)
    in_a_row = ambisonics.rotate(ambisonics.rotate(waveform, first), second)
    np.testing.assert_allclose(in_a_row, ambisonics.rotate(waveform, second @ first), atol=1e-12)
    np.testing.assert_allclose(ambisonics.rotate(in_a_row, (second @ first).T), waveform, atol=1e-12)


@pytest.mark.parametrize("matrix", [2 * np.eye(3), np.eye(2), np.diag([1.0, -1.0, 1.0])])
def test_what_is_no_rotation_is_refused(matrix):
    with pytest.raises(ValueError, match="rotation"):
        ambisonics.rotate(ambisonics.encode(NOISE, 0), matrix)


def test_a_moving_source_is_followed():
    azimuth = np.linspace(-170, 170, NOISE.size)
    waveform = ambisonics.encode(NOISE, azimuth)
    parts = waveform.reshape(NUM_CHANNELS, 20, -1).swapaxes(0, 1)
    np.testing.assert_allclose(ambisonics.direction_of_arrival(parts)[0], azimuth.reshape(20, -1).mean(axis=1), atol=3)


def test_furse_malham_by_hand():
    """W 3 dB down, and the order W, X, Y, Z (Malham's convention)."""
    fuma = ambisonics.convert(ambisonics.encode(NOISE, 90, 0), "ambix", "fuma")
    np.testing.assert_allclose(fuma, [NOISE * np.sqrt(0.5), NOISE * 0, NOISE, NOISE * 0], atol=1e-12)


@pytest.mark.parametrize("layout", ["ambix", "n3d", "fuma"])
def test_layouts_there_and_back(layout):
    waveform = ambisonics.encode(NOISE, 33, 21).astype(np.float32)
    there = ambisonics.convert(waveform, "ambix", layout)
    assert there.dtype == np.float32
    np.testing.assert_allclose(ambisonics.convert(there, layout, "ambix"), waveform, rtol=1e-6)


def test_n3d_is_louder_in_all_but_w():
    waveform = ambisonics.encode(NOISE, 33, 21)
    np.testing.assert_allclose(ambisonics.convert(waveform, "ambix", "n3d")[1:], waveform[1:] * np.sqrt(3))
    np.testing.assert_allclose(ambisonics.convert(waveform, "ambix", "n3d")[W], waveform[W])


def test_a_field_without_height_gets_a_silent_one():
    waveform = ambisonics.encode(NOISE, -70)
    np.testing.assert_allclose(ambisonics.with_up(waveform[[W, Y, X]]), waveform, atol=1e-12)
    with pytest.raises(ValueError, match="three channels, got 4"):
        ambisonics.with_up(waveform)


def test_a_cardioid_hears_what_it_points_at_and_nothing_behind():
    waveform = ambisonics.encode(NOISE, 60, 20)
    np.testing.assert_allclose(ambisonics.steer(waveform, 60, 20), NOISE, atol=1e-9)
    assert np.abs(ambisonics.steer(waveform, -120, -20)).max() < 1e-9
    np.testing.assert_allclose(ambisonics.steer(waveform, -120, -20, omni_share=0.0), -NOISE, atol=1e-9)
    np.testing.assert_allclose(ambisonics.steer(waveform, 0, 0, omni_share=1.0), NOISE)


def test_of_two_sources_the_louder_one_pulls_more():
    waveform = ambisonics.encode(NOISE, 80) + ambisonics.encode(0.3 * NOISE[::-1], 0)
    assert 65 < ambisonics.direction_of_arrival(waveform)[0] < 80


def test_silence_comes_from_nowhere():
    assert np.isnan(ambisonics.direction_of_arrival(np.zeros((NUM_CHANNELS, 100)))).all()


def test_angles_are_wrapped_to_half_a_turn():
    np.testing.assert_allclose(ambisonics.wrapped([0, 190, -190, 360, 540]), [0, -170, 170, 0, -180])
