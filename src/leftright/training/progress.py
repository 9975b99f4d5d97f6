"""What is measured while a model is trained: the curves, and which weights were the best so far."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from leftright.training.averaging import MovingAverage

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judgement:
    """What the validation says of a network. numbers : for the curves, by name. criterion : the lowest is the best network."""

    numbers: Mapping[str, float]
    criterion: float


@dataclass
class Record:
    """All that a checkpoint needs to know of the past, beside the weights in training."""

    points: list[dict[str, float]] = field(default_factory=list)
    best_step: int = 0
    best_criterion: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    train_sums: Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))
    """Since the last point: the sum of losses, the examples recognised, the examples."""
    train_s: float = 0.0


class Progress(Callback):
    """Every `every_steps` steps and at the end: one point of the curves, and the best weights by validation.

    A point has the step and the samples seen, the loss and, where something is recognised, the accuracy over the examples
    since the point before (`train_`), the validation's numbers of the averaged weights (`val_`), and the learning rate.
    The first process judges; others wait at their next step.
    name : what is trained, as the log calls it. judge : the validation. on_point : told of every point.
    """

    def __init__(
        self,
        average: MovingAverage,
        judge: Callable[[Any], Judgement],
        on_point: Callable[[int, Mapping[str, float]], None],
        *,
        name: str,
        every_steps: int,
        num_steps: int,
        batch_size: int,
    ) -> None:
        self.record = Record()
        self._average, self._judge, self._on_point, self._name = average, judge, on_point, name
        self._every_steps, self._num_steps, self._batch_size = every_steps, num_steps, batch_size
        self._resumed_at = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._resumed_at = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:
        """Count the step; at every so many, judge."""
        loss, is_right = outputs["loss"].detach(), outputs.get("is_right")
        num_examples = torch.full_like(loss, 1 if is_right is None else is_right.numel())
        num_right = torch.full_like(loss, torch.nan) if is_right is None else is_right.sum()
        sums = torch.stack((loss * num_examples, num_right, num_examples))
        self.record.train_sums = self.record.train_sums.to(sums.device) + sums
        step = trainer.global_step
        if step % self._every_steps == 0 or step == self._num_steps:
            self._stop_clock()
            sums = trainer.strategy.reduce(self.record.train_sums, reduce_op="sum")
            if trainer.is_global_zero:
                self._add_point(step, sums.tolist(), trainer.optimizers[0].param_groups[0]["lr"])
            self.record.train_sums = torch.zeros_like(sums)
            self._resumed_at = time.monotonic()

    def _add_point(self, step: int, train_sums: list[float], learning_rate: float) -> None:
        loss, num_right, num_examples = train_sums
        judgement = self._judge(self._average.network)
        point = {"step": step, "samples": step * self._batch_size, "train_loss": loss / num_examples}
        if not math.isnan(num_right):
            point["train_accuracy"] = num_right / num_examples
        point |= {f"val_{name}": number for name, number in judgement.numbers.items()} | {
            "learning_rate": learning_rate
        }
        self.record.points.append(point)
        shown = ", ".join(
            f"{name} {number:.3f}" for name, number in point.items() if name.startswith(("train_", "val_"))
        )
        _log.info("%s: step %d of %d: %s", self._name, step, self._num_steps, shown)
        self._on_point(step, {name: value for name, value in point.items() if name != "step"})
        # Nothing is below NaN: kept as a criterion, one bad judgement would stay the best for ever.
        criterion = math.inf if math.isnan(judgement.criterion) else judgement.criterion
        if criterion < self.record.best_criterion or not self.record.best_weights:
            self.record.best_step, self.record.best_criterion = step, criterion
            self.record.best_weights = {
                name: tensor.detach().cpu().clone() for name, tensor in self._average.network.state_dict().items()
            }

    def _stop_clock(self) -> None:
        now = time.monotonic()
        self.record.train_s += now - self._resumed_at
        self._resumed_at = now

    def state_dict(self) -> dict[str, Any]:
        """The record, for the checkpoint."""
        self._stop_clock()
        return dict(vars(self.record))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the record up again."""
        self.record = Record(**state_dict)


def plateau_end(points: list[dict[str, float]], accuracy: float = 0.6) -> float | None:
    """Samples seen when the validation accuracy first passed `accuracy`; None while it has not."""
    return next((point["samples"] for point in points if point["val_accuracy"] > accuracy), None)
