"""Train on several nodes: run `pretrain` as a TrainJob of Kubeflow Trainer, and stay until it ends.

The shards go from this task to a volume that all nodes mount, and the model comes back that way: Kubeflow Pipelines gives a
task's artifacts to the task's own pod alone. The folder on the volume bears the run's name and is removed at the end.
docs/deploy.md says what the cluster needs.
"""

import logging
import os
import shutil
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from leftright import files, results
from leftright.errors import InputError
from leftright.results import Value
from pipelines.trainjobs.client import LostError, TrainJobs
from pipelines.trainjobs.manifest import TrainJob, check_words, manifest, name_of

_log = logging.getLogger(__name__)

# Not among them: tokens and passwords, which a manifest must not hold.
_TRACKING = (
    "LEFTRIGHT_TRACKING",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_RUN_ID",
)


def run(
    *,
    image: str,
    run_name: str,
    num_nodes: int,
    gpus_per_node: int,
    cpus_per_node: int,
    memory_per_node: str,
    command: tuple[str, ...],
    shards: tuple[Path, ...],
    out: Path,
    metrics: Path,
    claim: str,
    mount: Path,
    deadline_s: int,
    tasks: tuple[str, ...] = (),
    runtime: str = "torch-distributed",
) -> Mapping[str, Value]:
    """Train on several nodes; writes what `pretrain` writes to `out`, and the metrics file. Returns the numbers.

    image : of pretrain. run_name : of this task in this run, and no other's; the TrainJob and the folder on the volume are
    named by it. num_nodes : machines. gpus_per_node : processes on each, one a GPU; 0 trains on CPUs, one process a machine.
    cpus_per_node, memory_per_node : what a node asks for, such as 64Gi, beyond which it is killed. command : the flags of
    `leftright pretrain` but for its paths, as a JSON list of words. shards : directories that pack wrote. out, metrics :
    where the models and the numbers go. claim, mount : volume claim that all nodes mount, and where each node and this task
    have it. deadline_s : seconds after which the cluster ends the training. tasks : of `leftright pretrain`, where `command`
    does not have them: a component cannot write a list within its JSON. runtime : ClusterTrainingRuntime to start from.
    """
    check_words(command)
    if not mount.is_dir():
        raise InputError(f"{mount}: no such folder; mount the claim {claim} there, in this task too")
    name = name_of(run_name)
    folder = mount / name
    job = TrainJob(
        name=name,
        image=image,
        words=(*command, *_tasks(tasks), *_paths(folder, len(shards))),
        num_nodes=num_nodes,
        gpus_per_node=gpus_per_node,
        cpus_per_node=cpus_per_node,
        memory_per_node=memory_per_node,
        claim=claim,
        mount=mount,
        runtime=runtime,
        deadline_s=deadline_s,
        attempt=uuid.uuid4().hex,
        user=os.getuid(),
        group=os.getgid(),
        environment={key: os.environ[key] for key in _TRACKING if key in os.environ},
        owner=_own_pod(),
    )
    jobs = TrainJobs()
    with _termination_raises():
        _train(jobs, job, folder, shards)
        try:
            _take_out(folder, out, metrics)
        finally:
            shutil.rmtree(folder)
    return results.read(metrics)


def _train(jobs: TrainJobs, job: TrainJob, folder: Path, shards: tuple[Path, ...]) -> None:
    """Leaves the trained model in `folder` and no TrainJob; on any error and on SIGTERM leaves neither."""
    try:
        # An earlier attempt that was killed may be training into this very folder.
        jobs.delete(job.name)
        _bring_in(folder, shards)
        jobs.create(manifest(job))
        _follow(jobs, job.name)
    except LostError as error:
        raise InputError(
            f"{error}; TrainJob {job.name} may go on and uses {folder}; the next attempt clears both"
        ) from None
    except BaseException:
        _clear(jobs, job.name)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _clear(jobs, job.name)  # only warns: a model that is there is worth more than a TrainJob that stays


def _follow(jobs: TrainJobs, name: str) -> None:
    try:
        jobs.follow(name)
    except LostError:
        raise
    except InputError:
        jobs.log_pods(name)
        raise
    jobs.log_pods(name)


def _clear(jobs: TrainJobs, name: str) -> None:
    try:
        jobs.delete(name)
    except InputError as error:
        _log.warning("TrainJob %s could not be deleted: %s", name, error)


def _tasks(tasks: tuple[str, ...]) -> tuple[str, ...]:
    return ("--tasks", *tasks) if tasks else ()


def _paths(folder: Path, num_shards: int) -> list[str]:
    shards = [str(folder / f"shards-{index}") for index in range(num_shards)]
    return ["--shards", *shards, "--out", str(folder / "out"), "--metrics", str(folder / "metrics.json")]


def _bring_in(folder: Path, shards: tuple[Path, ...]) -> None:
    for directory in shards:
        if not directory.is_dir():
            raise InputError(f"{directory}: no such directory of shards")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; let user {os.getuid()} write to the volume") from None
    for index, directory in enumerate(shards):
        shutil.copytree(directory, folder / f"shards-{index}")


def _take_out(folder: Path, out: Path, metrics: Path) -> None:
    for wanted in (folder / "out", folder / "metrics.json"):
        if not wanted.exists():
            raise InputError(
                f"{wanted}: the training wrote none, though it succeeded; is {folder.parent} the same volume there?"
            )
    with files.replace_directory(out) as directory:
        shutil.copytree(folder / "out", directory, dirs_exist_ok=True)
    with files.replace_file(metrics) as temporary:
        shutil.copyfile(folder / "metrics.json", temporary)


def _own_pod() -> tuple[str, str] | None:
    """Name and uid of the pod that this task runs in, as Kubeflow Pipelines tells them."""
    name, uid = os.environ.get("KFP_POD_NAME"), os.environ.get("KFP_POD_UID")
    return (name, uid) if name and uid else None


@contextmanager
def _termination_raises() -> Iterator[None]:
    """SIGTERM raises SystemExit inside, so that what was started is taken back; a second one changes nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
