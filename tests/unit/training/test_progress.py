from types import SimpleNamespace

import pytest
import torch

from leftright.models import AudioVisualNetwork
from leftright.training.averaging import MovingAverage
from leftright.training.progress import Judgement, Progress, plateau_end
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW


class Trainer(SimpleNamespace):
    """What a callback sees of a trainer, for one process."""

    def __init__(self) -> None:
        strategy = SimpleNamespace(reduce=lambda sums, reduce_op: sums)
        optimizers = [SimpleNamespace(param_groups=[{"lr": 0.25}])]
        super().__init__(global_step=0, is_global_zero=True, strategy=strategy, optimizers=optimizers)


def judgement(accuracy: float, loss: float, error: float) -> Judgement:
    return Judgement({"accuracy": accuracy, "loss": loss}, error)


def progress_of(judgements: list[tuple[float, float, float]], told: list | None = None, **choices) -> Progress:
    """Of a validation that says one accuracy, loss and expected error after the other; the lowest error is the best."""
    told = [] if told is None else told
    average = MovingAverage(AudioVisualNetwork(TINY, TINY_WINDOW), 0.0)
    remaining = (judgement(*each) for each in judgements)
    chosen = {"name": "this", "every_steps": 2, "num_steps": 7, "batch_size": 3} | choices
    return Progress(average, lambda _: next(remaining), lambda step, numbers: told.append((step, numbers)), **chosen)


def run_steps(progress: Progress, steps: range, is_right: list[bool] | None = None, *, recognises: bool = True) -> None:
    trainer = Trainer()
    progress.on_train_start(trainer, None)
    for step in steps:
        trainer.global_step = step
        progress._average.network.fusion.logit.bias.data.fill_(step)
        outputs = {"loss": torch.tensor(float(step))}
        if recognises:
            outputs["is_right"] = torch.tensor(is_right or [True, False])
        progress.on_train_batch_end(trainer, None, outputs)


def test_a_point_every_so_many_steps_and_one_at_the_end():
    told: list = []
    progress = progress_of([(0.5, 0.7, 0.5)] * 4, told)
    run_steps(progress, range(1, 8))
    assert [point["step"] for point in progress.record.points] == [2, 4, 6, 7]
    assert [point["samples"] for point in progress.record.points] == [6, 12, 18, 21]
    assert [point["train_loss"] for point in progress.record.points] == [1.5, 3.5, 5.5, 7.0]
    assert [step for step, _ in told] == [2, 4, 6, 7]
    assert told[0][1]["val_accuracy"] == 0.5 and told[0][1]["learning_rate"] == 0.25


def test_the_training_accuracy_is_of_the_examples_since_the_last_point():
    progress = progress_of([(0.5, 0.7, 0.5)] * 2)
    run_steps(progress, range(1, 3), [True, True, True, False])
    run_steps(progress, range(3, 5), [False, False])
    assert [point["train_accuracy"] for point in progress.record.points] == [0.75, 0.0]


def test_the_best_has_the_lowest_criterion_whatever_its_accuracy_and_loss():
    progress = progress_of([(0.6, 0.1, 0.4), (0.95, 0.2, 0.3), (0.9, 0.4, 0.1), (0.8, 0.01, 0.2)])
    run_steps(progress, range(1, 8))
    assert progress.record.best_step == 6
    assert progress.record.best_weights["fusion.logit.bias"].item() == 6.0


def test_a_resumed_record_is_the_undisturbed_one():
    judgements = [(0.6, 0.1, 0.4), (0.9, 0.5, 0.3), (0.9, 0.4, 0.1), (0.8, 0.01, 0.2)]
    whole, first, second = progress_of(judgements), progress_of(judgements[:1]), progress_of(judgements[1:])
    run_steps(whole, range(1, 8))
    run_steps(first, range(1, 4))  # stops between two points
    second.load_state_dict(first.state_dict())
    run_steps(second, range(4, 8))
    assert second.record.points == whole.record.points
    assert (second.record.best_step, second.record.best_criterion) == (whole.record.best_step, 0.1)
    assert second.record.train_s >= first.record.train_s


def test_where_nothing_is_recognised_there_is_a_loss_and_no_accuracy():
    progress = progress_of([(0.5, 0.7, 0.5)] * 4)
    run_steps(progress, range(1, 8), recognises=False)
    assert [point["train_loss"] for point in progress.record.points] == [1.5, 3.5, 5.5, 7.0]
    assert all("train_accuracy" not in point for point in progress.record.points)


def test_the_validations_numbers_stand_in_the_curves_by_their_names_and_the_criterion_does_not():
    progress = progress_of([(0.5, 0.7, 0.25)] * 4)
    run_steps(progress, range(1, 3))
    (point,) = progress.record.points
    assert {name for name in point if name.startswith("val_")} == {"val_accuracy", "val_loss"}
    assert 0.25 not in [point["val_accuracy"], point["val_loss"]]


def test_a_criterion_that_is_no_number_still_leaves_weights_and_a_later_one_replaces_them():
    """A first judgement of NaN must not leave a training without any weights."""
    progress = progress_of([(0.5, 0.7, float("nan")), (0.5, 0.7, 0.3), (0.5, 0.7, 0.4), (0.5, 0.7, 0.5)])
    run_steps(progress, range(1, 3))
    assert progress.record.best_weights["fusion.logit.bias"].item() == 2.0
    run_steps(progress, range(3, 8))
    assert progress.record.best_step == 4


def test_other_processes_do_not_judge():
    progress = progress_of([])
    trainer = Trainer()
    trainer.is_global_zero, trainer.global_step = False, 2
    progress.on_train_start(trainer, None)
    progress.on_train_batch_end(trainer, None, {"loss": torch.tensor(1.0), "is_right": torch.tensor([True])})
    assert progress.record.points == []


@pytest.mark.parametrize(("accuracies", "end"), [([0.5, 0.61, 0.4], 20), ([0.6, 0.55], None), ([], None)])
def test_the_plateau_ends_where_validation_first_beats_chance(accuracies, end):
    points = [{"samples": 10 * (place + 1), "val_accuracy": value} for place, value in enumerate(accuracies)]
    assert plateau_end(points) == end
