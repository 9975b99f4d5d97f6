"""From a start to the best weights, on a task so small that they can be told by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from leftright.data.windows import EndlessWindows
from leftright.training.fit import Course, fit
from leftright.training.loop import Hardware, Optimisation
from leftright.training.processes import Processes
from leftright.training.progress import Judgement

HARDWARE = Hardware("cpu", "float32", "contiguous", 0)
NUM_STEPS = 8


class Numbers(EndlessWindows):
    """Item n is the number n."""

    def __init__(self) -> None:
        super().__init__(None, [0], None, 0)

    def __getitem__(self, number: int) -> np.ndarray:
        return np.array([float(number)], np.float32)


class Falling:
    """The weight is pushed down; the network is called best where the weight is nearest to `wanted`."""

    training = Numbers()

    def __init__(self, wanted: float) -> None:
        self.wanted, self.seen = wanted, []

    def step(self, network, batch):
        self.seen += batch.flatten().tolist()
        return {"loss": network.weight.sum() + 0 * batch.sum()}

    def validate(self, network) -> Judgement:
        weight = network.weight.item()
        return Judgement({"weight": weight}, abs(weight - self.wanted))


def trained(tmp_path, task: Falling, told: list | None = None, decay: float = 0.0):
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    optimisation = Optimisation(NUM_STEPS, 2, 0.1, 0, 0.0, 0.0)
    told = [] if told is None else told
    record = fit(
        "falling", network, task, optimisation, HARDWARE, Course(decay, 2, 1000), Processes(0, 1, 1),
        tmp_path / "resume.ckpt", lambda step, numbers: told.append((step, numbers)),
    )  # fmt: skip
    return network, record


def test_the_network_is_left_with_its_best_weights_and_not_its_last(tmp_path):
    """Pushed from 1 by up to 0.1 a step: after 2 steps it has been nearest to 0.85."""
    network, record = trained(tmp_path, Falling(0.85))
    weights = {point["step"]: point["val_weight"] for point in record.points}
    assert record.best_step == 2
    assert network.weight.item() == pytest.approx(weights[2])
    assert weights[2] > weights[4] > weights[6] > weights[8]


def test_every_item_is_seen_once_and_every_point_is_told(tmp_path):
    task, told = Falling(0.0), []
    trained(tmp_path, task, told)
    assert task.seen == list(range(2 * NUM_STEPS))
    assert [step for step, _ in told] == [2, 4, 6, 8]
    assert all({"samples", "train_loss", "val_weight", "learning_rate"} == set(numbers) for _, numbers in told)


def test_what_is_judged_and_kept_is_the_average(tmp_path):
    """With a decay the average lags behind the weight that falls."""
    _, plain = trained(tmp_path / "plain", Falling(0.0))
    network, averaged = trained(tmp_path / "averaged", Falling(0.0), decay=0.9)
    assert averaged.points[-1]["val_weight"] > plain.points[-1]["val_weight"] + 0.01
    assert network.weight.item() == averaged.points[-1]["val_weight"]


def test_a_finished_training_taken_up_again_takes_no_step(tmp_path):
    first, task = trained(tmp_path, Falling(0.85))[0], Falling(0.85)
    again, record = trained(tmp_path, task)
    assert task.seen == []
    assert torch.equal(first.weight, again.weight)
    assert record.best_step == 2
