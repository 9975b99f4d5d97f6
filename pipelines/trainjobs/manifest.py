"""A TrainJob of Kubeflow Trainer that runs `leftright pretrain` on several nodes, as the document that the API server takes.

Kubeflow Trainer starts one pod a node from its runtime `torch-distributed` and tells each, by the variables PET_*, its rank,
the number of nodes and processes, and where the first one is. torchrun reads those by itself. What the runtime does not have
comes in by `runtimePatches`: the shared volume, memory for the data loaders, and the user who writes.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leftright.errors import InputError

GROUP, VERSION, PLURAL = "trainer.kubeflow.org", "v1alpha1", "trainjobs"
GPU = "nvidia.com/gpu"
TORCHRUN = ("python", "-m", "torch.distributed.run")
ATTEMPT = "leftright.example.org/attempt"
"""The label that tells our TrainJob from one that an earlier attempt left under the same name."""

_NODE = "node"  # what the runtime calls its one replicated job and that job's container
_MANAGER = "leftright.example.org/pretrain"  # whose patches these are; the webhook wants a domain before a slash
_OURS = ("--shards", "--out", "--metrics", "--executor-input")
_LONGEST_NAME = 50  # the pods' names are longer by a suffix, and a label holds 63
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?([EPTGMk]|[EPTGM]i|Ki)?")


@dataclass(frozen=True)
class TrainJob:
    """What one TrainJob is to run, and on what.

    words : what follows `leftright pretrain`, with paths below `mount`, where each node finds the volume claim `claim`.
    environment : variables for the training. owner : name and uid of the pod with which the TrainJob shall go.
    """

    name: str
    image: str
    words: tuple[str, ...]
    num_nodes: int
    gpus_per_node: int
    cpus_per_node: int
    memory_per_node: str
    claim: str
    mount: Path
    runtime: str
    deadline_s: int
    attempt: str
    user: int
    group: int
    environment: Mapping[str, str] = field(default_factory=dict)
    owner: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        for name, least in (("num_nodes", 1), ("gpus_per_node", 0), ("cpus_per_node", 1), ("deadline_s", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} {getattr(self, name)}: must be at least {least}")
        if not _QUANTITY.fullmatch(self.memory_per_node):
            raise InputError(f"memory_per_node {self.memory_per_node!r}: write it as Kubernetes does, such as 64Gi")
        if not self.image:
            raise InputError("image: name the image of pretrain")


def name_of(run_name: str) -> str:
    """A name for the TrainJob of a run: lower-case letters, digits and hyphens, as DNS wants it.

    Raises InputError for a name that has no letter and no digit.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", run_name.lower()).strip("-")
    if not plain:
        raise InputError(f"run_name {run_name!r}: needs a letter or a digit")
    name = f"leftright-{plain}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9].rstrip('-')}-{hashlib.sha256(run_name.encode()).hexdigest()[:8]}"


def check_words(words: tuple[str, ...]) -> None:
    """Raises InputError for words that say where data lies: on the nodes it lies elsewhere, and this step knows where."""
    for word in words:
        if word.partition("=")[0] in _OURS:
            raise InputError(f"command: leave {word} out; the step sets it to a path on the shared volume")


def manifest(job: TrainJob) -> dict[str, Any]:
    """The TrainJob as a document."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainJob",
        "metadata": _metadata(job),
        "spec": {
            "runtimeRef": {"apiGroup": GROUP, "kind": "ClusterTrainingRuntime", "name": job.runtime},
            "activeDeadlineSeconds": job.deadline_s,
            "trainer": {
                "image": job.image,
                "command": [*TORCHRUN, "-m", "leftright", "pretrain"],
                "args": list(job.words),
                "env": [{"name": name, "value": value} for name, value in sorted(job.environment.items())],
                "numNodes": job.num_nodes,
                "numProcPerNode": max(1, job.gpus_per_node),
                "resourcesPerNode": _resources(job),
            },
            "runtimePatches": [_patch(job)],
        },
    }


def _metadata(job: TrainJob) -> dict[str, Any]:
    labels = {"app.kubernetes.io/part-of": "leftright", ATTEMPT: job.attempt}
    metadata: dict[str, Any] = {"name": job.name, "labels": labels}
    if job.owner is not None:
        # The cluster removes the TrainJob with the task's pod, should this process be killed before it can.
        name, uid = job.owner
        metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}]
    return metadata


def _resources(job: TrainJob) -> dict[str, Any]:
    wanted = {"cpu": str(job.cpus_per_node), "memory": job.memory_per_node}
    limits = {"memory": job.memory_per_node}
    if job.gpus_per_node:
        limits[GPU] = wanted[GPU] = str(job.gpus_per_node)
    return {"requests": wanted, "limits": limits}


def _patch(job: TrainJob) -> dict[str, Any]:
    pod = {
        # A sidecar of Istio would go on after the training, and stand between the nodes.
        "metadata": {"labels": {"sidecar.istio.io/inject": "false"}},
        "spec": {
            # Whoever copies the shards in and the model out is the one who trains: neither locks the other out.
            "securityContext": {
                "runAsUser": job.user,
                "runAsGroup": job.group,
                "fsGroup": job.group,
                "runAsNonRoot": job.user != 0,
            },
            "volumes": [
                {"name": "shared", "persistentVolumeClaim": {"claimName": job.claim}},
                {"name": "shared-memory", "emptyDir": {"medium": "Memory"}},
            ],
            "containers": [
                {
                    "name": _NODE,
                    "volumeMounts": [
                        {"name": "shared", "mountPath": str(job.mount)},
                        {"name": "shared-memory", "mountPath": "/dev/shm"},
                    ],
                }
            ],
        },
    }
    nodes = {"name": _NODE, "template": {"spec": {"template": pod}}}
    return {"manager": _MANAGER, "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [nodes]}}}}
