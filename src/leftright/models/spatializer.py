"""Mono to stereo: a U-Net that sees the picture and predicts the difference of the channels (supplement, section C).

The input is the complex spectrogram of left + right, the target that of left - right; the network gives a complex mask, whose
real and imaginary parts lie in -1..1 (tanh), and the prediction is their product. Left is half the sum of both, right half
the difference.
"""

import torch
from torch import Tensor, nn

from leftright.models.audio_visual import Architecture
from leftright.models.geometry import WindowGeometry
from leftright.models.inputs import Inputs, without_gradient
from leftright.models.level import gain_to
from leftright.models.transform import NUM_BINS, Transform
from leftright.models.unet import UNet
from leftright.models.visual_network import VisualNetwork

_LEVEL = 0.1  # RMS to which a window's sum is brought


class Spatializer(nn.Module):
    """The visual sub-network of the pretext task, and the U-Net.

    unet_width : its first level's channels (64). inputs : "sound" leaves the picture out, as a baseline does.
    """

    def __init__(self, architecture: Architecture, geometry: WindowGeometry, unet_width: int, inputs: Inputs) -> None:
        super().__init__()
        self.architecture, self.geometry, self.inputs = architecture, geometry, inputs
        self.unet_width = unet_width
        self.transform = Transform()
        self.visual = VisualNetwork.of(architecture, geometry.crop)
        self.unet = UNet(2, 2, unet_width, self.visual.num_features)
        if inputs == "sound":
            without_gradient(self.visual)

    def mask(self, total: Tensor, frames: Tensor) -> Tensor:
        """The complex mask. total : complex (batch, 257, frames), of left + right. Returns complex (batch, 256, frames)."""
        planes = torch.stack((total.real, total.imag), dim=1)[:, :, :NUM_BINS]
        real, imaginary = torch.tanh(self.unet(planes, self._condition(frames)).float()).unbind(dim=1)
        return torch.complex(real, imaginary)

    def _condition(self, frames: Tensor) -> Tensor:
        if self.inputs == "sound":
            return frames.new_zeros(len(frames), self.visual.num_features, 1)
        return self.visual(frames)

    def spectra(self, waveform: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """The predicted and the true spectrogram of left - right, complex (batch, 256, frames), at an even level.

        waveform : (batch, 2, samples). frames : (batch, time, 3, crop, crop) in 0..1.
        """
        total, difference = waveform.sum(dim=1), waveform[:, 0] - waveform[:, 1]
        gain = gain_to(_LEVEL, total, -1)
        spectrum = self.transform(total * gain)
        predicted = self.mask(spectrum, frames) * spectrum[:, :NUM_BINS]
        return predicted, self.transform(difference * gain)[:, :NUM_BINS]

    def difference(self, mono: Tensor, frames: Tensor) -> Tensor:
        """Left - right of what is heard, predicted. mono : (batch, samples), left + right. Returns (batch, samples)."""
        gain = gain_to(_LEVEL, mono, -1)
        spectrum = self.transform(mono * gain)
        predicted = torch.zeros_like(spectrum)
        predicted[:, :NUM_BINS] = self.mask(spectrum, frames) * spectrum[:, :NUM_BINS]
        return self.transform.inverse(predicted, mono.shape[-1]) / gain

    def forward(self, mono: Tensor, frames: Tensor) -> Tensor:
        """Mono : (batch, samples), left + right. Returns the stereo sound (batch, 2, samples)."""
        return to_stereo(mono, self.difference(mono, frames))


def to_stereo(total: Tensor, difference: Tensor) -> Tensor:
    """Left and right (..., 2, samples) of their sum and difference (..., samples)."""
    return torch.stack(((total + difference) / 2, (total - difference) / 2), dim=-2)
