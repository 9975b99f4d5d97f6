"""Pretrain killed and taken up again, to the same weights; and in several processes."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from leftright import results
from leftright.stages import pretrain
from tests.pretrain_runs import CONFIG, KilledError, assert_same_result, flags_of, run, stop_at, weights_of


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
