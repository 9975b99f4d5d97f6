"""Finetune in parts, side by side, in several processes, killed and taken up again: always the same weights."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from leftright import results
from leftright.stages import finetune
from leftright.training.variants import variants
from tests.finetune_runs import (
    FEW,
    SHORT,
    assert_same_result,
    assert_same_weights,
    run,
    timeless,
    write_pretext_models,
)
from tests.pretrain_runs import KilledError, files_in, flags_of


def test_the_same_run_gives_the_same_bytes_whatever_else_is_trained(everything, packed, models, tmp_path):
    """But for the parameters that the model carries."""
    only = replace(SHORT, tasks=("separate",), initialisations=("flip",), ablations="none")
    for name in ("first", "second"):
        run(only, packed, models, tmp_path / name)
    first, second = (tmp_path / name / "finetune" / "separate" / "flip" / "model.pt" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert_same_result(everything, tmp_path / "first", only)


def test_parts_together_are_the_whole(everything, packed, models, tmp_path):
    mine = variants(FEW.tasks, FEW.initialisations, FEW.ablations)
    count = len(mine) // 2 + 1
    seen, numbers = set(), {}
    for part in range(count):
        run(FEW, packed, models, tmp_path / str(part), part=f"{part}/{count}")
        numbers |= timeless(tmp_path / str(part))
        for variant in mine[part::count]:
            assert_same_weights(everything, tmp_path / str(part), variant)
            seen.add(variant)
    whole = timeless(everything)
    assert seen == set(mine)
    assert numbers == {key: whole[key] for key in numbers} and len(numbers) > 8 * len(mine)


def test_an_empty_part_writes_an_empty_result(packed, models, tmp_path):
    outcome = run(SHORT, packed, models, tmp_path, part="20/21")
    assert files_in(tmp_path / "finetune") == ["not_run.json"]
    assert json.loads((tmp_path / "finetune" / "not_run.json").read_text()) == {}
    assert results.read(tmp_path / "finetune.json") == dict(outcome.values) == {}
    assert outcome.tables == outcome.figures == () and outcome.model is None


@pytest.mark.slow
def test_how_many_are_trained_at_once_changes_nothing(everything, packed, models, tmp_path):
    run(replace(FEW, num_variants_at_once=2), packed, models, tmp_path)
    assert_same_result(everything, tmp_path, FEW)


def test_a_killed_run_goes_on_and_trains_no_finished_variant_again(everything, packed, models, tmp_path, monkeypatch):
    """Killed while the third of five is trained, after its second step."""
    from leftright.training.checkpoint import Checkpoints

    begun, save = [], Checkpoints._save

    def killed(self, trainer):
        save(self, trainer)
        if self._name == "finetune track/picture_only" and trainer.global_step == 2:
            raise KilledError

    def watched(self, trainer, module):
        begun.append((self._name, trainer.global_step))

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "_save", killed)
        with pytest.raises(KilledError):
            run(replace(FEW, checkpoint_steps=2), packed, models, tmp_path)
    assert not (tmp_path / "finetune").exists()
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "on_train_start", watched)
        run(replace(FEW, cache_mb=0), packed, models, tmp_path)
    names = [str(variant) for variant in variants(FEW.tasks, FEW.initialisations, FEW.ablations)]
    assert begun == [("finetune track/picture_only", 2), *((f"finetune {name}", 0) for name in names[3:])]
    assert_same_result(everything, tmp_path, FEW)


def test_a_run_killed_while_it_is_judged_trains_no_more(everything, packed, models, tmp_path, monkeypatch):
    only = replace(SHORT, tasks=("separate",), initialisations=("flip",), ablations="none")
    with monkeypatch.context() as patched:
        patched.setattr(finetune, "write_table", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            run(only, packed, models, tmp_path)
    monkeypatch.setattr("leftright.training.loop.TaskModule.training_step", lambda *_: pytest.fail("trained again"))
    run(only, packed, models, tmp_path)
    assert_same_weights(everything, tmp_path, "separate/flip")


def test_what_was_begun_from_another_model_is_not_continued(packed, models, tmp_path, monkeypatch):
    only = replace(SHORT, tasks=("separate",), initialisations=("flip",), ablations="none")
    with monkeypatch.context() as patched:
        patched.setattr(finetune, "write_table", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            run(only, packed, models, tmp_path / "changed")
    other = write_pretext_models(tmp_path / "other", tasks=("shift", "flip"))  # flip with another seed
    for name in ("changed", "whole"):
        run(only, packed, other, tmp_path / name)
    assert_same_weights(tmp_path / "changed", tmp_path / "whole", "separate/flip")


def start(config: finetune.Config, packed: Path, models: Path, directory: Path, **variables: str) -> subprocess.Popen:
    words = [
        "--shards",
        packed,
        "--models",
        models,
        "--out",
        directory / "finetune",
        "--metrics",
        directory / "finetune.json",
    ]
    environment = {**os.environ, "LEFTRIGHT_TRACKING": "none", "OMP_NUM_THREADS": "1", **variables}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "leftright"]
    return subprocess.Popen(
        [*command, "finetune", *map(str, words), *flags_of(config)], env=environment, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_two_processes_train_one_model_of_each_variant(packed, models, tmp_path):
    """Under torchrun every process takes part and one writes; the parts that are not trained are waited for by none."""
    together = start(SHORT, packed, models, tmp_path)
    errors = together.communicate()[1]
    assert together.returncode == 0, errors
    values = results.read(tmp_path / "finetune.json")
    for variant in variants(SHORT.tasks, SHORT.initialisations, SHORT.ablations):
        assert (tmp_path / "finetune" / str(variant) / "model.pt").is_file()
        batch_size = 2 if variant.task == "separate" else 4
        assert values[f"finetune.{variant.task}.{variant.name}.samples_seen"].value == 4 * batch_size
    assert files_in(tmp_path) == ["finetune.json", *(f"finetune/{name}" for name in files_in(tmp_path / "finetune"))]


@pytest.mark.slow
def test_two_processes_cannot_share_an_odd_batch(packed, models, tmp_path):
    alone = start(replace(SHORT, separate_batch_size=3), packed, models, tmp_path)
    errors = alone.communicate()[1]
    assert alone.returncode != 0
    assert "leftright finetune: separate_batch_size 3: not a multiple of the 2 processes" in errors
