import numpy as np
import pytest
import torch

from leftright.audio import stft
from leftright.models.transform import NUM_BINS, Transform


@pytest.mark.parametrize("num_samples", [16_000, 15_999, 16_001, 800])
def test_back_again_it_is_the_same_sound(num_samples):
    torch.manual_seed(0)
    transform, waveform = Transform(), torch.randn(3, 2, num_samples)
    torch.testing.assert_close(transform.inverse(transform(waveform), num_samples), waveform, atol=1e-5, rtol=0)


def test_it_is_the_spectrogram_that_the_measures_use():
    waveform = np.random.default_rng(0).normal(size=(2, 3, 4000)).astype(np.float32)
    np.testing.assert_allclose(Transform()(torch.from_numpy(waveform)).numpy(), stft(waveform), atol=1e-4)


def test_a_tone_stands_in_its_bin():
    """1000 Hz of 16 kHz over 512 points: bin 32."""
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
    assert Transform()(tone).abs().mean(dim=-1).argmax() == 32


def test_channels_stay_in_their_places():
    """Only the left one sounds."""
    waveform = torch.stack((torch.randn(4000), torch.zeros(4000)))
    spectrogram = Transform()(waveform)
    assert spectrogram.shape == (2, NUM_BINS + 1, 26)
    assert spectrogram[1].abs().max() == 0 < spectrogram[0].abs().min()
