"""What a downstream network takes over from a pretext model: the parts that both have, in the same sizes, each whole.

All downstream networks have one architecture, whatever they start from, so that what differs is what was learnt. A pretext
model that pooled the picture has no reduction layer and another fusion: those start at random then.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

SHARED = ("audio.", "visual.trunk.", "visual.reduction.", "fusion.")
"""Parts that a pretext model and a downstream network may have in common. Half of one would have learnt nothing."""


@torch.no_grad()
def take_over(network: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Copy a pretext model's weights into a network, in place. Returns the names of those that were copied."""
    own = network.state_dict()
    taken: list[str] = []
    for part in SHARED:
        theirs, ours = (
            {name: each.shape for name, each in of.items() if name.startswith(part)} for of in (weights, own)
        )
        if theirs == ours:
            taken += theirs
    for name in taken:
        own[name].copy_(weights[name])
    return taken
