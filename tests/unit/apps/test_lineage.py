"""`leftright lineage MODEL` prints what the model carries, and how to look it up."""

import pytest
import torch

from leftright import cli
from leftright.lineage import Lineage
from leftright.models import AudioVisualNetwork, save_model
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """What the command says of a model with a lineage."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    torch.manual_seed(0)

    def said(made_from: Lineage, of: str = "model.pt") -> list[str]:
        save_model(tmp_path / "model.pt", AudioVisualNetwork(TINY, TINY_WINDOW), "flip", {}, made_from)
        assert cli.main(["lineage", str(tmp_path / of)]) == 0
        return capsys.readouterr().out.splitlines()

    return said


def test_each_of_the_three_has_its_line(said, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org/")
    assert said(Lineage("abc", "run-7", "0123")) == [
        "data revision: abc",
        "KFP run:       run-7",
        "MLflow run:    0123",
        "",
        "data: dvc get REPOSITORY PATH --rev abc",
        "pipeline: kfp run get run-7",
        "tracking: https://mlflow.example.org/#/runs/0123",
    ]


def test_what_is_unknown_is_called_so(said):
    assert said(Lineage()) == ["data revision: unknown", "KFP run:       unknown", "MLflow run:    unknown"]


def test_a_commit_with_changes_is_looked_up_without_its_mark(said):
    lines = said(Lineage("abc+"))
    assert lines[0] == "data revision: abc+"
    assert lines[-2:] == [
        "data: dvc get REPOSITORY PATH --rev abc",
        "+: data or code had changes that are in no commit",
    ]


def test_a_store_without_pages_is_asked_by_a_command(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (line,) = [line for line in said(Lineage("", "", "0123")) if line.startswith("tracking:")]
    assert line == f"tracking: MLFLOW_TRACKING_URI=sqlite:///{tmp_path}/mlflow.db mlflow runs describe --run-id 0123"


def test_the_folder_of_pretrain_stands_for_its_model(said):
    assert said(Lineage("abc"), of="")[0] == "data revision: abc"


def test_a_folder_without_a_model_is_one_line(tmp_path, capsys):
    assert cli.main(["lineage", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"leftright lineage: {tmp_path}/model.pt: no such model")
