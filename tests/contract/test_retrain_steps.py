"""The steps of a retraining, from their compiled components and on a real registry: who is promoted, and who is not."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
import torch
from kfp import compiler, dsl

from components.champion.component import champion
from components.compare.component import compare
from components.gate.component import gate
from components.outcome.component import outcome
from components.promote.component import promote
from leftright import tracking
from leftright.clips import write_table
from leftright.data.shards import ShardReader
from leftright.errors import InputError
from leftright.models import AudioVisualNetwork, load_model, save_model
from leftright.stages import pretrain
from tests import compiled_task
from tests.contract.test_names import ROOT
from tests.packed_world import write_packed_world
from tests.unit.stages.test_pretrain import CONFIG

NAME = "leftright-flip"
GOOD_CONFIG = replace(CONFIG, num_steps=60, eval_steps=20, learning_rate=0.02)


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """Sixty channels of two videos each, twelve of them held out."""
    return write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=60)


@pytest.fixture(scope="module")
def models(packed, tmp_path_factory) -> dict[str, Path]:
    """Folders of pretrain: one that has learnt the task, one that answers the opposite, one that tosses a coin."""
    root = tmp_path_factory.mktemp("models")
    pretrain.run(GOOD_CONFIG, shards=(packed,), out=root / "good", metrics=root / "good.json")
    network, meta = load_model(root / "good" / "model.pt")
    torch.manual_seed(1)
    save_model(root / "chance" / "model.pt", AudioVisualNetwork(meta.architecture, meta.geometry), "flip", meta.config)
    with torch.no_grad():
        network.fusion.logit.weight.neg_()
        network.fusion.logit.bias.neg_()
    save_model(root / "opposite" / "model.pt", network, "flip", meta.config)
    return {name: root / name for name in ("good", "chance", "opposite")}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """A registry's file, whose tables take seconds to make."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    import mlflow

    mlflow.MlflowClient(uri).search_registered_models()
    return uri


@pytest.fixture(autouse=True)
def registry_file(store, tmp_path, monkeypatch) -> str:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "LEFTRIGHT_TRACKING", "LEFTRIGHT_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "mlflow.db"
    shutil.copy(store.removeprefix("sqlite:///"), file)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{file}"


def curated(packed: Path, folder: Path, *, without: int = 0) -> Path:
    """The curated table of the packed clips, less the last `without` of them."""
    index = ShardReader([packed]).index
    table = index[["clip", "video", "channel", "split_channel", "split_video", "split_scene"]].assign(kept=True)
    table["sha256"] = [sha256(clip.encode()).hexdigest() for clip in table["clip"]]
    folder.mkdir(parents=True)
    write_table(folder / "curated.parquet", table.iloc[: len(table) - without])
    return folder


class Retraining:
    """The steps of one pipeline run, one after another."""

    def __init__(self, folder: Path, packed: Path, table: Path, name: str) -> None:
        self.folder, self.packed, self.table, self.name = folder / name, packed, table, name
        self.champion = compiled_task.run(champion, self.folder / "champion", model_name=NAME)

    def gate(self, min_new_clips: int = 10, min_new_videos: int = 5) -> compiled_task.Finished:
        return compiled_task.run(
            gate, self.folder / "gate", curated=self.table, record=self.champion.root / "record",
            min_new_clips=min_new_clips, min_new_videos=min_new_videos, kfp_run=self.name,
        )  # fmt: skip

    def compare(self, model: Path, min_channels: int = 6) -> compiled_task.Finished:
        self.model = model
        self.compared = compiled_task.run(
            compare, self.folder / "compare", shards=[self.packed], challenger=model,
            champion=self.champion.root / "model", record=self.champion.root / "record",
            min_videos=6, min_channels=min_channels,
        )  # fmt: skip
        return self.compared

    def promote(self) -> compiled_task.Finished:
        return compiled_task.run(
            promote, self.folder / "promote", model_name=NAME, challenger=self.model, curated=self.table,
            comparison=self.compared.root / "comparison", data_rev="v1", kfp_run=self.name,
        )  # fmt: skip


def aliases() -> dict[str, int]:
    import mlflow

    return {name: int(number) for name, number in mlflow.MlflowClient().get_registered_model(NAME).aliases.items()}


def version(number: int):
    import mlflow

    return mlflow.MlflowClient().get_model_version(NAME, str(number))


