"""First-order ambisonics as the audio network sees it: how loud each bin is, and where it comes from.

W's spectrogram, and for each other channel the inner product of its spectrum with W's, that is the active intensity
(supplement, section E; Perotin et al., "CRNN-based multiple DoA estimation using acoustic intensity features for Ambisonics
recordings", IEEE JSTSP 13(1), 2019). The intensity is divided by the energy density, so that it says where from and not how
loud: a plane wave's three values are its direction.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from leftright.ambisonics import W, X, Y, Z
from leftright.audio import SAMPLE_RATE
from leftright.models.transform import NUM_BINS, Transform

Channels = Literal["all", "no_w", "no_xyz"]
"""Which of the inputs the audio network gets: all four, the three that hold the direction, or W alone."""

NUM_INPUTS: dict[str, int] = {"all": 4, "no_w": 3, "no_xyz": 1}

_POWER_FLOOR = 1e-6  # of a bin: below 16-bit sound's rounding noise there is no direction
_NUM_LEVEL = 3.0  # natural log units (26 dB in power) that one unit of the level's input stands for


class SoundFieldFeatures(nn.Module):
    """The inputs of the audio network, stacked.

    num_bands : 256 keeps every bin of the spectrum, as the paper; fewer sum them into mel bands, power by power.
    """

    bands: Tensor

    def __init__(self, num_bands: int, channels: Channels) -> None:
        super().__init__()
        self.channels = channels
        self.transform = Transform()
        bands = torch.eye(NUM_BINS) if num_bands == NUM_BINS else _mel_bands(num_bands)
        self.register_buffer("bands", bands, persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveform : (batch, 4, samples), ambiX, full scale 1. Returns (batch, inputs, bands, frames).

        The first is W's level (natural logarithm, its mean over the window taken off), the others the intensity's left, up and
        ahead, each in -1..1. `channels` leaves out the first, or the others.
        """
        if waveform.is_cuda:
            return self.at_once(waveform)
        # A CPU is faster where one window's spectra stay in its cache (benchmarks/sphere_step.py).
        return torch.cat([self.at_once(window) for window in waveform.split(1)])

    def at_once(self, waveform: Tensor) -> Tensor:
        """As forward, which may do it in parts."""
        # Under mixed precision the power of a quiet sound would be lost in bfloat16's eight bits.
        with torch.autocast(waveform.device.type, enabled=False):
            spectrum = self.transform(waveform.float())[:, :, :NUM_BINS]
            # Real and imaginary parts in turn, frame by frame, as they lie in memory.
            parts = torch.view_as_real(spectrum.transpose(2, 3)).flatten(3)
            # With W itself the inner product is W's power.
            inner = self._summed(parts[:, W, None] * parts)
            power = inner[:, W]
            inputs = []
            if self.channels != "no_w":
                level = torch.log(power + _POWER_FLOOR)
                inputs.append((level - level.mean(dim=(1, 2), keepdim=True)) / _NUM_LEVEL)
            if self.channels != "no_xyz":
                velocity = self._summed(parts[:, Y:].square()).sum(dim=1)
                energy = (power + velocity) / 2
                inputs += list((inner[:, [Y, Z, X]] / (energy + _POWER_FLOOR)[:, None]).unbind(dim=1))
            return torch.stack(inputs, dim=1)

    def _summed(self, parts: Tensor) -> Tensor:
        """Parts : (batch, channels, frames, 2 x 256), of which real and imaginary ones are added. Returns (batch, channels,
        bands, frames).
        """
        return torch.matmul(parts, self.bands.T.repeat_interleave(2, dim=0)).transpose(2, 3)


def _mel_bands(num_bands: int) -> Tensor:
    """Shares of the bins in each band, (bands, 256), each band's sum 1."""
    shares = melscale_fbanks(NUM_BINS + 1, 0.0, SAMPLE_RATE / 2, num_bands, SAMPLE_RATE, mel_scale="slaney")[
        :NUM_BINS
    ].T
    # The narrowest bands lie between two bins and would hold none: they get the nearest.
    for band in torch.nonzero(shares.sum(dim=1) == 0).flatten().tolist():
        nearest = shares[:band].argmax(dim=1).max() if band else torch.tensor(1)
        shares[band, nearest] = 1.0
    return shares / shares.sum(dim=1, keepdim=True)
