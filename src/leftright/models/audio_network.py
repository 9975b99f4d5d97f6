"""The audio sub-network: from stacked spectrograms to one embedding a time step (facts of the paper, "Pretext model")."""

from typing import TYPE_CHECKING, Self

from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation

from leftright.models.shortcut import StridedShortcut

if TYPE_CHECKING:
    from leftright.models.audio_visual import Architecture

NUM_BLOCKS = 4
STRIDE = 2**NUM_BLOCKS
"""Spectrogram frames (and mel bands) that become one step: 16."""

_LEAST_SQUEEZE = 4


def num_audio_steps(num_spectrogram_frames: int) -> int:
    """Time steps of the embedding: 288 spectrogram frames -> 18."""
    return -(-num_spectrogram_frames // STRIDE)


class SqueezeExcitationBlock(nn.Module):
    """A residual block of two 3x3 convolutions that halves both axes and weighs its channels.

    Squeeze and excitation as Hu et al. 2018, with their reduction by 16.
    """

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(num_inputs, num_outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(num_outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(num_outputs, num_outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(num_outputs),
            SqueezeExcitation(num_outputs, max(num_outputs // 16, _LEAST_SQUEEZE)),
        )
        self.shortcut = nn.Sequential(StridedShortcut(num_inputs, num_outputs, stride=2), nn.BatchNorm2d(num_outputs))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Features : (batch, num_inputs, bins, frames). Returns (batch, num_outputs, bins / 2, frames / 2), rounded up."""
        return self.activation(self.residual(features) + self.shortcut(features))


class AudioNetwork(nn.Module):
    """Four residual squeeze-and-excitation blocks, then a convolution over what is left of the frequency axis.

    num_channels : 2 for stereo, 4 for first-order ambisonics. n_mels : a multiple of 16. width : channels of the first
    block (64), doubled in each block (64-128-256-512). num_features : the embedding's (256).
    """

    def __init__(self, num_channels: int, n_mels: int, width: int, num_features: int) -> None:
        super().__init__()
        widths = [width * 2**index for index in range(NUM_BLOCKS)]
        inputs = [num_channels, *widths[:-1]]
        self.blocks = nn.Sequential(*map(SqueezeExcitationBlock, inputs, widths))
        self.over_frequency = nn.Conv2d(widths[-1], num_features, (n_mels // STRIDE, 1))  # (8, 1)

    @classmethod
    def of(cls, architecture: "Architecture") -> Self:
        """The one of an architecture."""
        sizes = (architecture.n_mels, architecture.audio_width, architecture.audio_features)
        return cls(architecture.audio_channels, *sizes)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Spectrogram : (batch, num_channels, n_mels, frames). Returns (batch, num_features, steps), steps = frames / 16."""
        return self.over_frequency(self.blocks(spectrogram)).squeeze(dim=2)
