"""The components of the pipelines' own steps: the command that each compiles to parses into the flags of its step."""

import importlib
import json
import re
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.dsl import HTML, Dataset, Model, Output

from components import task
from components.fetch.component import fetch
from components.publish.component import publish
from leftright import arguments, executor

ROOT = Path(__file__).parents[2]
COMPONENTS = {"fetch": fetch, "publish": publish}
# Inputs that no placeholder may spell, since they may be absent: a task finds them in its executor input.
FOUND = {
    "fetch": set(),
    "publish": {"clips", "filtered", "packed", "curated", "models", "localized", "finetuned", "evaluated360", "report"},
}
_PARAMETER = re.compile(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}")
_OUTPUT = re.compile(r"\{\{\$\.outputs\.(?:artifacts|parameters)\['(\w+)'\]\.\w+\}\}")


def specification(step: str) -> dict[str, Any]:
    return json_format.MessageToDict(COMPONENTS[step].pipeline_spec)


def words(step: str) -> list[str]:
    """The compiled arguments of the step, its placeholders filled in by their names."""
    container = specification(step)["deploymentSpec"]["executors"][f"exec-{step}"]["container"]
    assert container["command"] == ["python", "-m", "pipelines.steps", step]
    assert container["image"] == task.image("steps")
    assert container["args"][-2:] == ["--executor-input", "{{$}}"]
    return [_OUTPUT.sub(r"/out/\1", _PARAMETER.sub(r"\1 of the task", word)) for word in container["args"][:-2]]


@pytest.mark.parametrize("step", COMPONENTS)
def test_the_compiled_command_parses(step: str) -> None:
    run = importlib.import_module(f"pipelines.steps.{step}").run
    given = arguments.parse(run, words(step), step, "")
    spelt = {name: value for name, value in given.items() if name not in FOUND[step]}
    for name, value in spelt.items():
        assert str(value) in (f"{name} of the task", f"/out/{name}")
    assert set(given) == set(signature(run).parameters)


@pytest.mark.parametrize("step", COMPONENTS)
def test_every_flag_of_the_step_is_an_argument_of_its_component(step: str) -> None:
    run = importlib.import_module(f"pipelines.steps.{step}").run
    definitions = specification(step)["components"][f"comp-{step}"]
    names = {
        name
        for side in ("inputDefinitions", "outputDefinitions")
        for kind in definitions.get(side, {}).values()
        for name in kind
    }
    assert names == set(signature(run).parameters)


@pytest.mark.parametrize("step", COMPONENTS)
def test_defaults_are_the_same(step: str) -> None:
    run = importlib.import_module(f"pipelines.steps.{step}").run
    parameters = specification(step)["components"][f"comp-{step}"]["inputDefinitions"]["parameters"]
    for name, definition in parameters.items():
        default = signature(run).parameters[name].default
        assert definition.get("defaultValue", signature(run).parameters[name].empty) == default, name


@pytest.mark.parametrize("step", COMPONENTS)
def test_a_component_explains_itself(step: str) -> None:
    text = (ROOT / "components" / step / "README.md").read_text()
    definitions = specification(step)["components"][f"comp-{step}"]
    for side in ("inputDefinitions", "outputDefinitions"):
        for kind in definitions[side].values():
            for name in kind:
                assert f"`{name}`" in text, name


def test_what_may_be_absent_is_found_in_the_executor_input() -> None:
    parts = [{"name": "out", "uri": f"/local/clips-{number}"} for number in range(2)]
    inputs = {"clips": {"artifacts": parts}, "curated": {"artifacts": [{"name": "out", "uri": "/local/curated"}]}}
    text = json.dumps({"inputs": {"artifacts": inputs}, "outputs": {"outputFile": "/local/output.json"}})
    run = importlib.import_module("pipelines.steps.publish").run
    given = arguments.parse(run, executor.take([*words("publish"), "--executor-input", text])[0], "publish", "")
    assert given["clips"] == (Path("/local/clips-0"), Path("/local/clips-1"))
    assert given["curated"] == Path("/local/curated")
    assert (given["models"], given["report"]) == ((), None)


@dsl.container_component
def part(index: int, out: Output[Dataset]) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image="example.org/part", command=["part"])


@dsl.container_component
def train(data_rev: str, kfp_run: str, out: Output[Model], page: Output[HTML]) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image="example.org/train", command=["train"])


def test_both_stand_in_a_pipeline_with_a_fan_in(tmp_path: Path) -> None:
    """Any kind of artifact may be published, and the fetched revision and the run reach the other tasks."""

    @dsl.pipeline
    def example(repo: str, data_rev: str = "main") -> None:
        data = fetch(repo=repo, rev=data_rev, path="data/videos")
        with dsl.ParallelFor([0, 1]) as index:
            parts = part(index=index)
        rev, run = data.outputs["resolved_rev"], dsl.PIPELINE_JOB_ID_PLACEHOLDER
        trained = train(data_rev=rev, kfp_run=run)
        publish(
            repo=repo,
            clips=dsl.Collected(parts.outputs["out"]),
            localized=trained.outputs["out"],
            report=trained.outputs["page"],
            kfp_run=run,
            data_rev=rev,
        )

    compiler.Compiler().compile(example, str(tmp_path / "example.yaml"))
    assert "{{$.pipeline_job_uuid}}" in (tmp_path / "example.yaml").read_text()
