"""The visual sub-network: a residual network on every frame, whose layout of the picture is kept (or, as a choice, pooled).

The trunk's parameters are named as torchvision's ResNet names them, so that at full size its ImageNet weights fit.
"""

from typing import TYPE_CHECKING, Literal, Self

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from leftright.models.shortcut import StridedShortcut
from leftright.models.wrapping import wrap_horizontally

if TYPE_CHECKING:
    from leftright.models.audio_visual import Architecture

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
NUM_STAGES = 4

Stem = Literal["pool", "conv"]
Fusion = Literal["flatten", "average_pool"]


def grid_side(crop: int, stem: Stem) -> int:
    """Cells along one side of the last feature map: 224 pixels -> 7 with the pooling stem."""
    side = crop
    for _ in range(NUM_STAGES + (1 if stem == "pool" else 0)):
        side = -(-side // 2)
    return side


class ResidualTrunk(nn.Module):
    """ResNet through its fourth stage, for any width and depth (He et al. 2016; 64 and 2 make ResNet-18).

    stem : "pool" follows the first convolution with a max pooling, as published; "conv" leaves it out, so that small
        pictures keep twice the resolution.
    """

    def __init__(self, width: int, num_blocks: int, stem: Stem) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1) if stem == "pool" else nn.Identity()
        self.layer1 = _stage(width, width, num_blocks, stride=1)
        self.layer2 = _stage(width, 2 * width, num_blocks, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, num_blocks, stride=2)
        self.layer4 = _stage(4 * width, 8 * width, num_blocks, stride=2)
        self.num_features = 8 * width  # 512

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures : (batch, 3, height, width), normalised. Returns (batch, num_features, height / 32, width / 32)."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(pictures))))
        return self.layer4(self.layer3(self.layer2(self.layer1(features))))


def _stage(num_inputs: int, num_outputs: int, num_blocks: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or num_inputs != num_outputs:
        shortcut = nn.Sequential(StridedShortcut(num_inputs, num_outputs, stride), nn.BatchNorm2d(num_outputs))
    first = BasicBlock(num_inputs, num_outputs, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(num_outputs, num_outputs) for _ in range(num_blocks - 1)))


class VisualNetwork(nn.Module):
    """The trunk, then either a reduced map laid out flat (the flip task) or the map's mean (the baselines' tasks).

    fusion : "flatten" reduces the 512 channels to `num_reduced` (16) and keeps every cell: 16 x 7 x 7 = 784 features.
        "average_pool" keeps the 512 channels and forgets where they were.
    crop : the picture's height. aspect : how many times as wide it is. wraps : its left and right edges meet.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, width: int, num_blocks: int, stem: Stem, fusion: Fusion, num_reduced: int, crop: int, *,
        aspect: int = 1, wraps: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.trunk = ResidualTrunk(width, num_blocks, stem)
        if wraps:
            wrap_horizontally(self.trunk)
        if fusion == "flatten":
            self.reduction: nn.Module = nn.Sequential(
                nn.Conv2d(self.trunk.num_features, num_reduced, 1, bias=False),
                nn.BatchNorm2d(num_reduced),
                nn.ReLU(inplace=True),
                nn.Flatten(),
            )
            self.num_features = num_reduced * grid_side(crop, stem) * grid_side(aspect * crop, stem)
        else:
            self.reduction = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.num_features = self.trunk.num_features

    @classmethod
    def of(cls, architecture: "Architecture", crop: int, *, aspect: int = 1, wraps: bool = False) -> Self:
        """The one of an architecture, for pictures `crop` pixels high."""
        sizes = (architecture.visual_width, architecture.visual_blocks, architecture.visual_stem)
        reduced = (architecture.fusion, architecture.visual_reduced)
        return cls(*sizes, *reduced, crop, aspect=aspect, wraps=wraps)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames : (batch, time, 3, crop, aspect x crop), in 0..1. Returns (batch, num_features, time)."""
        pictures = (frames.flatten(0, 1) - self.mean) / self.std
        features = self.reduction(self.trunk(pictures))
        return features.unflatten(0, frames.shape[:2]).transpose(1, 2)
