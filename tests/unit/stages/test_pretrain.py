"""Pretrain on a world of bright squares: it learns, it resumes to the same weights, and it says what is wrong."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from leftright import cli, lineage, results, tracking
from leftright.data import shards
from leftright.data.shards import ShardReader
from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.models import load_model, read_lineage
from leftright.stages import pretrain
from leftright.training import flip
from tests.packed_world import write_moving_world, write_packed_world

CONFIG = pretrain.Config(
    tasks=("flip",),
    seed=0,
    split="channel",
    window_s=1.0,
    frame_step=3,
    crop=20,
    n_mels=16,
    audio_width=4,
    audio_features=4,
    visual_width=4,
    visual_blocks=1,
    visual_stem="conv",
    visual_reduced=4,
    fusion="by_task",
    fusion_features=16,
    num_steps=6,
    batch_size=4,
    orientations="paired",
    min_shift_s=0.5,
    learning_rate=0.01,
    warmup_steps=2,
    weight_decay=0.01,
    max_gradient_norm=1.0,
    average_decay=0.9,
    contrast=0.1,
    brightness=0.1,
    colour=0.1,
    eval_steps=2,
    eval_windows=2,
    checkpoint_steps=1,
    accelerator="cpu",
    precision="float32",
    memory_format="contiguous",
    num_threads=1,
    num_workers=0,
    cache_mb=16,
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    return write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=20)


def run(config: pretrain.Config, packed: Path, directory: Path, **given: str):
    paths = {"shards": (packed,), "out": directory / "pretrain", "metrics": directory / "pretrain.json"}
    return pretrain.run(config, **paths, **given)


def weights_of(directory: Path, task: str = "flip") -> dict[str, torch.Tensor]:
    return load_model(directory / "pretrain" / task / "model.pt")[0].state_dict()


def assert_same_result(first: Path, second: Path, task: str = "flip") -> None:
    ours, theirs = weights_of(first, task), weights_of(second, task)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    folders = [directory / "pretrain" / task for directory in (first, second)]
    tables = [pd.read_parquet(folder / "predictions.parquet") for folder in folders]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    curves = [(folder / "curves.csv").read_text() for folder in folders]
    assert curves[0] == curves[1]


def files_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_it_writes_a_model_its_predictions_and_curves(packed, tmp_path):
    outcome = run(CONFIG, packed, tmp_path)
    assert files_in(tmp_path / "pretrain") == ["flip/curves.csv", "flip/model.pt", "flip/predictions.parquet"]
    assert not (tmp_path / "pretrain.partial").exists()
    assert results.read(tmp_path / "pretrain.json") == dict(outcome.values)
    meta = load_model(outcome.model)[1]
    assert (meta.task, meta.config) == ("flip", asdict(CONFIG))
    assert pd.read_csv(tmp_path / "pretrain" / "flip" / "curves.csv")["step"].tolist() == [2, 4, 6]


def test_two_runs_differ_in_nothing_but_their_lineage(packed, tmp_path, monkeypatch):
    """The numbers of a model do not hang on who made it: its bytes are the same where its lineage is."""
    monkeypatch.chdir(tmp_path)
    run(CONFIG, packed, tmp_path / "first")
    run(CONFIG, packed, tmp_path / "second")
    with lineage.handed(Lineage("abc", "run-7")):
        run(CONFIG, packed, tmp_path / "third")
    first, second, third = (tmp_path / name / "pretrain" / "flip" / "model.pt" for name in ("first", "second", "third"))
    assert first.read_bytes() == second.read_bytes()
    assert (read_lineage(first), read_lineage(third)) == (Lineage(), Lineage("abc", "run-7"))
    assert_same_result(tmp_path / "first", tmp_path / "third")


def test_the_command_hands_a_pipelines_facts_to_the_model(packed, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LEFTRIGHT_TRACKING", "none")
    out, metrics = tmp_path / "pretrain", tmp_path / "pretrain.json"
    words = ["--shards", str(packed), "--out", str(out), "--metrics", str(metrics)]
    words += flags_of(CONFIG)
    assert cli.main(["pretrain", *words, "--data_rev", "abc", "--kfp_run", "run-7"]) == 0
    capsys.readouterr()
    assert cli.main(["lineage", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "data revision: abc",
        "KFP run:       run-7",
        "MLflow run:    unknown",
    ]


def test_it_is_judged_on_held_out_clips_alone(packed, tmp_path):
    values = run(CONFIG, packed, tmp_path).values
    index = ShardReader([packed]).index
    table = pd.read_parquet(tmp_path / "pretrain" / "flip" / "predictions.parquet")
    for split in ("val", "test"):
        assert set(table.loc[table["split"] == split, "clip"]) == set(
            index.loc[index["split_channel"] == split, "clip"]
        )
    num_test = int((index["split_channel"] == "test").sum())
    assert values["flip.accuracy"].n == values["flip.accuracy_mono"].n == 2 * num_test
    assert values["flip.accuracy_clip"].n == num_test
    assert values["flip.samples_seen"].value == 6 * 4


def test_it_learns_the_side_from_agreement_of_sight_and_sound(packed, tmp_path):
    values = run(replace(CONFIG, num_steps=60, eval_steps=20, learning_rate=0.02), packed, tmp_path).values
    assert values["flip.accuracy"].value > 0.9
    assert abs(values["flip.accuracy_mono"].value - 0.5) < 0.2
    assert values["flip.plateau_end_samples"].value <= 240


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


class KilledError(Exception):
    """Stands for the end of the process."""


def stop_at(monkeypatch, step: int) -> None:
    class Run:
        run_id = ""

        def step(self, number, numbers):
            if number == step:
                raise KilledError

    monkeypatch.setattr(tracking, "current", Run)


@pytest.mark.parametrize("step", [2, 4])
def test_an_interrupted_run_ends_as_an_undisturbed_one(packed, tmp_path, monkeypatch, step):
    config = replace(CONFIG, checkpoint_steps=1 if step == 4 else 3)
    run(config, packed, tmp_path / "whole")
    with monkeypatch.context() as patched:
        stop_at(patched, step)
        with pytest.raises(KilledError):
            run(config, packed, tmp_path / "killed")
    assert not (tmp_path / "killed" / "pretrain").exists()
    run(config, packed, tmp_path / "killed")
    assert_same_result(tmp_path / "whole", tmp_path / "killed")


def test_another_try_goes_on_where_work_outlives_the_first(packed, tmp_path, monkeypatch):
    """As in a cluster: the second try's result is to lie elsewhere, and it takes the same steps from the last checkpoint."""
    run(CONFIG, packed, tmp_path / "whole")
    monkeypatch.setenv("LEFTRIGHT_WORK", str(tmp_path / "work"))
    with monkeypatch.context() as patched:
        stop_at(patched, 4)
        with pytest.raises(KilledError):
            run(replace(CONFIG, checkpoint_steps=1), packed, tmp_path / "first-pod")
    assert list((tmp_path / "work").glob("pretrain-*/flip/resume.ckpt"))
    assert not (tmp_path / "first-pod").exists()
    run(replace(CONFIG, checkpoint_steps=1), packed, tmp_path / "second-pod")
    assert_same_result(tmp_path / "whole", tmp_path / "second-pod")


