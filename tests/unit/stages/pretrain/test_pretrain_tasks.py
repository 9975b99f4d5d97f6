"""Several pretext tasks in one run: each as if it were alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from leftright import results, tracking
from leftright.errors import InputError
from leftright.models import load_model
from leftright.training import flip
from tests.packed_world import write_moving_world
from tests.pretrain_runs import CONFIG, KilledError, assert_same_result, files_in, run

THREE = replace(CONFIG, tasks=("flip", "mismatch", "shift"), num_steps=4)


@pytest.fixture(scope="module")
def moving(tmp_path_factory) -> Path:
    """Clips of 3 s, in which there is something to be heard at another time."""
    return write_moving_world(tmp_path_factory.mktemp("world") / "pack", num_channels=40)


@pytest.fixture(scope="module")
def three(moving, tmp_path_factory) -> Path:
    """A run of all three tasks, undisturbed."""
    directory = tmp_path_factory.mktemp("three")
    run(THREE, moving, directory)
    return directory


def test_each_task_has_a_folder_and_numbers_of_its_own(three):
    names = [f"{task}/{name}" for task in THREE.tasks for name in ("curves.csv", "model.pt", "predictions.parquet")]
    assert files_in(three / "pretrain") == names
    values = results.read(three / "pretrain.json")
    for task in THREE.tasks:
        meta = load_model(three / "pretrain" / task / "model.pt")[1]
        assert (meta.task, meta.architecture.fusion) == (task, "flatten" if task == "flip" else "average_pool")
        assert values[f"{task}.samples_seen"].value == 4 * 4
        assert 0 <= values[f"{task}.accuracy"].value <= 1
    assert "flip.accuracy_mono" in values and "shift.accuracy_mono" not in values


def test_other_tasks_beside_it_do_not_change_a_task(three, moving, tmp_path):
    for task in THREE.tasks:
        run(replace(THREE, tasks=(task,)), moving, tmp_path / task)
        assert_same_result(three, tmp_path / task, task)


def test_parts_together_are_the_whole(three, moving, tmp_path):
    """A task a pod; the fourth pod of four has nothing to do, and says so in empty results."""
    numbers = {}
    for part in range(4):
        run(THREE, moving, tmp_path / str(part), part=f"{part}/4")
        numbers |= results.read(tmp_path / str(part) / "pretrain.json")
    for part, task in enumerate(THREE.tasks):
        assert_same_result(three, tmp_path / str(part), task)
    whole = results.read(three / "pretrain.json")
    timeless = [key for key in whole if not key.endswith("samples_per_second")]
    assert {key: numbers[key] for key in timeless} == {key: whole[key] for key in timeless}
    assert files_in(tmp_path / "3" / "pretrain") == [] and results.read(tmp_path / "3" / "pretrain.json") == {}


def test_a_run_killed_in_its_second_task_does_not_train_the_first_one_again(three, moving, tmp_path, monkeypatch):
    from leftright.training import pretext

    def judge(self, network):
        if self.name == "mismatch":
            raise KilledError
        return pretext_validate(self, network)

    pretext_validate = pretext.Pretext.validate
    with monkeypatch.context() as patched:
        patched.setattr(pretext.Pretext, "validate", judge)
        with pytest.raises(KilledError):
            run(THREE, moving, tmp_path)
    trained = []
    logits_and_labels = flip.logits_and_labels
    monkeypatch.setattr(flip, "logits_and_labels", lambda *given: trained.append(1) or logits_and_labels(*given))
    run(THREE, moving, tmp_path)
    assert not trained
    for task in THREE.tasks:
        assert_same_result(three, tmp_path, task)


def test_the_points_of_the_curves_are_told_by_task(moving, tmp_path, monkeypatch):
    told = []

    class Run:
        run_id = ""

        def step(self, number, numbers):
            told.append((number, set(numbers)))

    monkeypatch.setattr(tracking, "current", Run)
    run(THREE, moving, tmp_path)
    assert [step for step, _ in told] == [2, 4] * 3
    for place, task in enumerate(THREE.tasks):
        assert f"{task}.val_loss" in told[2 * place][1] and all(
            name.startswith(f"{task}.") for name in told[2 * place][1]
        )


@pytest.mark.parametrize("task", ["mismatch", "shift"])
def test_a_baseline_learns_what_belongs_together(moving, tmp_path, task):
    """At chance it is right about half. A tone of two agrees with half of the wrong sounds: 3 of 4 can be told by it."""
    config = replace(CONFIG, tasks=(task,), num_steps=80, batch_size=8, learning_rate=0.02, window_s=0.5, frame_step=2)
    values = run(replace(config, eval_steps=40, checkpoint_steps=80, eval_windows=3), moving, tmp_path).values
    assert values[f"{task}.accuracy"].value > 0.62
    assert values[f"{task}.accuracy"].n == 3 * 16


@pytest.mark.parametrize("tasks", [(), ("flip", "flip"), ("flip", "turn")])
def test_tasks_that_are_none_are_named(tasks):
    with pytest.raises(InputError, match="name one or several of flip, mismatch, shift, each once"):
        replace(CONFIG, tasks=tasks)
