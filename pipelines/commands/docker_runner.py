"""KFP's local runner, made to tell the truth: a task succeeded if its container's exit status was 0, and only then.

kfp 2.17 lets Docker remove the container as it ends, and takes one that is gone before it was asked for one that exited with 0:
of failing containers a few in a hundred pass as successes. Here a container stays until its status has been read.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.types import Mount
from kfp import local
from kfp.local import docker_task_handler

from leftright.errors import InputError

CACHE = ".cache"
HANDED_ON = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "LEFTRIGHT_WEBHOOK_URL")
"""Variables that the tasks get from the shell, where they are set there."""


def use(root: Path, *, cache: bool, mounts: list[Path], network: str) -> None:
    """Make kfp run pipelines in containers, and keep what they write under `root`.

    cache : whether a task's former result on the same inputs stands for it. mounts : what tasks may read beside it, under the
    same path. network : Docker's network of the containers; "" for its default. Raises InputError where no Docker answers.
    """
    root.mkdir(parents=True, exist_ok=True)
    _check_engine()
    docker_task_handler.run_docker_container = run_container
    settings: dict[str, Any] = {
        # What tasks write belongs to whoever started them.
        "user": f"{os.getuid()}:{os.getgid()}",
        "environment": {name: os.environ[name] for name in HANDED_ON if os.environ.get(name)},
        "mounts": [Mount(str(path), str(path), type="bind", read_only=True) for path in mounts],
    }
    if network:
        settings["network"] = network
    local.init(
        local.DockerRunner(**settings),
        pipeline_root=str(root),
        enable_caching=cache,
        cache_root=str(root / CACHE),
    )


def _check_engine() -> None:
    try:
        docker.from_env().ping()
    except DockerException as error:
        where = os.environ.get("DOCKER_HOST", "the default socket")
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"no Docker engine answers at {where} ({reason}); start one, or set DOCKER_HOST") from None


def run_container(
    client: docker.DockerClient, image: str, command: list[str], volumes: Mapping[str, Any], **options: Any
) -> int:
    """Run `command` in `image`, pass its log on, and return its exit status. Raises InputError for an image that is missing."""
    # As on Kubernetes, the command replaces what the image would run.
    with _started(client, image, command, volumes=dict(volumes), entrypoint=[], **options) as container:
        for chunk in container.logs(stream=True, follow=True):
            sys.stdout.write(chunk.decode(errors="replace"))
            sys.stdout.flush()
        return int(container.wait()["StatusCode"])


@contextmanager
def _started(client: docker.DockerClient, image: str, command: list[str], **options: Any) -> Iterator[Any]:
    """A running container, removed on leaving, also by Ctrl-C."""
    try:
        container = client.containers.create(image, command, detach=True, **options)
    except ImageNotFound:
        raise InputError(f"{image}: no such image here; `make images` builds it, or set LEFTRIGHT_REGISTRY") from None
    try:
        try:
            container.start()
        except APIError as error:
            raise InputError(f"{image}: cannot be started: {error.explanation}") from None
        yield container
    finally:
        container.remove(force=True)
