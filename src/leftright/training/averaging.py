"""The exponential moving average of the weights, which is what is evaluated and kept."""

from copy import deepcopy
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn


class MovingAverage(Callback):
    """Keeps an average of `module.network`, batch norm's statistics with it.

    decay : the weight of the past at each step; 0 keeps the current weights. It grows to that value over the first steps, as
    (1 + step) / (10 + step), so that the random start is soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).requires_grad_(False)
        self._decay = decay

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Bring the average to the device of the weights."""
        self.network.to(pl_module.device)

    @torch.no_grad()
    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *args: Any) -> None:
        """Take the weights in."""
        step = trainer.global_step
        decay = min(self._decay, (1 + step) / (10 + step))
        pairs = list(zip(_tensors(self.network), _tensors(pl_module.network), strict=True))
        averages, currents = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
        torch._foreach_lerp_(averages, currents, 1 - decay)
        for average, current in pairs:
            if not average.is_floating_point():
                average.copy_(current)

    def state_dict(self) -> dict[str, Any]:
        """The average's weights, for the checkpoint."""
        return self.network.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the average up again."""
        self.network.load_state_dict(state_dict)


def _tensors(network: nn.Module) -> list[Tensor]:
    return list(network.state_dict().values())
