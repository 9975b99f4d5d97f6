"""The sound as the audio network sees it: log-mel spectrograms of all channels, stacked."""

import torch
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

from leftright.audio import HOP_LENGTH, N_FFT, SAMPLE_RATE, WIN_LENGTH

FLOOR = 1e-6
"""Added to the mel power before the logarithm: below 16-bit sound's rounding noise nothing is told apart."""


class LogMelSpectrogram(nn.Module):
    """Stacked log-mel spectrograms (supplement, sections B and C), librosa's mel scale.

    The mean over the whole window and all channels is taken off: how loud a recording is says nothing of left and right,
    and the difference between the channels stays.
    """

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            sample_rate=SAMPLE_RATE,
            n_fft=N_FFT,
            win_length=WIN_LENGTH,
            hop_length=HOP_LENGTH,
            n_mels=n_mels,
            power=2.0,
            norm="slaney",
            mel_scale="slaney",
            pad_mode="constant",
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform : (batch, channels, samples), full scale 1. Returns (batch, channels, n_mels, frames), natural log."""
        # Under mixed precision the power of a quiet sound would be lost in bfloat16's eight bits.
        with torch.autocast(waveform.device.type, enabled=False):
            log_mel = torch.log(self.mel(waveform.float()) + FLOOR)
        return log_mel - log_mel.mean(dim=(1, 2, 3), keepdim=True)
