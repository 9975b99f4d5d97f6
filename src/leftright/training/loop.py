"""The training loop, once for every task: Lightning moves the data, steps the optimiser and talks to the other processes.

What a task brings is a `Step`: from a network and a batch to the loss.
"""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from leftright.data.windows import EndlessWindows, StepLoader, StepSampler
from leftright.training.processes import Processes

Step = Callable[[Any, Any], Mapping[str, Tensor]]
"""From a network and a batch to what is to be lowered, `loss`; where something is recognised, also `is_right` (examples,)."""


@dataclass(frozen=True)
class Optimisation:
    """How the weights are found. batch_size : windows a step, over all processes."""

    num_steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int
    weight_decay: float
    max_gradient_norm: float


@dataclass(frozen=True)
class Hardware:
    """Where and how it is computed."""

    accelerator: Literal["auto", "cpu", "gpu"]
    precision: Literal["float32", "bfloat16"]
    memory_format: Literal["contiguous", "channels_last"]
    num_workers: int


def recognition(logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The binary cross-entropy of (examples,) logits, and which of the examples were recognised: what a `Step` gives."""
    loss = F.binary_cross_entropy_with_logits(logits.float(), labels)
    return {"loss": loss, "is_right": (logits.detach() > 0) == labels.bool()}


class TaskModule(LightningModule):
    """A network and its task, as Lightning wants them."""

    def __init__(self, network: nn.Module, step: Step, optimisation: Optimisation) -> None:
        super().__init__()
        self.network, self._step, self._optimisation = network, step, optimisation

    def training_step(self, batch: Any, batch_index: int) -> dict[str, Tensor]:
        """What the task makes of a batch."""
        return dict(self._step(self.network, batch))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW with a linear warm-up and a cosine to 0; norms and biases do not decay."""
        chosen = self._optimisation
        parameters = [weight for weight in self.network.parameters() if weight.requires_grad]
        groups = [
            {"params": [weight for weight in parameters if weight.dim() > 1], "weight_decay": chosen.weight_decay},
            {"params": [weight for weight in parameters if weight.dim() <= 1], "weight_decay": 0.0},
        ]
        # Lightning refuses to clip gradients that a fused optimiser may have to unscale.
        optimizer = AdamW(groups, lr=chosen.learning_rate, fused=chosen.max_gradient_norm == 0)
        schedule = LambdaLR(optimizer, lambda step: rate_share(step, chosen.warmup_steps, chosen.num_steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate_share(step: int, warmup_steps: int, num_steps: int) -> float:
    """The share of the full learning rate at a step: up in a line to 1, then down to 0 in half a cosine."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return (1 + cos(pi * min(1.0, (step - warmup_steps) / max(1, num_steps - warmup_steps)))) / 2


def train(
    network: nn.Module,
    step: Step,
    windows: EndlessWindows[Any],
    optimisation: Optimisation,
    hardware: Hardware,
    processes: Processes,
    callbacks: Sequence[Callback],
    checkpoint: Path,
) -> None:
    """Train the network in place, from the start, or from `checkpoint` where there is one."""
    if hardware.memory_format == "channels_last":
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    sampler = StepSampler(optimisation.num_steps, optimisation.batch_size, processes.rank, processes.count)
    loader = StepLoader(windows, sampler, hardware.num_workers)
    _quieten()
    trainer = Trainer(
        accelerator=hardware.accelerator,
        devices=processes.count_local,
        num_nodes=processes.count // processes.count_local,
        strategy="ddp" if processes.count > 1 else "auto",
        precision="bf16-mixed" if hardware.precision == "bfloat16" else "32-true",
        max_steps=optimisation.num_steps,
        max_epochs=-1,
        gradient_clip_val=optimisation.max_gradient_norm,
        callbacks=list(callbacks),
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    trainer.fit(TaskModule(network, step, optimisation), loader, ckpt_path=checkpoint if checkpoint.exists() else None)


def _quieten() -> None:
    # Lightning's advice on workers and loggers does not concern a person who runs a stage.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
