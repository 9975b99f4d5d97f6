import numpy as np
import pytest

from leftright.audio import SAMPLE_RATE, log_energy_difference, stft, swap_channels
from leftright.data.sound_measures import (
    channel_correlation,
    channel_levels_db,
    led_around,
    level_differences,
    measure_sound,
    polarity,
    side_to_mid_db,
)


def noise(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE))


def at_right(seconds: float = 2.0) -> np.ndarray:
    """A source at the right: there earlier by 10 samples and louder by 6 dB."""
    dry = noise(seconds)
    return np.stack([0.5 * np.roll(dry, 10), dry])


def tone(hertz: float, delay_s: float) -> np.ndarray:
    times = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    return np.stack([np.sin(2 * np.pi * hertz * times), np.sin(2 * np.pi * hertz * (times - delay_s))])


def test_levels_are_in_decibels_of_full_scale() -> None:
    assert channel_levels_db(tone(1000, 0)) == pytest.approx([-3.01, -3.01], abs=0.01)
    assert channel_levels_db(np.zeros((2, 100))).tolist() == [-120, -120]


def test_correlation_does_not_see_gains_and_offsets_and_sees_the_sign() -> None:
    dry = noise()
    assert channel_correlation(np.stack([dry, 0.2 * dry + 0.3])) == pytest.approx(1.0)
    assert channel_correlation(np.stack([dry, -0.2 * dry])) == pytest.approx(-1.0)
    assert channel_correlation(np.stack([dry, noise(seed=1)])) == pytest.approx(0.0, abs=0.03)
    assert channel_correlation(np.stack([dry, 0 * dry])) == 0


def test_side_against_mid_by_hand() -> None:
    dry = noise()
    assert side_to_mid_db(np.stack([dry, dry])) == -120
    assert side_to_mid_db(np.stack([dry, -dry])) == 120
    assert side_to_mid_db(np.zeros((2, 100))) == -120
    # left minus right is 0.1, left plus right 1.9 times the sound
    assert side_to_mid_db(np.stack([dry, 0.9 * dry])) == pytest.approx(20 * np.log10(0.1 / 1.9), abs=0.01)


def test_a_delay_turns_the_correlation_of_a_tone_but_not_the_polarity_of_a_low_one() -> None:
    """0.6 ms, a source at the side: half a period at 833 Hz, a sixth of one at 278 Hz."""
    assert channel_correlation(tone(833, 0.6e-3)) < -0.9
    assert polarity(stft(tone(250, 0.6e-3))) > 0.5
    low_and_high = tone(833, 0.6e-3) + 0.1 * tone(250, 0.6e-3)
    assert channel_correlation(low_and_high) < -0.9
    assert polarity(stft(low_and_high)) > 0.2


def test_turning_a_channel_over_turns_the_polarity() -> None:
    assert polarity(stft(at_right())) > 0.6
    assert polarity(stft(at_right() * [[1], [-1]])) == pytest.approx(-polarity(stft(at_right())), abs=1e-4)


def test_level_differences_are_positive_to_the_right() -> None:
    differences_db = level_differences(stft(at_right()), 0.25, 300.0)
    assert len(differences_db) == 8
    assert differences_db == pytest.approx(np.full(8, 6.0), abs=1.0)
    swapped_db = level_differences(stft(swap_channels(at_right())), 0.25, 300.0)
    assert swapped_db == pytest.approx(-differences_db, abs=1e-4)


def test_level_differences_against_loops() -> None:
    """The supplement's words one by one: the log difference, averaged with the amplitude as weight."""
    waveform = np.stack([noise(0.3), 0.5 * noise(0.3, seed=1) + 0.2 * noise(0.3)])
    spectrum = np.abs(stft(waveform)).astype(np.float64) / 100
    expected = []
    for first in range(0, spectrum.shape[2] - 4, 5):
        total = weights = 0.0
        for frame in range(first, first + 5):
            for bin_ in range(16, 257):  # 500 Hz and above
                left, right = spectrum[:, bin_, frame]
                total += (left + right) * 20 * np.log10((right + 1e-5) / (left + 1e-5))
                weights += left + right
        expected.append(total / weights)
    assert level_differences(stft(waveform), 0.05, 500.0) == pytest.approx(expected)


def test_a_rumble_below_the_lowest_frequency_and_an_offset_do_not_count() -> None:
    centred = np.stack([noise(), noise()])
    spoilt = centred + [[0.0], [0.2]] + tone(50, 0) * [[0.0], [0.3]]
    assert np.abs(level_differences(stft(spoilt), 0.25, 300.0)).max() < 0.1


def test_silence_has_no_side() -> None:
    assert level_differences(stft(np.zeros((2, SAMPLE_RATE))), 0.25, 300.0).tolist() == [0, 0, 0, 0]


def test_the_off_centre_share_is_the_share_of_time() -> None:
    dry = noise(4.0)
    waveform = np.stack([dry, dry])
    waveform[1, : len(dry) // 4] *= 2
    assert measure_sound(waveform, SAMPLE_RATE, 0.25, 300.0, 1.0)["offcentre_share"] == pytest.approx(0.25, abs=0.07)


@pytest.mark.parametrize("gain", [0.1, 3.0])
def test_gain_moves_the_level_and_nothing_else(gain: float) -> None:
    plain, louder = (measure_sound(scale * at_right(), SAMPLE_RATE, 0.25, 300.0, 0.75) for scale in (1.0, gain))
    assert louder.pop("rms_db") - plain.pop("rms_db") == pytest.approx(20 * np.log10(gain), abs=0.01)
    assert louder == pytest.approx(plain, abs=0.01)


def test_measures_do_not_depend_on_the_sample_rate() -> None:
    low_band = np.stack([np.convolve(ear, np.hanning(16) / 8, "same") for ear in at_right()])
    doubled = np.repeat(low_band, 3, axis=1)  # 48 kHz: its images above 8 kHz are filtered out again
    slow, fast = measure_sound(low_band, 16_000, 0.25, 300.0, 0.75), measure_sound(doubled, 48_000, 0.25, 300.0, 0.75)
    assert fast == pytest.approx(slow, abs=0.05)


def test_the_log_energy_difference_around_a_time_hears_that_time() -> None:
    first, second = at_right(1.0), swap_channels(at_right(1.0))
    waveform = np.concatenate([first, second], axis=1)
    levels_db = led_around(waveform, SAMPLE_RATE, np.array([0.0, 0.5, 1.5, 9.0]), 0.5)
    assert levels_db[:3] == pytest.approx([6.0, 6.0, -6.0], abs=0.2)
    assert np.isnan(levels_db[3])
    assert levels_db[1] == pytest.approx(log_energy_difference(waveform[:, 4_000:12_000]))
