"""The audio network's inputs: a plane wave's three intensities are its direction, whatever it sounds like and however loud."""

import numpy as np
import pytest
import torch

from leftright import ambisonics
from leftright.models.sound_field import NUM_INPUTS, SoundFieldFeatures
from leftright.models.transform import NUM_BINS

NOISE = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)


def features(waveform, num_bands: int = NUM_BINS, channels: str = "all") -> torch.Tensor:
    return SoundFieldFeatures(num_bands, channels)(torch.from_numpy(waveform[None].astype(np.float32)))[0]


@pytest.mark.parametrize("num_bands", [NUM_BINS, 64, 16])
@pytest.mark.parametrize(("azimuth", "elevation"), [(60, 0), (-120, 30), (0, -45)])
def test_intensities_are_the_direction(num_bands, azimuth, elevation):
    found = features(ambisonics.encode(NOISE, azimuth, elevation), num_bands)
    ahead, left, up = ambisonics.directions(azimuth, elevation)
    for channel, expected in zip(found[1:], (left, up, ahead), strict=True):
        # A few bins of the noise lie near the floor, where there is little direction.
        assert np.quantile(np.abs(channel - expected), 0.99) < 0.01


def test_they_do_not_grow_with_loudness_and_the_level_is_that_of_the_window():
    waveform = ambisonics.encode(NOISE, 40)
    difference = (features(waveform) - features(2 * waveform)).abs()
    assert float(difference.quantile(0.99)) < 0.01
    assert abs(float(features(waveform)[0].mean())) < 1e-5


def test_in_silence_there_is_no_direction():
    waveform = ambisonics.encode(NOISE, 40)
    waveform[:, 4000:] = 0
    assert features(waveform)[1:, :, 30:].abs().max() < 1e-6


def test_sound_from_everywhere_has_none():
    rng = np.random.default_rng(1)
    diffuse = sum(ambisonics.encode(rng.normal(0, 0.1, 16000), azimuth) for azimuth in range(0, 360, 5))
    assert features(diffuse, 16)[1:].mean(dim=(1, 2)).abs().max() < 0.05


@pytest.mark.parametrize("channels", list(NUM_INPUTS))
def test_what_is_left_out(channels):
    everything, found = (
        features(ambisonics.encode(NOISE, 70)),
        features(ambisonics.encode(NOISE, 70), channels=channels),
    )
    assert len(found) == NUM_INPUTS[channels]
    torch.testing.assert_close(found, {"all": everything, "no_w": everything[1:], "no_xyz": everything[:1]}[channels])


def test_without_the_directions_a_turn_cannot_be_heard():
    first, second = (features(ambisonics.encode(NOISE, azimuth), channels="no_xyz") for azimuth in (20, 200))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("num_bands", [16, 64, 128])
def test_every_band_holds_something_and_none_more_than_a_share(num_bands):
    bands = SoundFieldFeatures(num_bands, "all").bands
    assert bands.shape == (num_bands, NUM_BINS)
    torch.testing.assert_close(bands.sum(dim=1), torch.ones(num_bands))