def test_a_run_killed_while_it_is_judged_trains_no_more(packed, tmp_path, monkeypatch):
    run(CONFIG, packed, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(pretrain, "write_table", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            run(CONFIG, packed, tmp_path / "killed")
    with monkeypatch.context() as patched:
        patched.setattr("leftright.training.loop.TaskModule.training_step", lambda *_: pytest.fail("trained again"))
        run(CONFIG, packed, tmp_path / "killed")
    assert_same_result(tmp_path / "whole", tmp_path / "killed")


def test_what_was_begun_with_other_parameters_is_not_continued(packed, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stop_at(patched, 4)
        with pytest.raises(KilledError):
            run(CONFIG, packed, tmp_path / "changed")
    changed = replace(CONFIG, learning_rate=0.02)
    run(changed, packed, tmp_path / "changed")
    run(changed, packed, tmp_path / "whole")
    assert_same_result(tmp_path / "whole", tmp_path / "changed")


def test_the_circumstances_may_change_between_runs(packed, tmp_path, monkeypatch):
    run(CONFIG, packed, tmp_path / "whole")
    with monkeypatch.context() as patched:
        stop_at(patched, 4)
        with pytest.raises(KilledError):
            run(CONFIG, packed, tmp_path / "moved")
    run(replace(CONFIG, cache_mb=0, checkpoint_steps=4), packed, tmp_path / "moved")
    whole, moved = weights_of(tmp_path / "whole"), weights_of(tmp_path / "moved")
    assert all(torch.equal(whole[name], moved[name]) for name in whole)


def test_another_seed_is_another_model(packed, tmp_path):
    run(CONFIG, packed, tmp_path / "first")
    run(replace(CONFIG, seed=1), packed, tmp_path / "second")
    first, second = weights_of(tmp_path / "first"), weights_of(tmp_path / "second")
    assert not torch.equal(first["fusion.logit.weight"], second["fusion.logit.weight"])


@pytest.mark.parametrize(
    "choice",
    [
        {"orientations": "drawn"},
        {"fusion": "average_pool", "visual_stem": "pool"},
        {"memory_format": "channels_last"},
        {"precision": "bfloat16"},
        {"num_workers": 1},
        {"split": "video"},
    ],
)
def test_every_choice_runs(packed, tmp_path, choice):
    values = run(replace(CONFIG, num_steps=2, **choice), packed, tmp_path).values
    assert 0 <= values["flip.accuracy"].value <= 1


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"crop": 25}, "crop 25: the packed frames have 24 pixels"),
        ({"window_s": 2.5}, "window_s 2.5: longer than every clip of the train split"),
        ({"n_mels": 20}, "n_mels 20"),
        ({"batch_size": 0}, "batch_size 0: must be above 0"),
        ({"average_decay": 1.0}, "average_decay 1.0"),
    ],
)
def test_parameters_that_cannot_work_are_named(packed, tmp_path, choice, message):
    with pytest.raises(InputError, match=message):
        run(replace(CONFIG, **choice), packed, tmp_path)
    assert not (tmp_path / "pretrain").exists()


