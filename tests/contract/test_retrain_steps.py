"""The steps of a retraining, from their compiled components and on a real registry: who is promoted, and who is not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.dsl import Dataset, Input, Model
from kfp.pipeline_spec import pipeline_spec_pb2

from components.champion.component import champion
from components.compare.component import compare
from components.gate.component import gate
from components.outcome.component import outcome
from components.promote.component import promote
from leftright import tracking
from leftright.clips import write_table
from leftright.data.shards import ShardReader
from leftright.errors import InputError
from leftright.models import Predictor
from leftright.models.saved import read_lineage
from tests import compiled_task, mlflow_server
from tests.contract.test_names import ROOT
from tests.packed_world import write_packed_world
from tests.rival_models import write_models

NAME = "leftright-flip"


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """Sixty channels of two videos each, twelve of them held out."""
    return write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=60)


@pytest.fixture(scope="module")
def models(packed, tmp_path_factory) -> dict[str, Path]:
    return write_models(tmp_path_factory.mktemp("models"), packed)


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
    assert tags["leftright.mlflow_run"] == read_lineage(models["good"] / "flip" / "model.pt").mlflow_run
    assert tags["leftright.decision"] == "promote"
    assert tags["leftright.compared_with"] == "1"
    assert tags["leftright.kfp_run"] == "run-2"
    assert float(tags["leftright.compare.difference.low"]) == pytest.approx(better["compare.difference.low"], rel=1e-5)
    assert {version(number).tags["leftright.decision"] for number in (3, 4, 5)} == {"keep"}
    assert (tmp_path / "run-5" / "champion" / "model" / "model.pt").read_bytes() == (
        models["good"] / "flip" / "model.pt"
    ).read_bytes()


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_task_that_is_tried_again_registers_nothing_twice(packed, models, tmp_path):
    run = Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run")
    run.compare(models["good"])
    assert run.promote().text("version") == "1"
    run.folder.joinpath("promote").rename(run.folder / "first-try")
    again = run.promote()
    assert (again.text("version"), again.text("decision")) == ("1", "promote")


@pytest.mark.slow
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


@dsl.pipeline(name="behind-the-gate")
def behind_the_gate(
    decision: str, shards: Input[list[Dataset]], curated: Input[Dataset], challenger: Input[Model],
    champion_model: Input[Model], record: Input[Dataset], kfp_run: str,
) -> None:  # fmt: skip
    with dsl.If(decision == "train"):
        compared = compare(
            shards=shards, challenger=challenger, champion=champion_model, record=record, min_videos=20, min_channels=6
        )
        promote(
            model_name=NAME, challenger=challenger, curated=curated, comparison=compared.outputs["comparison"],
            data_rev="v1", kfp_run=kfp_run,
        ).set_caching_options(False)  # fmt: skip


@dsl.pipeline(name="leftright-retrain")
def retraining(shards: Input[list[Dataset]], curated: Input[Dataset], challenger: Input[Model]) -> None:
    run = dsl.PIPELINE_JOB_ID_PLACEHOLDER
    last = outcome(pipeline="leftright-retrain", kfp_run=run).set_caching_options(False)
    with dsl.ExitHandler(exit_task=last):
        known = champion(model_name=NAME).set_caching_options(False)
        asked = gate(
            curated=curated, record=known.outputs["record"], min_new_clips=100, min_new_videos=20, kfp_run=run
        ).set_caching_options(False)
        behind_the_gate(
            decision=asked.outputs["decision"], shards=shards, curated=curated, challenger=challenger,
            champion_model=known.outputs["model"], record=known.outputs["record"], kfp_run=run,
        )  # fmt: skip


def test_the_steps_compose_to_a_pipeline_with_an_exit_task(tmp_path):
    compiler.Compiler().compile(retraining, str(tmp_path / "pipeline.yaml"))
    document = next(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text()))
    spec = json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
    last = spec.root.dag.tasks["outcome"]
    assert last.inputs.parameters["status"].task_final_status.producer_task == "exit-handler-1"
    assert last.trigger_policy.strategy == last.trigger_policy.ALL_UPSTREAM_TASKS_COMPLETED
    (condition,) = [
        task.trigger_policy.condition
        for component in spec.components.values()
        for task in component.dag.tasks.values()
        if task.trigger_policy.condition
    ]
    # On an input of the nested pipeline, since kfp.local takes a condition on a named output for false.
    assert condition == "inputs.parameter_values['pipelinechannel--decision'] == 'train'"


@pytest.mark.parametrize("spelling", ["pipelineTaskName", "pipeline_task_name"])
def test_the_compiled_outcome_reads_the_final_status(tmp_path, caplog, spelling):
    caplog.set_level("INFO")
    status = {"state": "FAILED", spelling: "exit-handler-1", "error": {"message": "the\ndisk is full"}}
    compiled_task.run(outcome, tmp_path / "outcome", status=status, pipeline="leftright-retrain", kfp_run="run-1")
    assert "leftright-retrain, run run-1: FAILED: the disk is full" in caplog.text


def test_the_outcome_says_what_the_steps_decided(packed, tmp_path, caplog):
    caplog.set_level("INFO")
    Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run-7").gate()
    status = {"state": "SUCCEEDED", "pipelineTaskName": "exit-handler-1"}
    compiled_task.run(outcome, tmp_path / "outcome", status=status, pipeline="leftright-retrain", kfp_run="run-7")
    assert "run run-7: SUCCEEDED; gate: train: there is no champion yet; 120 clips of 120 videos" in caplog.text


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[str]:
    with mlflow_server.running(tmp_path / "server") as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        yield address


@pytest.mark.slow
def test_a_server_keeps_the_registry_as_a_file_does(packed, models, tmp_path, server):
    table = curated(packed, tmp_path / "curated")
    decided = []
    for number, model in enumerate(("opposite", "good", "good", "opposite")):
        run = Retraining(tmp_path, packed, table, f"run-{number}")
        run.gate()
        run.compare(models[model])
        decided.append(run.promote().text("decision"))
    assert decided == ["promote", "promote", "keep", "keep"]
    assert aliases() == {"champion": 2, "previous_champion": 1}
    final = Retraining(tmp_path, packed, table, "final")
    assert (final.champion.root / "model" / "model.pt").read_bytes() == (
        models["good"] / "flip" / "model.pt"
    ).read_bytes()
    assert final.gate().text("decision") == "stop"


@pytest.mark.slow
def test_the_champion_can_be_served(packed, models, tmp_path):
    import mlflow

    run = Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run")
    run.compare(models["good"])
    run.promote()
    served = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    predictor = Predictor(models["good"] / "flip" / "model.pt")
    example = predictor.example_input()
    assert served.predict(example) == pytest.approx(predictor.predict(example))


def test_a_run_that_is_handed_over_keeps_the_decision(packed, tmp_path, monkeypatch):
    import mlflow

    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    handed = client.create_run(client.create_experiment("of the backend")).info.run_id
    run = Retraining(tmp_path, packed, curated(packed, tmp_path / "curated"), "run-8")
    monkeypatch.setenv("MLFLOW_RUN_ID", handed)
    run.gate()
    kept = client.get_run(handed)
    assert kept.data.tags["leftright.decision"] == "train"
    assert kept.info.status == "RUNNING"  # the backend's to close


def test_a_version_that_was_registered_by_hand_carries_no_record(tmp_path):
    import mlflow

    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    client.create_registered_model(NAME)
    client.create_model_version(NAME, (tmp_path / "model").as_uri())
    client.set_registered_model_alias(NAME, "champion", "1")
    with pytest.raises(InputError, match="version 1: carries no record"):
        compiled_task.run(champion, tmp_path / "champion", model_name=NAME)
