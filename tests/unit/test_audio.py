"""Left and right by physics: pan a source and see which channel is louder, swap and see it turn."""

import numpy as np
import pytest
from scipy.signal import stft as scipy_stft

from leftright.audio import (
    HOP_LENGTH,
    LEFT,
    N_FFT,
    RIGHT,
    SAMPLE_RATE,
    WIN_LENGTH,
    from_pcm,
    log_energy_difference,
    num_stft_frames,
    resample,
    stft,
    swap_channels,
    to_pcm,
)


def panned(position: float, num_samples: int = 4000, seed: int = 0):
    """Noise panned by constant power: -1 is hard left, 1 hard right."""
    angle = (position + 1) * np.pi / 4
    noise = 0.1 * np.random.default_rng(seed).normal(size=num_samples)
    return np.stack([np.cos(angle) * noise, np.sin(angle) * noise])


def test_channel_0_is_left():
    waveform = panned(-0.5)
    assert np.abs(waveform[LEFT]).sum() > np.abs(waveform[RIGHT]).sum()
    assert (LEFT, RIGHT) == (0, 1)


def test_a_source_on_the_left_has_a_negative_difference_and_it_grows_to_the_right():
    levels = [float(log_energy_difference(panned(position))) for position in (-0.8, -0.4, 0.0, 0.4, 0.8)]
    assert levels[0] < levels[1] < -1
    assert levels[2] == pytest.approx(0, abs=1e-6)
    assert 1 < levels[3] < levels[4]
    assert levels[4] == pytest.approx(-levels[0])


def test_double_amplitude_at_the_right_is_six_decibels():
    waveform = panned(0.0)
    waveform[RIGHT] *= 2
    assert log_energy_difference(waveform) == pytest.approx(20 * np.log10(2), abs=1e-4)


def test_the_difference_does_not_depend_on_loudness():
    waveform = panned(0.3)
    assert log_energy_difference(0.1 * waveform) == pytest.approx(log_energy_difference(waveform), abs=1e-3)


def test_silence_is_in_the_middle_and_one_silent_channel_is_finite():
    assert log_energy_difference(np.zeros((2, 100))) == 0
    waveform = panned(0.0)
    waveform[LEFT] = 0
    assert 40 < log_energy_difference(waveform) < 120


def test_many_windows_at_once():
    batch = np.stack([panned(-0.5), panned(0.5)])
    np.testing.assert_allclose(log_energy_difference(batch), [log_energy_difference(waveform) for waveform in batch])


def test_swapping_turns_the_sign_and_twice_is_the_identity():
    waveform = panned(-0.6)
    swapped = swap_channels(waveform)
    assert log_energy_difference(swapped) == pytest.approx(-log_energy_difference(waveform))
    np.testing.assert_array_equal(swap_channels(swapped), waveform)
    np.testing.assert_array_equal(swapped[LEFT], waveform[RIGHT])


def test_swapping_works_on_batches_and_on_tensors():
    torch = pytest.importorskip("torch")
    batch = np.arange(24.0).reshape(3, 2, 4)
    np.testing.assert_array_equal(swap_channels(batch), batch[:, ::-1])
    np.testing.assert_array_equal(swap_channels(torch.from_numpy(batch)).numpy(), batch[:, ::-1])


def test_mono_in_disguise_does_not_change():
    """So the filter must drop it: its label would be noise."""
    mono = np.tile(panned(0.0)[:1], (2, 1))
    np.testing.assert_array_equal(swap_channels(mono), mono)


def test_what_has_not_two_channels_is_refused():
    with pytest.raises(ValueError, match="expected two channels, got 1"):
        swap_channels(np.zeros((1, 10)))


def test_the_paper_s_window():
    assert num_stft_frames(45_920) == 288


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 32_000, 44_100, 48_000])
def test_resampling_keeps_length_in_seconds_tone_and_interaural_delay(sample_rate):
    duration_s, delay_s, tone_hz = 0.5, 0.0005, 440.0
    times_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    tones = np.stack([np.sin(2 * np.pi * tone_hz * (times_s - delay)) for delay in (0.0, delay_s)])
    resampled = resample(tones, sample_rate)
    assert resampled.shape[-1] == pytest.approx(duration_s * SAMPLE_RATE, abs=1)
    inner = slice(1000, 7000)
    expected_s = np.arange(resampled.shape[-1]) / SAMPLE_RATE
    expected = np.stack([np.sin(2 * np.pi * tone_hz * (expected_s - delay)) for delay in (0.0, delay_s)])
    np.testing.assert_allclose(resampled[:, inner], expected[:, inner], atol=0.01)


def test_resampling_removes_what_the_lower_rate_cannot_hold():
    times_s = np.arange(24_000) / 48_000
    assert np.abs(resample(np.sin(2 * np.pi * 15_000 * times_s), 48_000)[500:-500]).max() < 0.01


def test_the_same_rate_changes_nothing():
    waveform = panned(0.2).astype(np.float32)
    np.testing.assert_allclose(resample(waveform, SAMPLE_RATE), waveform, atol=1e-6)


def test_stft_equals_the_naive_transform():
    waveform = panned(0.4, num_samples=1600)
    spectrum = stft(waveform)
    assert spectrum.shape == (2, N_FFT // 2 + 1, num_stft_frames(1600))
    window = np.zeros(N_FFT)
    window[56:456] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WIN_LENGTH) / WIN_LENGTH)
    padded = np.pad(waveform, ((0, 0), (256, 256)), mode="reflect")
    bins, samples = np.arange(N_FFT // 2 + 1)[:, None], np.arange(N_FFT)
    for frame in (0, 3, 10):
        part = padded[:, frame * HOP_LENGTH : frame * HOP_LENGTH + N_FFT] * window
        naive = part @ np.exp(-2j * np.pi * bins * samples / N_FFT).T
        np.testing.assert_allclose(spectrum[..., frame], naive, atol=1e-4)


def test_stft_puts_a_tone_into_its_bin():
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / SAMPLE_RATE)
    magnitude = np.abs(stft(tone)).mean(axis=-1)
    assert magnitude.argmax() == round(1000 * N_FFT / SAMPLE_RATE)
    frequencies, _, spectrum = scipy_stft(tone, SAMPLE_RATE, nperseg=N_FFT)
    assert frequencies[np.abs(spectrum).mean(axis=-1).argmax()] == 1000


def test_pcm_is_rounded_and_clipped():
    assert to_pcm(np.array([0.0, 0.5, -1.0, 1.0, -1.5])).tolist() == [0, 16384, -32768, 32767, -32768]


def test_pcm_comes_back_as_it_went():
    samples = np.array([[0, 16384], [-32768, 32767]], np.int16)
    assert from_pcm(samples).tolist() == [[0.0, 0.5], [-1.0, 32767 / 32768]]
    assert np.array_equal(to_pcm(from_pcm(samples)), samples)
