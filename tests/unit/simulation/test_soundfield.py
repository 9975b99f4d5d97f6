import numpy as np
import pytest

from leftright import ambisonics
from leftright.ambisonics import W, X, Y, Z
from leftright.simulation import soundfield
from leftright.simulation.acoustics import SPEED_OF_SOUND, critical_distance

RATE = 16_000
NOISE = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
STEPS = np.ones(50)


def power(waveform: np.ndarray) -> np.ndarray:
    return np.mean(np.square(waveform, dtype=np.float64), axis=-1)


def test_twice_as_far_is_half_as_loud_and_later():
    low = np.convolve(NOISE, np.hanning(12), "same").astype(np.float32)
    near, far = (soundfield.arriving(low, distance * STEPS, RATE) for distance in (1.0, 2.0))
    np.testing.assert_allclose(near, low, atol=1e-4)
    assert power(far) / power(near) == pytest.approx(0.25, rel=0.03)
    lag = np.argmax(np.correlate(far, low[1000:9000], "valid")) - 1000
    assert lag == pytest.approx(RATE / SPEED_OF_SOUND, abs=1)


def test_a_source_that_goes_round_is_heard_all_the_way():
    """From 150 to 210 degrees, through what is behind: where azimuth jumps, the sound does not."""
    azimuth = np.linspace(150, 210, 50)
    field = soundfield.surround(NOISE, azimuth, 10 * STEPS)
    assert field.shape == (4, NOISE.size) and field.dtype == np.float32
    blocks = field.reshape(4, 20, -1).swapaxes(0, 1)
    found, elevation = ambisonics.direction_of_arrival(blocks)
    expected = np.interp(np.arange(20) + 0.5, [0, 20], [150, 210])
    assert np.abs(ambisonics.wrapped(found - expected)).max() < 2
    np.testing.assert_allclose(elevation, 10, atol=0.1)


def test_reverberation_is_diffuse_and_as_strong_as_the_room_makes_it():
    rng = np.random.default_rng(1)
    ratios, coherences, energies = [], [], []
    for _ in range(12):
        tail = soundfield.reverberation(NOISE, 0.2, 40.0, RATE, rng)
        powers = power(tail)
        ratios.append(powers[[Y, Z, X]] / powers[W])
        coherences.append(np.corrcoef(tail)[np.triu_indices(4, 1)])
        energies.append(powers[W])
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1 / 3, rtol=0.08)
    assert np.abs(np.mean(coherences, axis=0)).max() < 0.06
    # A source at the critical distance is as loud as its room.
    assert np.mean(energies) == pytest.approx(power(NOISE) / critical_distance(0.2, 40.0) ** 2, rel=0.1)


def test_reverberation_decays_by_60_db_in_its_time():
    click = np.zeros(RATE, np.float32)
    click[0] = 1
    tail = soundfield.reverberation(click, 0.5, 40.0, RATE, np.random.default_rng(2))[W]
    early, late = power(tail[: RATE // 20]), power(tail[RATE // 4 : RATE // 4 + RATE // 20])
    assert 10 * np.log10(early / late) == pytest.approx(30, abs=1.5)


def test_hush_comes_from_everywhere_at_its_level():
    tone = soundfield.hush(4 * RATE, -60.0, RATE, np.random.default_rng(3))
    powers = power(tone)
    assert 10 * np.log10(powers[W]) == pytest.approx(-60, abs=0.01)
    np.testing.assert_allclose(powers[[Y, Z, X]] / powers[W], 1 / 3, rtol=0.001)
    assert np.abs(np.corrcoef(tone)[np.triu_indices(4, 1)]).max() < 0.05


def test_music_has_two_unlike_channels():
    pair = soundfield.music(2 * RATE, RATE, np.random.default_rng(4))
    assert pair.shape == (2, 2 * RATE)
    assert np.sqrt(power(pair).mean()) == pytest.approx(1, rel=1e-4)
    assert np.corrcoef(pair)[0, 1] < 0.99