def test_the_better_is_promoted_and_the_worse_and_the_equal_are_not(packed, models, tmp_path):
    table = curated(packed, tmp_path / "curated")
    started = []

    def retrain(model: str) -> tuple[str, str]:
        started.append(Retraining(tmp_path, packed, table, f"run-{len(started) + 1}"))
        return started[-1].compare(models[model]).text("decision"), started[-1].promote().text("decision")

    assert retrain("chance") == ("promote", "promote")  # the first there is
    assert "first model" in version(1).tags["leftright.reason"]
    assert aliases() == {"champion": 1}

    assert retrain("good") == ("promote", "promote")
    assert aliases() == {"champion": 2, "previous_champion": 1}

    assert retrain("good") == ("keep", "keep")
    assert retrain("chance") == ("keep", "keep")
    assert retrain("opposite") == ("keep", "keep")
    assert aliases() == {"champion": 2, "previous_champion": 1}

    equal, worse = started[2].compared.numbers(), started[4].compared.numbers()
    assert [equal[f"compare.difference{end}"] for end in ("", ".low", ".high")] == [0, 0, 0]
    assert worse["compare.difference.high"] < 0
    better = started[1].compared.numbers()
    assert 0 < better["compare.difference.low"] <= better["compare.difference"] <= 1
    assert better["compare.channels"] == 12
    assert better["compare.challenger.accuracy"] > 0.9 > better["compare.champion.accuracy"]

    tags = version(2).tags
    assert tags["leftright.decision"] == "promote"
    assert tags["leftright.compared_with"] == "1"
    assert tags["leftright.kfp_run"] == "run-2"
    assert float(tags["leftright.compare.difference.low"]) == pytest.approx(better["compare.difference.low"], rel=1e-5)
    assert {version(number).tags["leftright.decision"] for number in (3, 4, 5)} == {"keep"}
    assert (tmp_path / "run-5" / "champion" / "model" / "model.pt").read_bytes() == (
        models["good"] / "model.pt"
    ).read_bytes()


def test_a_champion_that_changed_meanwhile_stops_the_promotion(packed, models, tmp_path):
    table = curated(packed, tmp_path / "curated")
    first = Retraining(tmp_path, packed, table, "first")
    first.compare(models["opposite"])
    first.promote()
    slow, fast = (Retraining(tmp_path, packed, table, name) for name in ("slow", "fast"))
    assert slow.compare(models["good"]).text("decision") == "promote"
    assert fast.compare(models["chance"]).text("decision") == "promote"
    assert fast.promote().text("decision") == "promote"
    assert slow.promote().text("decision") == "stale"
    assert aliases() == {"champion": 2, "previous_champion": 1}
    assert version(3).tags["leftright.decision"] == "stale"
    assert "champion is now version 2" in version(3).tags["leftright.reason"]


def test_a_task_that_is_tried_again_registers_nothing_twice(packed, models, tmp_path):
    run = Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run")
    run.compare(models["good"])
    assert run.promote().text("version") == "1"
    run.folder.joinpath("promote").rename(run.folder / "first-try")
    again = run.promote()
    assert (again.text("version"), again.text("decision")) == ("1", "promote")


def test_the_gate_counts_what_no_judged_model_had(packed, models, tmp_path):
    few, all_clips = curated(packed, tmp_path / "few", without=12), curated(packed, tmp_path / "all")
    first = Retraining(tmp_path, packed, few, "first")
    assert first.gate(min_new_clips=10**6).text("decision") == "train"  # there is no champion
    first.compare(models["good"])
    first.promote()

    idle = Retraining(tmp_path, packed, few, "idle").gate(min_new_clips=1, min_new_videos=1)
    assert idle.text("decision") == "stop"
    assert idle.numbers()["gate.new_clips"] == 0

    grown = Retraining(tmp_path, packed, all_clips, "grown")
    numbers = grown.gate(min_new_clips=12, min_new_videos=12).numbers()
    assert (numbers["gate.new_clips"], numbers["gate.new_videos"], numbers["gate.train"]) == (12, 12, 1)
    shutil.rmtree(grown.folder / "gate")
    assert grown.gate(min_new_clips=13, min_new_videos=1).text("decision") == "stop"
    shutil.rmtree(grown.folder / "gate")
    assert grown.gate(min_new_clips=1, min_new_videos=13).text("decision") == "stop"

    # A challenger that lost has been trained on the new clips: they are not new once more.
    grown.compare(models["opposite"])
    assert grown.promote().text("decision") == "keep"
    assert Retraining(tmp_path, packed, all_clips, "after").gate(1, 1).text("decision") == "stop"


def test_every_decision_of_the_gate_is_a_run(packed, tmp_path):
    import mlflow

    Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run-7").gate()
    client = mlflow.MlflowClient()
    (experiment,) = [found.experiment_id for found in client.search_experiments() if found.name == tracking.EXPERIMENT]
    (run,) = client.search_runs([experiment], "tags.`leftright.step` = 'gate'")
    assert run.data.tags["leftright.decision"] == "train"
    assert run.data.tags["leftright.kfp_run"] == "run-7"
    assert run.data.metrics["gate.new_clips"] == 120
    assert run.info.status == "FINISHED"


def test_few_held_out_channels_decide_nothing(packed, models, tmp_path):
    table = curated(packed, tmp_path / "curated")
    first = Retraining(tmp_path, packed, table, "first")
    first.compare(models["opposite"])
    first.promote()
    second = Retraining(tmp_path, packed, table, "second")
    assert second.compare(models["good"], min_channels=13).text("decision") == "keep"
    document = json.loads((second.compared.root / "comparison" / "comparison.json").read_text())
    assert document["reason"] == "too few held-out channels to decide: 12 of at least 13"