def test_a_split_without_clips_is_named(tmp_path):
    packed = write_packed_world(tmp_path / "pack", num_channels=4)
    with pytest.raises(InputError, match=r"index.parquet: no clip has split_channel test"):
        run(CONFIG, packed, tmp_path)


def test_shards_from_before_the_splits_are_named(tmp_path):
    packed = write_packed_world(tmp_path / "pack", num_channels=5)
    pd.read_parquet(packed / shards.INDEX).drop(columns="split_channel").to_parquet(packed / shards.INDEX)
    with pytest.raises(InputError, match="lacks the column split_channel"):
        run(CONFIG, packed, tmp_path)


def flags_of(config) -> list[str]:
    """A configuration as a command line: a list's items are words of their own."""
    words = []
    for key, value in asdict(config).items():
        words += [f"--{key.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else (value,))]
    return words


def command(config: pretrain.Config, packed: Path, directory: Path) -> list[str]:
    paths = ["--shards", packed, "--out", directory / "pretrain", "--metrics", directory / "pretrain.json"]
    return ["-m", "leftright", "pretrain", *map(str, paths), *flags_of(config)]


def start(words: list[str]) -> subprocess.Popen:
    environment = {**os.environ, "LEFTRIGHT_TRACKING": "none", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, *words], env=environment, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen, limit_s: float = 300) -> None:
    end = time.monotonic() + limit_s
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)


LONG = replace(CONFIG, num_steps=300, eval_steps=50, checkpoint_steps=10)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_run_again_ends_with_the_same_weights(packed, tmp_path, number):
    killed = start(command(LONG, packed, tmp_path / "killed"))
    wait_for(tmp_path / "killed" / "pretrain.partial" / "flip" / "resume.ckpt", killed)
    killed.send_signal(number)
    errors = killed.communicate()[1]
    if number == signal.SIGTERM:
        assert killed.returncode == 143
        assert [line for line in errors.splitlines() if "stopped at step" in line and "of 300" in line]
        assert "Traceback" not in errors
    assert not (tmp_path / "killed" / "pretrain").exists()
    again = start(command(LONG, packed, tmp_path / "killed"))
    errors = again.communicate()[1]
    assert again.returncode == 0, errors
    run(LONG, packed, tmp_path / "whole")
    assert_same_result(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_two_processes_train_one_model(packed, tmp_path, monkeypatch):
    """As a task with two GPUs is told to: the command itself becomes torchrun."""
    monkeypatch.setenv("LEFTRIGHT_PROCESSES", "2")
    config = replace(CONFIG, num_steps=60, eval_steps=20, learning_rate=0.02, batch_size=8)
    together = start(command(config, packed, tmp_path))
    errors = together.communicate()[1]
    assert together.returncode == 0, errors
    values = results.read(tmp_path / "pretrain.json")
    assert values["flip.accuracy"].value > 0.9
    assert values["flip.samples_seen"].value == 60 * 8
    assert len(pd.read_csv(tmp_path / "pretrain" / "flip" / "curves.csv")) == 3
