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
import yaml

from leftright.stages import STAGES
from tests import mlflow_server
from tests.container_images import ROOT
from tests.pipeline.test_chain import commit, run

pytestmark = pytest.mark.containers

TIMINGS = ("flip.samples_per_second",)
"""Numbers that say how fast, and so differ from run to run."""
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
    assert sorted(ended.executed) == sorted(
        [*STAGES, *ALWAYS, "fetch", "collect", "filter", "pack"]  # two parts of each that fans out
    )
    (folder,) = root.glob("leftright-full-*")
    return folder


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


@pytest.mark.parametrize("stage", ["simulate", "curate", "pretrain", "localize", "report"])
def test_the_numbers_are_those_of_dvc_to_the_last_digit(first: Path, reproduced: Path, stage: str) -> None:
    """Also where a stage was cut into parts before it."""
    numbers = json.loads((first / stage / "metrics").read_text())
    expected = json.loads((reproduced / "metrics" / f"{stage}.json").read_text())
    for timing in TIMINGS:
        numbers.pop(timing, None)
        expected.pop(timing, None)
    assert numbers == expected


def test_the_shards_are_those_of_dvc_to_the_last_byte(first: Path, reproduced: Path) -> None:
    packed = {path.name: path.read_bytes() for path in first.rglob("shard-*.tar")}
    assert packed == {path.name: path.read_bytes() for path in (reproduced / "data/pack").glob("shard-*.tar")}


def test_metrics_and_pages_reach_the_ui(first: Path) -> None:
    told = json.loads((first / "pretrain" / "executor_output.json").read_text())
    (metrics,) = told["artifacts"]["metrics"]["artifacts"]
    assert {"flip.accuracy", "flip.accuracy.low", "flip.accuracy.high"} <= set(metrics["metadata"])
    assert "<img" in (first / "localize" / "page").read_text()
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
    assert re.match(r"leftright-full: failed after \d+ s: task 'pretrain' inside 'exit-handler-1'", last.strip())
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

    said = run(sys.executable, "-m", "leftright", "lineage", str(newest / "pretrain" / "out"), cwd=root)
    assert f"data revision: {revision}" in said
    assert "KFP run:       unknown" not in said
    published = (newest / "publish" / "published_rev").read_text()
    assert run("git", "rev-parse", "main", cwd=target).strip() == published
    run("dvc", "get", str(target), "model", "--rev", published, "--out", "model", cwd=root)
    assert (root / "model/model.pt").read_bytes() == (newest / "pretrain/out/model.pt").read_bytes()


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