def test_channels_that_the_champion_has_learnt_from_do_not_judge_it(packed, models, tmp_path):
    """The champion's run had split the channels otherwise: half of today's test channels were in its training."""
    table = curated(packed, tmp_path / "curated")
    other = pd.read_parquet(table / "curated.parquet")
    held_out = sorted(other.loc[other["split_channel"] == "test", "channel"].unique())
    other.loc[other["channel"].isin(held_out[::2]), "split_channel"] = "train"
    before = tmp_path / "before"
    before.mkdir()
    write_table(before / "curated.parquet", other)
    first = Retraining(tmp_path, packed, before, "first")
    first.compare(models["opposite"])
    first.promote()
    second = Retraining(tmp_path, packed, table, "second")
    numbers = second.compare(models["good"]).numbers()
    assert numbers["compare.channels"] == len(held_out) // 2 == 6
    predictions = pd.read_parquet(second.compared.root / "comparison" / "predictions.parquet")
    assert set(predictions["channel"]) == set(held_out[1::2])


def test_the_comparison_gives_the_numbers_of_pretrain(packed, models, tmp_path):
    run = Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run")
    numbers = run.compare(models["good"]).numbers()
    judged = json.loads((models["good"].parent / "good.json").read_text())
    assert numbers["compare.challenger.accuracy"] == judged["flip.accuracy_clip"]["value"]
    assert numbers["compare.challenger.loss"] == pytest.approx(judged["flip.loss"]["value"], rel=1e-4)


def test_a_model_that_was_not_compared_is_not_registered(packed, models, tmp_path):
    run = Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run")
    run.compare(models["chance"])
    run.model = models["good"]
    with pytest.raises(InputError, match="is not the model that"):
        run.promote()


def test_models_of_other_geometry_are_asked_about_the_same_clips(packed, models, tmp_path):
    meta = load_model(models["good"] / "model.pt")[1]
    geometry = replace(meta.geometry, duration_s=0.75, frame_step=1, crop=16)
    torch.manual_seed(2)
    network = AudioVisualNetwork(replace(meta.architecture, audio_width=2), geometry)
    save_model(tmp_path / "other" / "model.pt", network, "flip", asdict(CONFIG))
    table = curated(packed, tmp_path / "curated")
    first = Retraining(tmp_path, packed, table, "first")
    first.compare(tmp_path / "other")
    first.promote()
    second = Retraining(tmp_path, packed, table, "second")
    second.compare(models["good"])
    predictions = pd.read_parquet(second.compared.root / "comparison" / "predictions.parquet")
    starts = predictions.groupby(["model", "clip"])["start_s"].mean().unstack("model")
    # Centres agree to half a stored frame, of which there are six a second.
    distance = (starts["champion"] + 0.75 / 2) - (starts["challenger"] + 1.0 / 2)
    assert distance.abs().max() <= 0.5 / 6 + 1e-9


@pytest.mark.parametrize("store_name", ["", "http://127.0.0.1:9"])
def test_without_a_registry_a_step_fails_in_one_line(tmp_path, monkeypatch, store_name):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store_name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match="MLFLOW_TRACKING_URI") as raised:
        compiled_task.run(champion, tmp_path / "champion", model_name=NAME)
    assert "\n" not in str(raised.value)


def test_the_steps_need_neither_torch_nor_kfp():
    """Their image has neither."""
    names = ", ".join(f"pipelines.steps.{step}" for step in ("champion", "gate", "promote", "outcome"))
    check = f"import sys, {names}; assert not {{'torch', 'kfp', 'mlflow'}} & set(sys.modules)"
    environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, env=environment, check=True)


def test_the_outcome_is_the_exit_task_of_a_handler(tmp_path):
    @dsl.pipeline(name="leftright-retrain")
    def pipeline() -> None:
        last = outcome(pipeline="leftright-retrain", kfp_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
        with dsl.ExitHandler(exit_task=last):
            champion(model_name=NAME).set_caching_options(False)

    compiler.Compiler().compile(pipeline, str(tmp_path / "pipeline.yaml"))
    assert "taskFinalStatus" in (tmp_path / "pipeline.yaml").read_text()


@pytest.mark.parametrize("spelling", ["pipelineTaskName", "pipeline_task_name"])
def test_the_compiled_outcome_reads_the_final_status(tmp_path, caplog, spelling):
    caplog.set_level("INFO")
    status = {"state": "FAILED", spelling: "exit-handler-1", "error": {"message": "the\ndisk is full"}}
    compiled_task.run(outcome, tmp_path / "outcome", status=status, pipeline="leftright-retrain", kfp_run="run-1")
    assert "leftright-retrain, run run-1: FAILED: the disk is full" in caplog.text
