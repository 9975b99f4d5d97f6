import numpy as np
import pytest
from scipy import signal

from leftright.audio import LEFT, RIGHT, log_energy_difference
from leftright.simulation import acoustics, camera

SAMPLE_RATE = 48_000
FAR = 50.0


def noise(seconds: float = 0.5) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(int(seconds * SAMPLE_RATE)).astype(np.float32)


def resting_at(azimuth_deg: float, distance: float) -> np.ndarray:
    azimuth = np.radians(azimuth_deg)
    return np.tile([distance * np.cos(azimuth), distance * np.sin(azimuth), 0.0], (2, 1))


def measured_itd(ears: np.ndarray, above_hz: float) -> float:
    """Seconds by which the left ear leads, from the peak of the finely sampled cross-correlation."""
    high = signal.sosfiltfilt(signal.butter(4, above_hz, "highpass", fs=SAMPLE_RATE, output="sos"), ears)
    spectrum = np.fft.rfft(high, 2 * high.shape[-1])
    fine = 16
    correlation = np.fft.irfft(np.conj(spectrum[LEFT]) * spectrum[RIGHT], fine * 2 * high.shape[-1])
    lag = int(np.argmax(correlation))
    lag -= correlation.size if lag > correlation.size // 2 else 0
    return lag / (fine * SAMPLE_RATE)


def woodworth_itd(azimuth_deg):
    """Interaural delay of a far source in seconds, positive where the left ear leads (azimuth positive left)."""
    azimuth = np.radians(azimuth_deg)
    return acoustics.HEAD_RADIUS / acoustics.SPEED_OF_SOUND * (azimuth + np.sin(azimuth))


@pytest.mark.parametrize("azimuth_deg", [-60, -30, -10, 0, 10, 30, 60])
def test_far_source_has_woodworths_delay(azimuth_deg):
    # The head filter's own phase adds delay at low frequencies only (Brown and Duda, section IV).
    distance = 2.0
    ears = acoustics.spherical_head(noise(), resting_at(azimuth_deg, distance), SAMPLE_RATE)
    assert measured_itd(ears, above_hz=5000) == pytest.approx(float(woodworth_itd(azimuth_deg)), abs=1.5e-5)


@pytest.mark.parametrize("azimuth_deg", [-75, -20, 45])
def test_paths_differ_by_woodworths_formula_at_a_distance(azimuth_deg):
    paths, _ = acoustics.ear_paths(resting_at(azimuth_deg, FAR)[:1])
    itd = (paths[RIGHT] - paths[LEFT]) / acoustics.SPEED_OF_SOUND
    assert itd[0] == pytest.approx(float(woodworth_itd(azimuth_deg)), abs=2e-6)


def test_path_to_a_seen_ear_is_the_straight_line():
    place = np.array([[0.4, 0.25, -0.1]])
    paths, _ = acoustics.ear_paths(place)
    ear = np.array([0.0, acoustics.HEAD_RADIUS, 0.0])
    assert paths[LEFT, 0] == pytest.approx(np.linalg.norm(place[0] - ear))


def test_source_at_the_left_is_louder_at_the_left_the_more_the_higher():
    ears = acoustics.spherical_head(noise(), resting_at(30, 1.0), SAMPLE_RATE)
    bands = [(200, 500), (800, 1600), (4000, 9000)]
    filters = [signal.butter(4, band, "bandpass", fs=SAMPLE_RATE, output="sos") for band in bands]
    left_advantage_db = [-float(log_energy_difference(signal.sosfilt(sos, ears))) for sos in filters]
    assert 0 < left_advantage_db[0] < left_advantage_db[1] < left_advantage_db[2]
    # By hand at 6 kHz: alpha is 1.344 and 0.281, so the filters differ by 11.8 dB; the paths add 1.1 dB.
    assert left_advantage_db[2] == pytest.approx(12.9, abs=0.8)


def test_left_and_right_are_mirror_images():
    at_left = acoustics.spherical_head(noise(), resting_at(25, 0.5), SAMPLE_RATE)
    at_right = acoustics.spherical_head(noise(), resting_at(-25, 0.5), SAMPLE_RATE)
    np.testing.assert_allclose(at_left, at_right[::-1], atol=1e-6)


def test_twice_the_distance_is_six_decibels_less():
    low = acoustics.low_passed(
        noise(), 500, SAMPLE_RATE
    )  # interpolation between samples costs the highest octave a little
    near = acoustics.spherical_head(low, resting_at(0, 1.0), SAMPLE_RATE)
    far = acoustics.spherical_head(low, resting_at(0, 2.0), SAMPLE_RATE)
    ratio_db = 20 * np.log10(np.std(near) / np.std(far))
    assert ratio_db == pytest.approx(6.0, abs=0.1)


def test_moving_source_is_heard_where_it_is():
    azimuths = np.linspace(40, -40, 50)
    path = camera.place(azimuths, np.array(0.5), np.array(0.0))
    ears = acoustics.spherical_head(noise(2.0), path, SAMPLE_RATE)
    parts = ears.reshape(2, 10, -1).swapaxes(0, 1)
    led = log_energy_difference(parts)
    assert np.all(np.diff(led) > 0)
    assert led[0] < -3 < 3 < led[-1]


def test_delay_by_interpolation_is_the_shifted_sine():
    samples = np.arange(4000)
    delay = np.linspace(-7.3, 15.9, samples.size)
    shifted = acoustics.delayed(np.sin(0.1 * samples), delay)
    np.testing.assert_allclose(shifted[50:-50], np.sin(0.1 * (samples - delay))[50:-50], atol=1e-5)


def test_room_decays_by_sixty_decibels_in_its_reverberation_time():
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[0] = 1
    rt60 = 0.4
    answer = acoustics.reverberation(click, rt60, 40.0, SAMPLE_RATE, np.random.default_rng(1))
    energy = np.cumsum((answer**2).sum(axis=0)[::-1])[::-1]  # Schroeder's backward integral
    decay_db = 10 * np.log10(energy[: int(0.3 * SAMPLE_RATE)] / energy[0])
    slope = np.polyfit(np.arange(decay_db.size) / SAMPLE_RATE, decay_db, 1)[0]
    assert slope == pytest.approx(-60 / rt60, rel=0.1)


def test_room_is_as_loud_as_the_direct_sound_at_the_critical_distance():
    rt60, volume = 0.3, 40.0
    critical = 0.057 * np.sqrt(2.5 * volume / rt60)
    dry = noise(2.0)
    room = acoustics.reverberation(dry, rt60, volume, SAMPLE_RATE, np.random.default_rng(1))
    assert np.std(room) == pytest.approx(np.std(dry) / critical, rel=0.05)
    assert abs(np.corrcoef(room)[0, 1]) < 0.1


def test_room_tone_has_its_level_and_differs_between_the_ears():
    tone = acoustics.room_tone(SAMPLE_RATE, -60.0, SAMPLE_RATE, np.random.default_rng(2))
    assert 10 * np.log10(np.mean(tone**2)) == pytest.approx(-60, abs=0.1)
    assert np.corrcoef(tone)[0, 1] == pytest.approx(0.5, abs=0.1)
