"""Runs a component as a backend would: from its YAML alone, with placeholders filled in by kfp's own code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp import compiler, components, dsl
from kfp.local import executor_input_utils, placeholder_utils
from kfp.pipeline_spec import pipeline_spec_pb2

from leftright import cli
from pipelines.steps.__main__ import execute


@dataclass(frozen=True)
class Finished:
    """A task that has run. root : where its outputs lie, by name. executor_output : what it told the backend."""

    root: Path
    executor_output: dict[str, Any]

    def text(self, name: str) -> str:
        return (self.root / name).read_text()

    def numbers(self) -> dict[str, float]:
        (metrics,) = self.executor_output["artifacts"]["metrics"]["artifacts"]
        return metrics["metadata"]


def compiled(component: Any, folder: Path) -> pipeline_spec_pb2.PipelineSpec:
    """The component's specification, written as YAML and read back from that file."""
    path = folder / f"{component.name}.yaml"
    compiler.Compiler().compile(component, str(path))
    return components.load_component_from_file(str(path)).component_spec.to_pipeline_spec()


def command(spec: pipeline_spec_pb2.PipelineSpec, executor_input: dict[str, Any], root: Path) -> list[str]:
    (executor,) = spec.deployment_spec["executors"].values()
    container = executor["container"]
    return placeholder_utils.replace_placeholders(
        [*container["command"], *container["args"]], executor_input, "pipeline", "task", str(root), "run-1"
    )


def run(component: Any, root: Path, **arguments: Any) -> Finished:
    """Run a component in this process. arguments : parameters as they are, input artifacts as paths or lists of paths."""
    root.mkdir(parents=True)
    spec = compiled(component, root)
    (described,) = spec.components.values()
    given = {name: _artifact(name, value) for name, value in arguments.items()}
    message = executor_input_utils.construct_executor_input(described, given, str(root), block_input_artifact=False)
    words = command(spec, executor_input_utils.executor_input_to_dict(message, described), root)
    if words[0] == "leftright":
        cli.execute(words[1], words[2:])
    else:
        assert words[:3] == ["python", "-m", "pipelines.steps"]
        execute(words[3], words[4:])
    output = Path(message.outputs.output_file).read_text()
    return Finished(root, json_format.MessageToDict(json_format.Parse(output, pipeline_spec_pb2.ExecutorOutput())))


def _artifact(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_artifact(name, item) for item in value]
    return dsl.Dataset(name=name, uri=str(value)) if isinstance(value, Path) else value
