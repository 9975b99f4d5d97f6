"""The U-Net that turns a spectrogram into masks, told by the picture what to do (figure 3, c and d, of the paper).

After Gao and Grauman, "2.5D Visual Sound" (CVPR 2019): five convolutions down and five up, 4x4 with stride 2. The picture's
features join where the sound is smallest; other than there, they have a time axis here, and join step by step (supplement,
section C).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NUM_LEVELS = 5
STRIDE = 2**NUM_LEVELS
"""Bins, and frames, that become one cell of the bottleneck: 32."""

_LEAK = 0.2


class UNet(nn.Module):
    """Spectrogram and condition to `num_outputs` planes of the spectrogram's size, without a last nonlinearity.

    num_inputs : planes of the spectrogram. width : channels of the first level (64), of the others 128, 256, 512 and 512.
    num_condition : features of the picture at each step.
    """

    def __init__(self, num_inputs: int, num_outputs: int, width: int, num_condition: int) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        self.down = nn.ModuleList(map(_down, [num_inputs, *widths[:-1]], widths))
        joined = [widths[4] + num_condition, 2 * widths[3], 2 * widths[2], 2 * widths[1]]
        self.up = nn.ModuleList(map(_up, joined, [widths[3], widths[2], widths[1], widths[0]]))
        self.last = nn.ConvTranspose2d(2 * widths[0], num_outputs, 4, stride=2, padding=1)

    def forward(self, spectrogram: Tensor, condition: Tensor) -> Tensor:
        """Spectrogram : (batch, num_inputs, bins, frames), bins a multiple of 32. condition : (batch, num_condition, steps),
        brought to the bottleneck's steps. Returns (batch, num_outputs, bins, frames).
        """
        return self.decode(self.encode(spectrogram), condition)[..., : spectrogram.shape[-1]]

    def encode(self, spectrogram: Tensor) -> list[Tensor]:
        """What each level makes of a spectrogram, which is padded to a multiple of 32 frames; the smallest comes last."""
        features, levels = F.pad(spectrogram, (0, -spectrogram.shape[-1] % STRIDE)), []
        for down in self.down:
            features = down(features)
            levels.append(features)
        return levels

    def decode(self, levels: Sequence[Tensor], condition: Tensor) -> Tensor:
        """What `encode` made, under a condition (batch, num_condition, steps): (batch, num_outputs, bins, padded frames)."""
        smallest = levels[-1]
        features = self.up[0](torch.cat((smallest, _spread(condition, smallest)), dim=1))
        for up, skipped in zip((*self.up[1:], self.last), reversed(levels[:-1]), strict=True):
            features = up(torch.cat((features, skipped), dim=1))
        return features


def _down(num_inputs: int, num_outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(num_inputs, num_outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(num_outputs),
        nn.LeakyReLU(_LEAK, inplace=True),
    )


def _up(num_inputs: int, num_outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(num_inputs, num_outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(num_outputs),
        nn.ReLU(inplace=True),
    )


def _spread(condition: Tensor, features: Tensor) -> Tensor:
    """(batch, features, steps) over all rows of a (batch, channels, rows, columns) map, a column for each time."""
    rows, columns = features.shape[-2:]
    if condition.shape[-1] != columns:
        condition = (
            F.adaptive_avg_pool1d(condition, columns)
            if condition.shape[-1] > columns
            else F.interpolate(condition, size=columns, mode="linear")
        )
    return condition.unsqueeze(2).expand(-1, -1, rows, -1)
