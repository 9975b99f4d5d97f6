"""Pretrain on a world of bright squares: it learns, and it says what is wrong."""

from dataclasses import asdict, replace

import pandas as pd
import pytest
import torch

from leftright import cli, lineage, results
from leftright.data import shards
from leftright.data.shards import ShardReader
from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.models import load_model, read_lineage
from tests.packed_world import write_packed_world
from tests.pretrain_runs import CONFIG, assert_same_result, files_in, flags_of, run, weights_of


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
