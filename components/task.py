"""The command line of a task, from the arguments of its component.

A component hands its `locals()` over: each argument is a placeholder that the backend fills in before the container starts.
"""

import json
import os
from collections.abc import Collection, Mapping
from importlib.metadata import version
from typing import Any

from kfp import dsl
from kfp.dsl.container_component_artifact_channel import ContainerComponentArtifactChannel
from kfp.dsl.placeholders import InputListOfArtifactsPlaceholder

REGISTRY = "LEFTRIGHT_REGISTRY"
"""The environment variable that says, when a pipeline is compiled, where its images lie."""

EXECUTOR_INPUT = "{{$}}"


def image(name: str) -> str:
    """The image of a stage, or of the pipelines' own steps: `<registry>/leftright-<name>:<version of the package>`."""
    return f"{os.environ.get(REGISTRY, 'localhost').rstrip('/')}/leftright-{name}:{version('leftright')}"


def stage(
    name: str, arguments: Mapping[str, Any], left_out: Collection[str] = (), image_of: str | None = None
) -> dsl.ContainerSpec:
    """The container that runs `leftright NAME` with the component's `arguments` as flags.

    image_of : whose image it runs in, for a command that is no stage and has none of its own.
    left_out : artifacts that get no flag, since the stage finds them in its executor input: inputs that may be absent, metrics
    of other stages, and pages. Lists of artifacts never get one: no placeholder can spell their paths.
    """
    words = _words(arguments, left_out)
    return dsl.ContainerSpec(image=image(image_of or name), command=["leftright", name], args=words)


def step(name: str, arguments: Mapping[str, Any], left_out: Collection[str] = ()) -> dsl.ContainerSpec:
    """The container that runs one of the pipelines' own steps: what moves data and models and is no stage."""
    command = ["python", "-m", "pipelines.steps", name]
    return dsl.ContainerSpec(image=image("steps"), command=command, args=_words(arguments, left_out))


def flags_as_json(arguments: Mapping[str, Any]) -> str:
    """Parameters as one JSON list of flags and values, for a step that hands them on.

    None may be a list: the backend writes it as JSON, whose quotes would end the text around it.
    """
    return json.dumps([word for name, value in arguments.items() for word in (f"--{name}", str(value))])


def _words(arguments: Mapping[str, Any], left_out: Collection[str]) -> list[Any]:
    given = {name: argument for name, argument in arguments.items() if name not in left_out}
    flags = [word for name, argument in given.items() for word in _flag(name, argument)]
    return [*flags, "--executor-input", EXECUTOR_INPUT]


def _flag(name: str, argument: Any) -> tuple[Any, ...]:
    if isinstance(argument, InputListOfArtifactsPlaceholder):
        return ()
    return f"--{name}", argument.path if isinstance(argument, ContainerComponentArtifactChannel) else argument
