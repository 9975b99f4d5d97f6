"""The whole chain at its smallest size, as a person runs it: `dvc repro`, experiments, comparison in MLflow."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leftright import results
from leftright.stages import STAGES

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def run(*command: str, cwd: Path) -> str:
    """A command's standard output; its whole output in the failure where it fails."""
    # The environment's own programs first, as `make` has it; no tracking server of the person who tests.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "DVC_", "GIT_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkout of its own with the smallest configuration, its chain run once."""
    root = tmp_path_factory.mktemp("project") / "leftright"
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).split()
    for name in names:
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    (root / "dvc.lock").unlink(missing_ok=True)
    shutil.copy(ROOT / "configs/smallest.yaml", root / "params.yaml")
    run("git", "init", "--quiet", cwd=root)
    commit(root, "smallest")
    run("dvc", "repro", cwd=root)
    commit(root, "reproduced")
    yield root
    shutil.rmtree(root, ignore_errors=True)


def commit(root: Path, message: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    run("git", "add", "--all", cwd=root)
    run("git", *identity, "commit", "--quiet", "--message", message, cwd=root)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_leaves_its_folder_and_its_metrics(project: Path, stage: str) -> None:
    assert any((project / "data" / stage).iterdir())
    assert results.read(project / "metrics" / f"{stage}.json")


def test_nothing_half_done_is_left(project: Path) -> None:
    assert not [path for path in (project / "data").rglob("*") if path.name.endswith((".partial", ".old"))]


def test_run_again_everything_is_up_to_date(project: Path) -> None:
    assert "Data and pipelines are up to date" in run("dvc", "repro", cwd=project)


def test_metrics_and_plots_show(project: Path) -> None:
    shown = json.loads(run("dvc", "metrics", "show", "--json", cwd=project).splitlines()[0])
    numbers = shown[""]["data"]["metrics/pretrain.json"]["data"]
    assert {"value", "low", "high", "n"} <= set(numbers["flip.accuracy"])
    run("dvc", "plots", "show", "--out", "plots", cwd=project)
    assert (project / "plots/index.html").is_file()


def test_two_experiments_stand_side_by_side_in_mlflow(project: Path) -> None:
    """Each has its own parent run and, under it, one nested run a stage that was run."""
    rates = {"slow": "0.0005", "fast": "0.005"}
    for name, rate in rates.items():
        run("dvc", "exp", "run", "--quiet", "--name", name, "-S", f"pretrain.learning_rate={rate}", cwd=project)
        assert f"{float(rate)}" in run("dvc", "params", "diff", cwd=project)
    runs = tracked_runs(project)
    for name, rate in rates.items():
        (parent,) = [found for found in runs if found["name"] == name]
        nested = {found["name"]: found for found in runs if found["parent"] == parent["id"]}
        assert set(nested) == {"pretrain", "localize", "finetune", "report"}, "only what depends on the rate runs again"
        assert float(nested["pretrain"]["params"]["learning_rate"]) == float(rate)
        assert {"flip.accuracy", "flip.accuracy.low", "flip.accuracy.high"} <= set(nested["pretrain"]["metrics"])
        assert "localize.pca.pearson" in parent["metrics"]
        assert {"leftright.params", "leftright.dvc_lock", "mlflow.source.git.commit"} <= set(parent["tags"])


def test_the_tracked_model_predicts(project: Path) -> None:
    program = (
        "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db');"
        "experiment = mlflow.get_experiment_by_name('leftright').experiment_id;"
        "model = mlflow.search_logged_models(experiment_ids=[experiment], output_format='list')[0];"
        "loaded = mlflow.pyfunc.load_model(model.model_uri);"
        "print('logits', loaded.predict(loaded.input_example).shape, sorted(loaded.metadata.signature.inputs.input_names()))"
    )
    assert "logits (1,) ['frames', 'waveform']" in run(sys.executable, "-c", program, cwd=project)


def tracked_runs(project: Path) -> list[dict]:
    """Every run of the project's store, read in a process of its own since the store is chosen by the working directory."""
    program = (
        "import json, mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db'); c = mlflow.MlflowClient();"
        "e = c.get_experiment_by_name('leftright').experiment_id;"
        "print(json.dumps([dict(id=r.info.run_id, name=r.info.run_name, tags=r.data.tags, params=r.data.params,"
        " metrics=r.data.metrics, parent=r.data.tags.get('mlflow.parentRunId')) for r in c.search_runs([e])]))"
    )
    return json.loads(run(sys.executable, "-c", program, cwd=project).splitlines()[-1])
