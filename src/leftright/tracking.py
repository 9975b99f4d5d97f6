"""Experiment tracking: the one module that imports mlflow.

A chain of stages is one parent run; each stage is a nested run under the stage's name. Stages of one chain are separate
processes, so the parent is found, not handed down: it is the run of this experiment that carries the same chain tag, a
digest of the git commit and of params.yaml (with the name of the `dvc exp` run and of the pipeline's run, where there is
one). A pipeline that hands us a run (`MLFLOW_RUN_ID`) is obeyed instead: that run is resumed.

Where no server is named by `MLFLOW_TRACKING_URI`, the store is `mlflow.db` beside `params.yaml`. `LEFTRIGHT_TRACKING=none`
turns tracking off; a store that does not answer costs one warning and no result.
"""

import hashlib
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from leftright import __version__, lineage
from leftright.errors import InputError
from leftright.files import replace_file
from leftright.results import Outcome, Value

EXPERIMENT = "leftright"
_log = logging.getLogger(__name__)


class Run(Protocol):
    """What a stage may say while it runs; what it says at its end is its Outcome. run_id : "" where nothing is tracked."""

    @property
    def run_id(self) -> str:
        """The run's name in the store."""

    def step(self, step: int, numbers: Mapping[str, float]) -> None:
        """Log numbers of one training step, for curves."""

    def finish(self, outcome: Outcome) -> None:
        """Log a stage's metrics, figures, tables and model."""

    def end(self, status: str) -> None:
        """Close the run as FINISHED or FAILED."""


class _NoRun:
    """A run that keeps nothing: tracking is off, or its store does not answer."""

    run_id = ""

    def step(self, step: int, numbers: Mapping[str, float]) -> None: ...

    def finish(self, outcome: Outcome) -> None: ...

    def end(self, status: str) -> None: ...


_current: Run = _NoRun()


def current() -> Run:
    """The run of the stage that is executing; one that ignores everything where nothing is tracked."""
    return _current


@contextmanager
def stage_run(stage: str, parameters: Mapping[str, Any], *, is_task: bool = False) -> Iterator[Run]:
    """Track one stage as a run of its own, nested under its chain's parent.

    parameters : the stage's configuration, logged as the run's parameters. is_task : whether a pipeline runs it, in a container
    whose own files are gone afterwards: then nothing is tracked unless a server is named. An exception inside marks the run as
    failed and goes on its way.
    """
    global _current
    is_off = os.environ.get("LEFTRIGHT_TRACKING") == "none" or (is_task and not os.environ.get("MLFLOW_TRACKING_URI"))
    # torchrun starts several processes of one stage: the first one's run is the stage's.
    if is_off or os.environ.get("RANK", "0") != "0":
        yield _current
        return
    run = _MlflowRun.start(stage, parameters)
    before, _current = _current, run
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    finally:
        _current = before
        run.end(status)


class _MlflowRun:
    """A run of one stage in an MLflow store."""

    def __init__(self, client: Any, run_id: str, parent_id: str | None, stage: str) -> None:
        self._client, self.run_id, self._parent_id, self._stage = client, run_id, parent_id, stage
        self._owned = parent_id is not None

    @classmethod
    def start(cls, stage: str, parameters: Mapping[str, Any]) -> Run:
        """Open the run, or return one that ignores everything if the store cannot be reached."""
        import mlflow
        from mlflow.exceptions import MlflowException

        _hush()
        try:
            mlflow.set_tracking_uri(tracking_uri())
            client = mlflow.MlflowClient()
            tags = _tags(stage)
            if handed := os.environ.get("MLFLOW_RUN_ID"):
                run = cls(client, handed, None, stage)
            else:
                experiment = _experiment(mlflow)
                parent = _parent(client, experiment, tags)
                tags = {**tags, "mlflow.parentRunId": parent}
                created = client.create_run(experiment, run_name=stage, tags=tags)
                run = cls(client, created.info.run_id, parent, stage)
            run._parameters(parameters)
            for key, value in tags.items():
                client.set_tag(run.run_id, key, value)
            return run
        except (MlflowException, OSError) as error:
            _log.warning(
                "tracking: %s does not answer (%s); going on untracked", tracking_uri(), str(error).splitlines()[0]
            )
            return _NoRun()

    def _parameters(self, parameters: Mapping[str, Any]) -> None:
        """Log the stage's parameters, on its chain as `<stage>.<name>`, so that two chains can be compared by them."""
        for key, value in parameters.items():
            self._client.log_param(self.run_id, key, value)
        if self._parent_id is None:
            return
        # A parameter is logged once and never changed: a stage that was run again with other flags keeps its own alone.
        known = self._client.get_run(self._parent_id).data.params
        for key, value in parameters.items():
            if f"{self._stage}.{key}" not in known:
                self._client.log_param(self._parent_id, f"{self._stage}.{key}", value)

    def step(self, step: int, numbers: Mapping[str, float]) -> None:
        for key, number in numbers.items():
            self._client.log_metric(self.run_id, key, number, step=step)

    def finish(self, outcome: Outcome) -> None:
        for run_id in filter(None, (self.run_id, self._parent_id)):
            self._values(run_id, outcome.values)
        for folder, paths in (("figures", outcome.figures), ("tables", outcome.tables)):
            for path in paths:
                self._client.log_artifact(self.run_id, str(path), folder)
        if outcome.model is not None:
            _log_model(self.run_id, outcome.model)

    def _values(self, run_id: str, values: Mapping[str, Value]) -> None:
        for key, value in values.items():
            for suffix, number in (("", value.value), (".low", value.low), (".high", value.high)):
                if number is not None:
                    self._client.log_metric(run_id, key + suffix, number)

    def end(self, status: str) -> None:
        """Close the run; one that a pipeline handed us is the pipeline's to close."""
        if self._owned:
            self._client.set_terminated(self.run_id, status)
            self._client.set_terminated(self._parent_id, status)


