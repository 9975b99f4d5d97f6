"""What a downstream network takes over from a pretext model: every weight of the parts that both have, in the same sizes.

All downstream networks have one architecture, whatever they start from, so that what differs is what was learnt. A pretext
model that pooled the picture has no reduction layer and another fusion: those start at random then.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

SHARED = ("audio.", "visual.", "fusion.")
"""Parts that a pretext model and a downstream network may have in common."""


@torch.no_grad()
def take_over(network: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Copy a pretext model's weights into a network, in place. Returns the names of those that were copied."""
    own = network.state_dict()
    fitting = [
        name
        for name, tensor in weights.items()
        if name.startswith(SHARED) and name in own and own[name].shape == tensor.shape
    ]
    for name in fitting:
        own[name].copy_(weights[name])
    return fitting
