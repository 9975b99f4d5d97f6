import numpy as np
import pytest
import torch

from leftright.audio import SAMPLE_RATE
from leftright.models.spectrogram import FLOOR, LogMelSpectrogram

NOISE = 0.1 * torch.randn(1, 2, 8000, generator=torch.Generator().manual_seed(0))


@pytest.mark.slow  # librosa compiles when it is first used
def test_the_mel_spectrogram_is_librosas():
    import librosa

    ours = LogMelSpectrogram(128).mel(NOISE)
    theirs = librosa.feature.melspectrogram(
        y=NOISE.numpy(), sr=SAMPLE_RATE, n_fft=512, win_length=400, hop_length=160, n_mels=128
    )
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-3, atol=1e-7)


def test_a_column_is_the_power_of_the_400_samples_around_it():
    """Column 20 stands at sample 20 x 160; the window is a periodic Hann of 400 samples in the middle of 512."""
    mel = LogMelSpectrogram(64).mel
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    samples = NOISE[0, 1, 3200 - 200 : 3200 + 200].numpy()
    power = np.abs(np.fft.rfft(window * samples, 512)) ** 2
    np.testing.assert_allclose(mel(NOISE)[0, 1, :, 20].numpy(), power @ mel.mel_scale.fb.numpy(), rtol=1e-3)


def test_a_tone_stands_in_its_band():
    """On Slaney's scale 1 kHz is mel 15 and 8 kHz is 45.2: a third of the way up."""
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / SAMPLE_RATE).expand(1, 2, -1)
    assert LogMelSpectrogram(64)(tone)[0, 0, :, 25].argmax().item() == pytest.approx(64 * 15 / 45.2, abs=1)


def test_a_channel_that_is_louder_stands_above_the_other_by_its_level():
    quieter_left = NOISE[:, 1:] * torch.tensor([0.5, 1.0]).view(1, 2, 1)
    left, right = LogMelSpectrogram(64)(quieter_left)[0].mean(dim=(1, 2))
    assert (right - left).item() == pytest.approx(np.log(4), abs=0.05)


def test_how_loud_a_recording_is_changes_nothing():
    spectrogram = LogMelSpectrogram(64)
    difference = spectrogram(NOISE) - spectrogram(0.5 * NOISE)
    assert difference.abs().mean() < 0.02


def test_silence_is_finite_and_level():
    torch.testing.assert_close(LogMelSpectrogram(32)(torch.zeros(1, 2, 4000)), torch.zeros(1, 2, 32, 26))


def test_mixed_precision_does_not_reach_the_logarithm():
    spectrogram = LogMelSpectrogram(32)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = spectrogram(1e-3 * NOISE)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, spectrogram(1e-3 * NOISE))


def test_the_floor_lies_under_the_noise_of_16_bits():
    rounding = (torch.rand(1, 1, 16_000) - 0.5) / 2**15
    assert LogMelSpectrogram(64).mel(rounding).mean() < FLOOR
