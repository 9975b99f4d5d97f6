"""KFP's local runner, made to tell the truth: a task succeeded if its container's exit status was 0, and only then.

kfp 2.17 lets Docker remove the container as it ends, and takes one that is gone before it was asked for one that exited with 0:
of failing containers a few in a hundred pass as successes. Here a container stays until its status has been read.
"""

import contextlib
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.types import Mount
from kfp import local
from kfp.local import docker_task_handler, logging_utils

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
    _tell_plainly()
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


def _tell_plainly() -> None:
    """Each line says which task it is of, since tasks run side by side; of kfp's own log remains what no container says."""
    logging_utils.local_logger_context = contextlib.nullcontext
    logging_utils.indented_print = contextlib.nullcontext
    logging_utils.print_horizontal_line = lambda: None
    logger = logging.getLogger()
    logger.handlers, logger.level = [_Untold()], logging.INFO


class _Untold(logging.Handler):
    """What kfp does without a container."""

    _PATTERNS = (
        (re.compile(r"Task ([\w-]+) cache hit"), "from the cache"),
        (re.compile(r"Skipping task ([\w-]+): upstream"), "left out, since a task before it failed"),
        (re.compile(r"Skipping conditional task ([\w-]+)"), "left out by its condition"),
        (re.compile(r"Task ([\w-]+) failed with exception: (.*)"), "failed: {}"),
    )

    def emit(self, record: logging.LogRecord) -> None:
        """Print the records that matter, in our form."""
        message = re.sub(r"\x1b\[[0-9;]*m", "", record.getMessage())
        for pattern, what in self._PATTERNS:
            if found := pattern.match(message):
                _say(found[1], what.format(*found.groups()[1:]))


_one_at_a_time = threading.Lock()


def _say(task: str, text: str) -> None:
    with _one_at_a_time:
        print(f"{task}: {text}", file=sys.__stdout__, flush=True)


def run_container(
    client: docker.DockerClient, image: str, command: list[str], volumes: Mapping[str, Any], **options: Any
) -> int:
    """Run `command` in `image`, pass its log on, and return its exit status. Raises InputError for an image that is missing."""
    task, begun = _label(command), time.monotonic()
    # As on Kubernetes, the command replaces what the image would run.
    with _started(client, image, command, volumes=dict(volumes), entrypoint=[], **options) as container:
        _say(task, "started")
        for line in _lines(container.logs(stream=True, follow=True)):
            _say(task, line.removeprefix(f"{task.split()[0]}: "))
        status = int(container.wait()["StatusCode"])
    took = f"after {time.monotonic() - begun:.0f} s"
    _say(task, f"succeeded {took}" if status == 0 else f"failed {took}, exit status {status}")
    return status


def _label(command: list[str]) -> str:
    """What to call a task: its stage or step, and its part where it has one."""
    words = [word for word in command if word not in ("leftright", "python", "-m", "pipelines.steps")]
    part = command[command.index("--part") + 1] if "--part" in command else "0/1"
    return words[0] if part == "0/1" else f"{words[0]} {part}"


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a log that comes in pieces."""
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + chunk.decode(errors="replace")).replace("\r", "\n").split("\n")
        yield from filter(str.strip, lines)
    if rest.strip():
        yield rest


@contextlib.contextmanager
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
