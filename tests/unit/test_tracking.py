"""Tracking against a real SQLite store: a chain is one parent with a nested run a stage."""

from pathlib import Path

import pytest
import torch

from leftright import lineage, tracking
from leftright.lineage import Lineage
from leftright.models import AudioVisualNetwork, save_model
from leftright.results import Outcome, Value
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW

OUTCOME = Outcome({"flip.accuracy": Value(0.9, 0.8, 0.95, 100), "flip.videos": Value(None)})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store made once, since making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture(autouse=True)
def project(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "DVC_EXP_NAME", "LEFTRIGHT_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(f"seed: {tmp_path.name}")
    return tmp_path


def runs() -> list:
    import mlflow

    client = mlflow.MlflowClient()
    return client.search_runs([client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id])


def of_chain(tag: str) -> dict:
    return {run.info.run_name: run for run in runs() if run.data.tags["leftright.params"] == tag}


def track(stage: str, **parameters: object) -> None:
    with tracking.stage_run(stage, parameters) as run:
        assert tracking.current() is run
        run.step(1, {"loss": 0.5})
        run.step(2, {"loss": 0.25})
        run.finish(OUTCOME)


def test_stages_of_a_chain_hang_under_one_parent(project: Path) -> None:
    track("filter", min_face_score=0.9)
    track("pretrain", learning_rate=0.1)
    found = of_chain(tracking._digest(project / "params.yaml"))
    assert set(found) == {"filter", "pretrain", next(name for name in found if name.startswith("chain-"))}
    parent = next(run for name, run in found.items() if name.startswith("chain-"))
    for stage in ("filter", "pretrain"):
        assert found[stage].data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert found[stage].data.metrics["flip.accuracy.low"] == 0.8
        assert found[stage].data.metrics["loss"] == 0.25
        assert found[stage].info.status == "FINISHED"
    assert found["filter"].data.params == {"min_face_score": "0.9"}
    assert parent.data.metrics["flip.accuracy"] == 0.9
    assert parent.data.params == {"filter.min_face_score": "0.9", "pretrain.learning_rate": "0.1"}


def test_a_stage_run_again_with_other_flags_is_tracked_beside_the_first(project: Path) -> None:
    track("filter", min_face_score=0.9)
    track("filter", min_face_score=0.5)
    tag = tracking._digest(project / "params.yaml")
    scores = [run.data.params["min_face_score"] for run in runs() if run.data.tags["leftright.params"] == tag
              and run.info.run_name == "filter"]  # fmt: skip
    assert sorted(scores) == ["0.5", "0.9"]
    parent = next(run for name, run in of_chain(tag).items() if name.startswith("chain-"))
    assert parent.data.params == {"filter.min_face_score": "0.9"}


def test_other_parameters_are_another_chain(project: Path) -> None:
    track("filter")
    before = tracking._digest(project / "params.yaml")
    (project / "params.yaml").write_text("seed: other")
    track("filter")
    after = tracking._digest(project / "params.yaml")
    assert of_chain(before).keys() != of_chain(after).keys()


def test_runs_of_a_pipeline_are_a_chain_each(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their tasks know neither git nor params.yaml; without the run's name all of them would be one chain."""
    monkeypatch.setenv("PATH", "")
    (project / "params.yaml").unlink()
    for name in ("run-1", "run-2"):
        with lineage.handed(Lineage(kfp_run=name)):
            track("collect")
            track("filter")
    of_runs = [run for run in runs() if run.data.tags.get("leftright.kfp_run")]
    chains = {(run.data.tags["leftright.kfp_run"], run.data.tags["leftright.chain"]) for run in of_runs}
    assert len(chains) == len({chain for _, chain in chains}) == 2
    assert len(of_runs) == 2 * 3


def test_a_run_has_a_name_while_it_runs(project: Path) -> None:
    assert tracking.current().run_id == ""
    with tracking.stage_run("filter", {}) as run:
        assert run.run_id == of_chain(tracking._digest(project / "params.yaml"))["filter"].info.run_id


def test_the_model_in_the_store_has_its_lineage_as_tags(project: Path) -> None:
    import mlflow

    torch.manual_seed(0)
    with tracking.stage_run("pretrain", {}) as run:
        made_from = Lineage("abc+", "run-7", run.run_id)
        save_model(project / "model.pt", AudioVisualNetwork(TINY, TINY_WINDOW), "flip", {}, made_from)
        run.finish(Outcome({}, model=project / "model.pt"))
    experiment = mlflow.MlflowClient().get_run(run.run_id).info.experiment_id
    found = mlflow.MlflowClient().search_logged_models([experiment])
    (model,) = (model for model in found if model.source_run_id == run.run_id)
    tags = {key: text for key, text in model.tags.items() if key.startswith("leftright.")}
    assert tags == {
        "leftright.data_rev": "abc+",
        "leftright.kfp_run": "run-7",
        "leftright.mlflow_run": run.run_id,
    }


def test_a_failed_stage_is_marked_and_its_error_goes_on(project: Path) -> None:
    with pytest.raises(ValueError, match="broken"), tracking.stage_run("filter", {}):
        raise ValueError("broken")
    assert of_chain(tracking._digest(project / "params.yaml"))["filter"].info.status == "FAILED"


def test_a_handed_run_is_resumed_and_left_open(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track("simulate")
    handed = of_chain(tracking._digest(project / "params.yaml"))["simulate"].info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", handed)
    with tracking.stage_run("filter", {"threshold": 1}) as run:
        run.finish(Outcome({"filter.kept": Value(3)}))
    import mlflow

    resumed = mlflow.MlflowClient().get_run(handed)
    assert resumed.data.metrics["filter.kept"] == 3
    assert resumed.data.tags["leftright.stage"] == "filter"


def test_a_store_that_does_not_answer_costs_a_warning_and_no_result(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    track("filter")
    assert "127.0.0.1:9" in caplog.text


def test_of_several_processes_the_first_is_tracked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        track("filter")
    params = tracking._digest(project / "params.yaml")
    names = [run.info.run_name for run in runs() if run.data.tags["leftright.params"] == params]
    assert names.count("filter") == 1


def test_tracking_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFTRIGHT_TRACKING", "none")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://nowhere")
    track("filter")


def test_a_task_without_a_server_tracks_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with tracking.stage_run("filter", {}, is_task=True) as run:
        run.finish(Outcome({}))
    assert not (project / "mlflow.db").exists()
