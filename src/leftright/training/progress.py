"""What is measured while a model is trained: the curves, and which weights were the best so far."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from leftright.models import AudioVisualNetwork
from leftright.training.averaging import MovingAverage

_log = logging.getLogger(__name__)

Judgement = tuple[float, float, float]
"""Accuracy, loss and expected error on the validation windows."""


@dataclass(frozen=True)
class Point:
    """One row of the curves. train_ is over the examples since the row before; val_ is of the averaged weights."""

    step: int
    samples: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    val_error: float
    learning_rate: float


@dataclass
class Record:
    """All that a checkpoint needs to know of the past, beside the weights in training."""

    points: list[dict[str, float]] = field(default_factory=list)
    best_step: int = 0
    best_error: float = 1.0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    train_sums: Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))
    """Since the last point: the sum of losses, the examples recognised, the examples."""
    train_s: float = 0.0


class Progress(Callback):
    """Every `every_steps` steps and at the end: one point of the curves, and the best weights by validation.

    Better is a lower expected error, the mean probability given to the wrong answer (Ghosh et al., Robust Loss Functions under
    Label Noise, AAAI 2017). Any real set holds videos whose channels are swapped. The loss is ruled by those few, of which a
    good model is ever more certain, and the accuracy rewards an early model that has not made up its mind about them; the
    expected error is bounded, so that they cost a good model no more than they must. The first process judges; others wait at
    their next step.
    judge : the validation. on_point : told of every point.
    """

    def __init__(
        self,
        average: MovingAverage,
        judge: Callable[[AudioVisualNetwork], Judgement],
        on_point: Callable[[int, Mapping[str, float]], None],
        *,
        every_steps: int,
        num_steps: int,
        batch_size: int,
    ) -> None:
        self.record = Record()
        self._average, self._judge, self._on_point = average, judge, on_point
        self._every_steps, self._num_steps, self._batch_size = every_steps, num_steps, batch_size
        self._resumed_at = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._resumed_at = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:
        """Count the step; at every so many, judge."""
        is_right = outputs["is_right"]
        num_examples = torch.full_like(outputs["loss"], is_right.numel())
        sums = torch.stack((outputs["loss"].detach() * num_examples, is_right.sum(), num_examples))
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
        val_accuracy, val_loss, val_error = self._judge(self._average.network)
        point = Point(
            step,
            step * self._batch_size,
            loss / num_examples,
            num_right / num_examples,
            val_loss,
            val_accuracy,
            val_error,
            learning_rate,
        )
        self.record.points.append(asdict(point))
        _log.info(
            "pretrain: step %d of %d: training accuracy %.3f, validation accuracy %.3f",
            step,
            self._num_steps,
            point.train_accuracy,
            val_accuracy,
        )
        self._on_point(step, {name: value for name, value in asdict(point).items() if name != "step"})
        if val_error < self.record.best_error or not self.record.best_weights:
            self.record.best_step, self.record.best_error = step, val_error
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
