"""Which inputs a downstream network may use: both, or one alone, to measure what the other is worth."""

from typing import Literal

from torch import nn

Inputs = Literal["both", "sound", "picture"]


def without_gradient(module: nn.Module) -> None:
    """Take a part that is never used out of the training, so that several processes do not wait for its gradients."""
    module.requires_grad_(False)
