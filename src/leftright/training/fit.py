"""A network trained on a task, from its start or its last checkpoint to its best weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from leftright.data.windows import EndlessWindows
from leftright.training.averaging import MovingAverage
from leftright.training.checkpoint import Checkpoints
from leftright.training.loop import Hardware, Optimisation, train
from leftright.training.processes import Processes
from leftright.training.progress import Judgement, Progress, Record


class Task(Protocol):
    """What is learnt: endless items, a step from network and batch to the loss, and a judgement of a network on others."""

    @property
    def training(self) -> EndlessWindows[Any]:
        """What is learnt from."""

    def step(self, network: Any, batch: Any, /) -> Mapping[str, Tensor]:
        """The loss of a batch; see `leftright.training.loop.Step`."""

    def validate(self, network: Any, /) -> Judgement:
        """How good the network is so far."""


@dataclass(frozen=True)
class Course:
    """How a training goes along. average_decay : see `MovingAverage`. eval_steps, checkpoint_steps : every so many."""

    average_decay: float
    eval_steps: int
    checkpoint_steps: int


def fit(
    name: str,
    network: nn.Module,
    task: Task,
    optimisation: Optimisation,
    hardware: Hardware,
    course: Course,
    processes: Processes,
    checkpoint: Path,
    on_point: Callable[[int, Mapping[str, float]], None],
) -> Record:
    """Train, and leave the network with its best weights. name : as the log calls it. on_point : told of the curves' points.

    checkpoint : where the training stands, or stood. In other processes than the first there is no record of the best.
    """
    average = MovingAverage(network, course.average_decay)
    progress = Progress(
        average,
        task.validate,
        on_point,
        name=name,
        every_steps=course.eval_steps,
        num_steps=optimisation.num_steps,
        batch_size=optimisation.batch_size,
    )
    checkpoints = Checkpoints(
        checkpoint, name=name, every_steps=course.checkpoint_steps, num_steps=optimisation.num_steps
    )
    callbacks = (average, progress, checkpoints)
    train(network, task.step, task.training, optimisation, hardware, processes, callbacks, checkpoint)
    if processes.is_first:
        network.load_state_dict(progress.record.best_weights)
        # Lightning leaves the network on the CPU; it is judged where it was trained, as its average still is.
        network.to(next(average.network.parameters()).device)
    return progress.record
