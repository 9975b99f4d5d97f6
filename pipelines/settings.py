"""What tasks ask of the cluster: resources, retries, timeouts, caching, fan-out. None of it is in a component.

The file is `pipelines/resources/default.yaml`, or the one that LEFTRIGHT_RESOURCES names when a pipeline is compiled.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml
from kfp import kubernetes
from kfp.dsl import PipelineTask

from leftright.errors import InputError

VARIABLE = "LEFTRIGHT_RESOURCES"
DEFAULT = Path(__file__).with_name("resources") / "default.yaml"
GPU = "nvidia.com/gpu"
SHARED_MEMORY = "/dev/shm"
WORK = "/work"
_TOLERATION = {"key", "operator", "value", "effect", "toleration_seconds"}


@dataclass(frozen=True)
class FanOut:
    """Into how many parts a stage is cut, and how many of them run at once."""

    parts: int
    parallelism: int

    @property
    def items(self) -> list[str]:
        """The parts as the stages' `--part` takes them."""
        return [f"{index}/{self.parts}" for index in range(self.parts)]


@dataclass(frozen=True)
class Needs:
    """What one task asks for.

    cpu, memory, shared_memory : Kubernetes quantities, requested and also the limit of memory; "" for no shared memory beyond
    the default. gpus : several make the stage run under torchrun. retries : with pauses that grow from `backoff_s` seconds by
    `backoff_factor` to `backoff_max_s`. timeout_s : seconds after which the task is stopped. cache : whether a former result on
    the same inputs may stand for it. tolerations : as Kubernetes has them. environment : variables. secrets, config_maps : by
    the object's name, which of its keys becomes which variable; a config map may be missing, a secret may not. work : a volume
    claim on which half-done work outlives the pod, so that another try goes on there; "" for none.
    """

    cpu: str
    memory: str
    gpus: int
    shared_memory: str
    retries: int
    backoff_s: int
    backoff_factor: float
    backoff_max_s: int
    timeout_s: int
    cache: bool
    node_selector: Mapping[str, str] = field(hash=False)
    tolerations: tuple[Mapping[str, Any], ...] = field(hash=False)
    environment: Mapping[str, str] = field(hash=False)
    secrets: Mapping[str, Mapping[str, str]] = field(hash=False)
    config_maps: Mapping[str, Mapping[str, str]] = field(hash=False)
    work: str


@dataclass(frozen=True)
class Nodes:
    """Training on several nodes, as a TrainJob.

    count : 1 for none of that. claim, mount : a volume that all nodes mount, and where. runtime : the ClusterTrainingRuntime.
    """

    count: int
    claim: str
    mount: str
    runtime: str


@dataclass(frozen=True)
class Settings:
    """A resources file.

    fan_out : by stage. nodes : of pretrain. every : what holds for each task. tasks : what differs, by the task's name.
    """

    fan_out: Mapping[str, FanOut]
    nodes: Nodes
    every: Needs
    tasks: Mapping[str, Needs]

    def dress(self, task: PipelineTask, name: str) -> PipelineTask:
        """Give a task what the settings say of `name`."""
        needs = self.tasks.get(name, self.every)
        task.set_cpu_request(needs.cpu).set_memory_request(needs.memory).set_memory_limit(needs.memory)
        task.set_caching_options(needs.cache)
        if needs.retries:
            task.set_retry(needs.retries, f"{needs.backoff_s}s", needs.backoff_factor, f"{needs.backoff_max_s}s")
        for variable, value in needs.environment.items():
            task.set_env_variable(variable, value)
        _on_gpus(task, needs.gpus)
        _on_kubernetes(task, needs)
        return task


def _on_gpus(task: PipelineTask, count: int) -> None:
    if count:
        task.set_accelerator_type(GPU).set_accelerator_limit(count)
    if count > 1:
        task.set_env_variable("LEFTRIGHT_PROCESSES", str(count))


def _on_kubernetes(task: PipelineTask, needs: Needs) -> None:
    kubernetes.set_timeout(task, needs.timeout_s)
    if needs.shared_memory:
        # Data loaders pass batches through shared memory, of which a container has 64 MB unless told otherwise.
        size = needs.shared_memory
        kubernetes.empty_dir_mount(task, "shared-memory", SHARED_MEMORY, medium="Memory", size_limit=size)
    if needs.work:
        kubernetes.mount_pvc(task, needs.work, WORK)
        task.set_env_variable("LEFTRIGHT_WORK", WORK)
    for key, value in needs.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for toleration in needs.tolerations:
        kubernetes.add_toleration(task, **toleration)
    for secret, variables in needs.secrets.items():
        kubernetes.use_secret_as_env(task, secret, dict(variables))
    for config_map, variables in needs.config_maps.items():
        kubernetes.use_config_map_as_env(task, config_map, dict(variables), optional=True)


def read(path: Path | None = None) -> Settings:
    """Read a resources file. Raises InputError, in one line, for one that is missing or says what cannot be."""
    path = path or Path(os.environ.get(VARIABLE, DEFAULT))
    try:
        document = yaml.safe_load(path.read_text())
        every = Needs(**_needs(document["every"]))
        return Settings(
            {stage: FanOut(**parts) for stage, parts in document["fan_out"].items()},
            Nodes(**document["nodes"]),
            every,
            {name: Needs(**_needs({**document["every"], **needs})) for name, needs in document["tasks"].items()},
        )
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {VARIABLE} names a file such as {DEFAULT}") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); compare it with {DEFAULT}") from None


def _needs(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with their types checked: YAML makes a number of an unquoted `2`. Raises ValueError or KeyError."""
    kinds = {entry.name: entry.type for entry in fields(Needs)}
    for name, value in values.items():
        kind = kinds[name]
        if isinstance(kind, type) and not isinstance(value, (int, float) if kind is float else kind):
            raise ValueError(
                f"{name} is {value!r}, and must be of type {kind.__name__}; quote a text that looks like a number"
            )
    for toleration in values["tolerations"]:
        if unknown := set(toleration) - _TOLERATION:
            raise ValueError(f"a toleration has no `{unknown.pop()}`")
    return {**values, "tolerations": tuple(values["tolerations"])}