def _log_model(run_id: str, path: Path) -> None:
    """Log a model file so that `mlflow.pyfunc.load_model` gives it back, with its signature and an input example."""
    import mlflow
    from mlflow.models import infer_signature

    from leftright import models

    predictor = models.Predictor(path)
    example = predictor.example_input()
    with mlflow.start_run(run_id=run_id):
        described = {"signature": infer_signature(example, predictor.predict(example)), "input_example": example}
        _log_pyfunc(path, tags=_lineage_tags(predictor.meta.lineage), **described)


def _log_pyfunc(path: Path, **described: Any) -> Any:
    """Log a model file to the active run. described : its signature and an example, where they are known."""
    import mlflow

    return mlflow.pyfunc.log_model(
        name="model",
        python_model=_pyfunc_model(),
        artifacts={"model": str(path)},
        # Named, since MLflow would otherwise load the model in a new process to find out, which takes longer than all else.
        pip_requirements=[f"leftright[pretrain]=={__version__}"],
        **described,
    )


def _lineage_tags(known: lineage.Lineage) -> dict[str, str]:
    return {f"leftright.{name}": text for name, text in asdict(known).items() if text}


def _pyfunc_model() -> Any:
    """The MLflow wrapper of a model file; its class is made here, since mlflow is not imported before it is needed."""
    import mlflow

    class FlipModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
        """Serves a model file: a dict of `waveform` and `frames` in, logits out."""

        def load_context(self, context: Any) -> None:
            from leftright import models

            self.predictor = models.Predictor(Path(context.artifacts["model"]))

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return self.predictor.predict(model_input)

    return FlipModel()


@contextmanager
def required_store() -> Iterator[Any]:
    """The client of the store that `MLFLOW_TRACKING_URI` names, for what may not go untracked.

    Raises InputError, in one line, where no store is named or it fails inside: a file in a task's own container would be gone
    with the container.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    if not os.environ.get("MLFLOW_TRACKING_URI"):
        raise InputError("MLFLOW_TRACKING_URI: not set; name the server (or sqlite:///file) that holds the registry")
    _hush()
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        mlflow.set_tracking_uri(tracking_uri())
        yield mlflow.MlflowClient()
    except (MlflowException, OSError) as error:
        what = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"MLFLOW_TRACKING_URI {tracking_uri()}: {what}") from error


def create_run(client: Any, name: str) -> str:
    """A run of its own in the experiment. Returns its id."""
    return str(client.create_run(experiment_id(), run_name=name).info.run_id)


def experiment_id() -> str:
    """The experiment that runs belong to, made where it is missing."""
    import mlflow

    return _experiment(mlflow)


def register_model(run_id: str, path: Path, name: str, tags: Mapping[str, str]) -> int:
    """Log a model file to a run, as the next version of the registered model `name`. Returns the version's number.

    Needs no torch: the model is not opened, so that it is logged without signature and example.
    """
    import mlflow

    with mlflow.start_run(run_id=run_id):
        logged = _log_pyfunc(path)
    return int(mlflow.register_model(logged.model_uri, name, tags=dict(tags)).version)


def fetch_model(uri: str, path: Path) -> None:
    """Write the model file of a model that was logged here to `path`. Raises InputError where `uri` holds none."""
    import mlflow

    with TemporaryDirectory() as folder:
        whole = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        if not (files := sorted(whole.glob("artifacts/*.pt"))):
            raise InputError(f"{uri}: holds no model file; was it registered by another program?")
        with replace_file(path) as temporary:
            shutil.copyfile(files[0], temporary)


def tracking_uri() -> str:
    """The store: `MLFLOW_TRACKING_URI`, else a SQLite file in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlflow.db'}"


def _hush() -> None:
    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _experiment(mlflow: Any) -> str:
    if given := os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return given
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    artifacts = None if os.environ.get("MLFLOW_TRACKING_URI") else (Path.cwd() / "mlartifacts").as_uri()
    return str(mlflow.create_experiment(name, artifact_location=artifacts))


def _parent(client: Any, experiment: str, tags: Mapping[str, str]) -> str:
    chain = tags["leftright.chain"]
    found = client.search_runs([experiment], f"tags.`leftright.chain` = '{chain}' and tags.`leftright.stage` = 'chain'")
    if found:
        return str(found[0].info.run_id)
    name = os.environ.get("DVC_EXP_NAME") or f"chain-{chain[:8]}"
    run = client.create_run(experiment, run_name=name, tags={**tags, "leftright.stage": "chain"})
    return str(run.info.run_id)


def _tags(stage: str) -> dict[str, str]:
    commit = _command_output("git", "rev-parse", "HEAD")
    params = _digest(Path("params.yaml"))
    experiment = os.environ.get("DVC_EXP_NAME", "")
    kfp_run = lineage.kfp_run()
    # In a pipeline's containers there is neither git nor params.yaml: its run tells its chain from the next one's.
    chain_of = (commit, params, experiment, kfp_run) if kfp_run else (commit, params, experiment)
    chain = hashlib.sha256("\n".join(chain_of).encode()).hexdigest()[:16]
    tags = {
        "leftright.stage": stage,
        "leftright.chain": chain,
        "leftright.params": params,
        "leftright.dvc_exp": experiment,
        "leftright.kfp_run": kfp_run,
    }
    return {**tags, "leftright.dvc_lock": _digest(Path("dvc.lock")), "mlflow.source.git.commit": commit}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "none"


def _command_output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
