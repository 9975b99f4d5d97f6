"""The short-time Fourier transform on tensors, at the sizes that every spectrogram shares (`leftright.audio`)."""

import torch
from torch import Tensor, nn

from leftright.audio import HOP_LENGTH, N_FFT, WIN_LENGTH

NUM_BINS = N_FFT // 2
"""Bins that a network sees: all but the highest, 256."""


class Transform(nn.Module):
    """There and back, with a periodic Hann window; frames are centred, and the ends are mirrored."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(WIN_LENGTH), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform : (..., samples). Returns complex (..., 257, frames), frames = 1 + samples / 160."""
        flat = waveform.float().reshape(-1, waveform.shape[-1])
        spectrogram = torch.stft(flat, N_FFT, HOP_LENGTH, WIN_LENGTH, self.window, return_complex=True)
        return spectrogram.reshape(*waveform.shape[:-1], *spectrogram.shape[-2:])

    def inverse(self, spectrogram: Tensor, num_samples: int) -> Tensor:
        """Spectrogram : complex (..., 257, frames). Returns (..., num_samples)."""
        flat = spectrogram.reshape(-1, *spectrogram.shape[-2:])
        waveform = torch.istft(flat, N_FFT, HOP_LENGTH, WIN_LENGTH, self.window, length=num_samples)
        return waveform.reshape(*spectrogram.shape[:-2], num_samples)
