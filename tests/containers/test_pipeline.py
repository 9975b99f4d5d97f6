"""The full pipeline in containers on this machine: the numbers of `dvc repro`, a cache that holds, a failure that shows."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from leftright.stages import STAGES
from pipelines import settings
from tests import mlflow_server
from tests.container_images import ROOT
from tests.pipeline.test_chain import commit, run

pytestmark = pytest.mark.containers

TIMING = ".samples_per_second"
"""How keys end whose numbers say how fast, and so differ from run to run."""
ALWAYS = {"resolve", "publish", "outcome"}
"""Tasks that are never answered from a cache."""


@dataclass(frozen=True)
class Ended:
    """A run of the pipeline that is over. status : of the command. executed : the tasks that ran, cached ones left out."""

    status: int
    executed: list[str]
    output: str


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("runs")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def pipeline(root: Path, *words: str, file: str = "pipelines/full.py", **variables: str) -> Ended:
    """Run it at its smallest, as a person does. variables : of its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment |= {"LEFTRIGHT_PARAMS": "configs/smallest.yaml", **variables}
    command = [sys.executable, "-m", "leftright", "run", file, "--root", str(root), *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    started = re.findall(r"^([\w-]+)(?: \d+/\d+)?: started$", done.stdout, flags=re.MULTILINE)
    return Ended(done.returncode, started, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def first(root: Path) -> Path:
    """The folder of a first run, which has succeeded."""
    ended = pipeline(root)
    assert ended.status == 0, ended.output[-8000:]
    parts = {stage: fan.parts for stage, fan in settings.read().fan_out.items()}
    parts["filter"] = parts["collect"]
    assert sorted(ended.executed) == sorted(
        [*(stage for stage in STAGES for _ in range(parts.get(stage, 1))), *ALWAYS, "fetch"]
    )
    (folder,) = root.glob("leftright-full-*")
    return folder


def tasks_of(folder: Path, stage: str) -> list[Path]:
    """The folders of a stage's tasks in a run, one a part."""
    return sorted(path.parent for path in folder.rglob(f"{stage}/executor_output.json"))


def numbers(*files: Path) -> dict[str, object]:
    """What metrics files say together, but for how fast it was."""
    every = {key: value for file in files for key, value in json.loads(file.read_text()).items()}
    return {key: value for key, value in every.items() if not key.endswith(TIMING)}


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkout in which `dvc repro` has run the same configuration without containers, each stage whole."""
    project = tmp_path_factory.mktemp("project") / "leftright"
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).split():
        if (ROOT / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project / name)
    (project / "dvc.lock").unlink(missing_ok=True)
    shutil.copy(ROOT / "configs/smallest.yaml", project / "params.yaml")
    run("git", "init", "--quiet", cwd=project)
    commit(project, "smallest")
    run("dvc", "repro", cwd=project)
    yield project
    shutil.rmtree(project, ignore_errors=True)


@pytest.mark.parametrize("stage", ["simulate", "curate", "pretrain", "localize", "finetune", "evaluate360", "report"])
def test_the_numbers_are_those_of_dvc_to_the_last_digit(first: Path, reproduced: Path, stage: str) -> None:
    """Also where a stage, or one before it, was cut into parts."""
    tasks = tasks_of(first, stage)
    assert numbers(*(task / "metrics" for task in tasks)) == numbers(reproduced / "metrics" / f"{stage}.json")


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_the_models_are_those_of_dvc(first: Path, reproduced: Path, stage: str) -> None:
    """Weight by weight; the files differ in what they say of their making."""
    found = models(*(task / "out" for task in tasks_of(first, stage)))
    expected = models(reproduced / "data" / stage)
    assert found.keys() == expected.keys()
    for name, weights in expected.items():
        assert weights.keys() == found[name].keys()
        assert all(torch.equal(weights[key], found[name][key]) for key in weights), name


def models(*folders: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The weights of every model in some folders, by its path in them."""
    return {
        str(path.relative_to(folder)): torch.load(path, weights_only=True)["weights"]
        for folder in folders
        for path in folder.rglob("model.pt")
    }


def test_the_shards_are_those_of_dvc_to_the_last_byte(first: Path, reproduced: Path) -> None:
    packed = {path.name: path.read_bytes() for path in first.rglob("shard-*.tar")}
    assert packed == {path.name: path.read_bytes() for path in (reproduced / "data/pack").glob("shard-*.tar")}


def test_metrics_and_pages_reach_the_ui(first: Path) -> None:
    told = [json.loads((task / "executor_output.json").read_text()) for task in tasks_of(first, "pretrain")]
    metrics = {key for each in told for key in each["artifacts"]["metrics"]["artifacts"][0]["metadata"]}
    assert {
        "flip.accuracy",
        "flip.accuracy.low",
        "flip.accuracy.high",
        "mismatch.accuracy",
        "shift.accuracy",
    } <= metrics
    assert "<img" in (first / "localize" / "page").read_text()
    assert all((task / "page").is_file() for task in tasks_of(first, "finetune"))
    assert (first / "report" / "page").read_text() == (first / "report" / "out" / "report.html").read_text()


def test_unchanged_input_is_answered_from_the_cache(root: Path, first: Path) -> None:
    ended = pipeline(root)
    assert ended.status == 0, ended.output[-4000:]
    assert set(ended.executed) == ALWAYS


def test_a_changed_input_runs_again_what_depends_on_it(root: Path, first: Path) -> None:
    ended = pipeline(root, "localize.seed=1")
    assert ended.status == 0, ended.output[-4000:]
    assert set(ended.executed) - ALWAYS == {"localize", "report"}


def test_a_failing_stage_makes_the_run_fail(root: Path, first: Path) -> None:
    """A picture larger than what is stored: pretrain refuses it, nothing after it runs, and the outcome is told."""
    ended = pipeline(root, "pretrain.crop=1024")
    assert ended.status == 1
    assert set(ended.executed) == {"resolve", "pretrain", "outcome"}
    assert "leftright pretrain: " in ended.output
    last = ended.output.strip().splitlines()[-1]
    assert re.match(
        r"leftright-full: failed after \d+ s: task 'pretrain' inside '.*' inside 'pretrain-parts'", last.strip()
    )
    assert "FAILED" in ended.output


def test_a_version_of_the_data_goes_in_and_one_of_the_results_comes_out(root: Path, first: Path) -> None:
    """The decisions of a revision decide; what is published is a version too, and the model knows where it comes from."""
    repository = root / "repositories" / "data"
    (repository / "curation").mkdir(parents=True)
    curated = pd.read_parquet(first / "curate" / "out" / "curated.parquet")
    rejected = curated.loc[curated["kept"], "video"].iloc[0]
    table = f"video,verdict,reviewer,time,note\n{rejected},reject,r1,2026-11-01T10:00:00Z,left and right disagree\n"
    (repository / "curation/decisions.csv").write_text(table)
    run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
    commit(repository, "decisions")
    revision = run("git", "rev-parse", "HEAD", cwd=repository).strip()
    target = root / "repositories" / "results.git"
    run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(target), cwd=root)

    ended = pipeline(root, f"data_repo={repository}", "data_rev=main", f"publish_repo={target}")
    assert ended.status == 0, ended.output[-6000:]
    assert "curate" in ended.executed
    assert not {"simulate", "collect", "filter"} & set(ended.executed)
    newest = max(root.glob("leftright-full-*"))
    decided = pd.read_parquet(newest / "curate" / "out" / "curated.parquet")
    assert not decided.loc[decided["video"] == rejected, "kept"].any()

    published = (newest / "publish" / "published_rev").read_text()
    assert run("git", "rev-parse", "main", cwd=target).strip() == published
    for name, stage in (("models", "pretrain"), ("finetuned", "finetune")):
        run("dvc", "get", str(target), name, "--rev", published, "--out", name, cwd=root)
        made = {
            path.relative_to(task / "out"): path for task in tasks_of(newest, stage) for path in task.rglob("model.pt")
        }
        found = {path.relative_to(root / name): path for path in (root / name).rglob("model.pt")}
        assert made.keys() == found.keys()
        assert all(found[path].read_bytes() == made[path].read_bytes() for path in made)
    said = run(sys.executable, "-m", "leftright", "lineage", "models", cwd=root)
    assert f"data revision: {revision}" in said
    assert "KFP run:       unknown" not in said
    assert json.loads((root / "finetuned/not_run.json").read_text())


def test_a_retraining_promotes_a_first_model_and_ends_early_without_new_data(tmp_path: Path) -> None:
    """With a registry on this machine: the first model becomes champion; run again, the gate finds nothing new and says so."""
    import mlflow

    enough = ("min_new_clips=5", "min_new_videos=5", "--network", "host")
    with mlflow_server.running(tmp_path / "server") as address:
        file = "pipelines/retrain.py"
        first = pipeline(tmp_path / "runs", *enough, file=file, MLFLOW_TRACKING_URI=address)
        assert first.status == 0, first.output[-6000:]
        assert {"gate", "pretrain", "compare", "promote"} <= set(first.executed)
        known = mlflow.MlflowClient(address).get_registered_model("leftright-flip")
        assert {name: int(version) for name, version in known.aliases.items()} == {"champion": 1}
        again = pipeline(tmp_path / "runs", *enough, file=file, MLFLOW_TRACKING_URI=address)
    assert again.status == 0, again.output[-6000:]
    assert set(again.executed) == {"resolve", "champion", "gate", "outcome"}
    assert re.search(r"gate: stop", again.output)


EXITS = """
from kfp import dsl

@dsl.container_component
def end(status: int) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image={image!r}, command=["sh", "-c"], args=["exit $0", status])

@dsl.pipeline
def exits(status: int = 3) -> None:
    end(status=status)
"""


def test_an_exit_status_is_never_lost(tmp_path: Path) -> None:
    """Kfp's own runner reads a container that ended quickly as a success now and then: 20 in a row must fail."""
    from components.task import image

    file = tmp_path / "exits.py"
    file.write_text(EXITS.format(image=image("base")))
    assert pipeline(tmp_path / "runs", "status=0", file=str(file)).status == 0
    statuses = [pipeline(tmp_path / "runs", "--no-cache", file=str(file)).status for _ in range(20)]
    assert statuses == [1] * 20


def test_a_missing_image_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "exits.py"
    file.write_text(EXITS.format(image="localhost/no-such-image:1"))
    ended = pipeline(tmp_path / "runs", file=str(file))
    assert ended.status == 2
    assert ended.output.splitlines()[-1].startswith("leftright run: localhost/no-such-image:1: no such image here")


def test_the_smallest_configuration_is_the_one_that_ran(first: Path) -> None:
    smallest = yaml.safe_load((ROOT / "configs/smallest.yaml").read_text())
    assert (
        json.loads((first / "simulate" / "metrics").read_text())["simulate.channels"]["value"]
        == (smallest["simulate"]["num_channels"])
    )
