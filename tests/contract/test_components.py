"""Every stage is a component whose signature is the stage's configuration, and whose command line the stage understands."""

import ast
import importlib
import inspect
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, components
from kfp.local import executor_input_utils
from kfp.pipeline_spec import pipeline_spec_pb2

from components.task import image
from leftright import arguments, executor, lineage
from leftright.stages import STAGES
from pipelines.steps import STEPS, trainjob
from tests import compiled_task
from tests.contract import readme_tables
from tests.contract.test_commands import plain
from tests.contract.test_names import ROOT

TOOLS = ("compare",)
"""Components of commands that are neither a stage nor a step."""


LINEAGE = {"data_rev"}
"""What a model carries and no stage computes with; see `leftright.lineage`."""


def component_of(name: str) -> Any:
    return getattr(importlib.import_module(f"components.{name}.component"), name)


def module_of(stage: str) -> Any:
    return importlib.import_module(f"leftright.stages.{stage}")


def plain_type(kind: Any) -> Any:
    """How a pipeline has a parameter's type: a choice is a text, a tuple a list."""
    if get_origin(kind) is Literal:
        return str
    return list[get_args(kind)[0]] if get_origin(kind) is tuple else kind


def test_every_folder_is_a_stage_or_a_step() -> None:
    folders = {path.parent.name for path in (ROOT / "components").glob("*/component.py")}
    assert folders == {*STAGES, *STEPS, *TOOLS}


@pytest.mark.parametrize("path", sorted((ROOT / "components").rglob("*.py")), ids=lambda path: path.parent.name)
def test_a_component_knows_its_stage_by_the_command_line_alone(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {entry.name for node in nodes if isinstance(node, ast.Import) for entry in node.names}
    packages = {str(name).split(".")[0] for name in imported}
    assert not packages & {"leftright", "pipelines", "mlflow", "torch", "dvc"}


@pytest.mark.parametrize("stage", STAGES)
def test_the_parameters_are_those_of_the_configuration(stage: str) -> None:
    signature = inspect.signature(component_of(stage).pipeline_func).parameters
    config = module_of(stage).Config
    hints = get_type_hints(config)
    expected = {field.name: plain_type(hints[field.name]) for field in fields(config)}
    given = {name: each for name, each in signature.items() if name in expected}
    assert {name: each.annotation for name, each in given.items()} == expected
    assert all(each.default is inspect.Parameter.empty for each in given.values()), "values live in params.yaml alone"


@pytest.mark.parametrize("stage", STAGES)
def test_the_component_takes_what_the_stage_takes(stage: str) -> None:
    """Nothing else goes in, but metrics under a stage's name; each artifact is a flag of the stage."""
    component = component_of(stage)
    flags = inspect.signature(module_of(stage).run).parameters
    config = {field.name for field in fields(module_of(stage).Config)}
    inputs = set(component.component_spec.inputs) - config - LINEAGE
    assert {name for name in inputs if not name.endswith("_metrics")} <= set(flags)
    assert set(component.component_spec.outputs) - {"page"} == {"out", "metrics"}


@pytest.mark.parametrize("stage", STAGES)
def test_the_image_is_the_stages_own_of_this_version(stage: str, tmp_path: Path) -> None:
    (executor_spec,) = compiled_task.compiled(component_of(stage), tmp_path).deployment_spec["executors"].values()
    assert executor_spec["container"]["image"] == image(stage)
    assert executor_spec["container"]["command"] == ["leftright", stage]


@pytest.mark.parametrize("stage", STAGES)
def test_the_compiled_command_gives_back_the_params(stage: str, tmp_path: Path) -> None:
    """From the YAML alone: what a backend makes of it parses into the params section."""
    section = yaml.safe_load((ROOT / "params.yaml").read_text())[stage]
    given = parsed(stage, tmp_path, section)
    assert plain(asdict(given["config"])) == plain(section)
    assert given["out"] == tmp_path / "out"
    assert given["metrics"] == tmp_path / "metrics"


def parsed(stage: str, root: Path, section: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments that the stage's `run` gets from the compiled component; each input artifact lies in /in."""
    spec = compiled_task.compiled(component_of(stage), root)
    (described,) = spec.components.values()
    values: dict[str, Any] = dict(section)
    for name, artifact in described.input_definitions.artifacts.items():
        path = Path("/in") / name
        values[name] = [path / "0", path / "1"] if artifact.is_artifact_list else path
    described_values = {
        name: compiled_task._artifact(name, value) for name, value in values.items() if name not in section
    }
    message = executor_input_utils.construct_executor_input(
        described, {**section, **described_values}, str(root), block_input_artifact=False
    )
    words = compiled_task.command(spec, executor_input_utils.executor_input_to_dict(message, described), root)
    module = module_of(stage)
    words, _ = lineage.take(words[2:])
    words, _ = executor.take(words, inspect.signature(module.run).parameters)
    return arguments.parse(module.run, words, stage, "")


def test_several_nodes_train_with_the_same_flags(tmp_path: Path) -> None:
    """What the TrainJob's nodes are told parses into the same configuration, and the model's lineage goes with it."""
    section = yaml.safe_load((ROOT / "params.yaml").read_text())["pretrain"]
    job = {"num_nodes": 2, "gpus_per_node": 8, "cpus_per_node": 32, "memory_per_node": "64Gi", "deadline_s": 60}
    places = {"claim": "nodes", "mount": "/shared", "runtime": "torch-distributed", "data_rev": "abc", "part": "1/3"}
    spec = compiled_task.compiled(component_of("trainjob"), tmp_path)
    (described,) = spec.components.values()
    message = executor_input_utils.construct_executor_input(
        described,
        {**section, **job, **places, "shards": compiled_task._artifact("shards", [Path("/in/0")])},
        str(tmp_path),
        block_input_artifact=False,
    )
    words = compiled_task.command(spec, executor_input_utils.executor_input_to_dict(message, described), tmp_path)
    assert words[:4] == ["python", "-m", "pipelines.steps", "trainjob"]
    words, _ = executor.take(words[4:])
    given = arguments.parse(trainjob.run, words, "trainjob", "")
    assert {name: given[name] for name in job} == job
    assert given["image"] == image("pretrain")
    assert given["shards"] == (Path("/in/0"),)
    told, made_by = lineage.take([*given["command"], "--tasks", *given["tasks"]])
    paths = ["--shards", "s", "--out", "o", "--metrics", "m"]
    trained = arguments.parse(module_of("pretrain").run, [*told, *paths], "pretrain", "")
    assert plain(asdict(trained["config"])) == plain(section)
    assert trained["part"] == "1/3"
    assert (made_by.data_rev, made_by.kfp_run) == ("abc", "run-1")


def test_lists_of_artifacts_arrive_part_by_part(tmp_path: Path) -> None:
    section = yaml.safe_load((ROOT / "params.yaml").read_text())
    given = parsed("report", tmp_path, section["report"])
    assert given["clips"] == (Path("/in/clips/0"), Path("/in/clips/1"))
    metrics = (
        "pretrain_metrics/0",
        "pretrain_metrics/1",
        "localize_metrics",
        "finetune_metrics/0",
        "finetune_metrics/1",
        "evaluate360_metrics",
    )
    assert set(given["stage_metrics"]) == {Path("/in") / name for name in metrics}
    assert given["models"] == (Path("/in/models/0"), Path("/in/models/1"))
    assert given["truth"] == (Path("/in/truth"),)
    assert parsed("curate", tmp_path, section["curate"])["filtered"] == (Path("/in/filtered/0"), Path("/in/filtered/1"))


def test_what_may_be_absent_may_be_absent(tmp_path: Path) -> None:
    spec = compiled_task.compiled(component_of("collect"), tmp_path)
    (described,) = spec.components.values()
    assert described.input_definitions.artifacts["videos"].is_optional


@pytest.mark.parametrize("name", [*STAGES, *STEPS, *TOOLS])
def test_a_component_loads_from_its_yaml_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.yaml"
    compiler.Compiler().compile(component_of(name), str(path))
    loaded = components.load_component_from_file(str(path))
    assert set(loaded.component_spec.inputs or {}) == set(component_of(name).component_spec.inputs or {})
    json_format.ParseDict(yaml.safe_load(path.read_text()), pipeline_spec_pb2.PipelineSpec())


@pytest.mark.parametrize("name", [*STAGES, *STEPS, *TOOLS])
def test_a_component_has_a_page_for_those_who_reuse_it(name: str) -> None:
    text = (ROOT / "components" / name / "README.md").read_text()
    spec = component_of(name).component_spec
    for entry in (*(spec.inputs or {}), *(spec.outputs or {})):
        assert f"`{entry}`" in text, f"{name}: README.md says nothing of `{entry}`"


@pytest.mark.parametrize("stage", STAGES)
def test_the_pages_table_is_the_configurations(stage: str) -> None:
    text = (ROOT / "components" / stage / "README.md").read_text()
    assert readme_tables.with_table(text, stage) == text, "run `make readmes`"
    assert readme_tables.table(stage) in text


@pytest.mark.slow
def test_the_compiled_components_run_a_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage from its YAML, as a task: paths only from the executor input, two parts, numbers and pages handed back."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    section = yaml.safe_load((ROOT / "configs/smallest.yaml").read_text())

    def task(stage: str, suffix: str = "", **given: Any) -> compiled_task.Finished:
        return compiled_task.run(component_of(stage), tmp_path / f"{stage}{suffix}", **{**section[stage], **given})

    world = task("simulate").root / "out"
    decisions = tmp_path / "decisions.csv"
    decisions.write_text((ROOT / "curation/decisions.csv").read_text())
    clips, filtered = [], []
    for index in range(2):
        part = {"suffix": str(index), "part": f"{index}/2"}
        clips.append(task("collect", location="videos", videos=world, **part).root / "out")
        filtered.append(task("filter", suffix=str(index), clips=clips[-1]).root / "out")
    curated = task("curate", filtered=filtered, decisions=decisions).root / "out"
    packed = [task("pack", str(i), curated=curated, clips=clips, part=f"{i}/2").root / "out" for i in range(2)]
    trained = [task("pretrain", str(i), shards=packed, part=f"{i}/4") for i in range(4)]  # a part more than tasks
    models = [part.root / "out" for part in trained]
    localized = task("localize", shards=packed, models=models)
    tuned = [
        task("finetune", str(i), shards=packed, models=models, initialisations=["scratch", "flip"], part=f"{i}/2")
        for i in range(2)
    ]
    idle = task("finetune", "idle", shards=packed, models=models, initialisations=["scratch"], part="99/100")
    spheres = task("evaluate360", clips=clips, events=world)
    page = task(
        "report",
        clips=clips,
        filtered=filtered,
        curated=curated,
        pretrain_metrics=[part.root / "metrics" for part in trained],
        localize_metrics=localized.root / "metrics",
        finetune_metrics=[part.root / "metrics" for part in tuned],
        evaluate360_metrics=spheres.root / "metrics",
        models=models,
        localized=localized.root / "out",
        finetuned=[part.root / "out" for part in tuned],
        evaluated360=spheres.root / "out",
        truth=world,
    )
    assert [{key.split(".")[0] for key in part.numbers()} for part in trained] == [
        {name} for name in section["pretrain"]["tasks"]
    ] + [set()]
    assert {"finetune.track.scratch.samples_seen", "finetune.separate.flip.samples_seen"} <= {
        key for part in tuned for key in part.numbers()
    }
    for nothing in (trained[3], idle):
        assert json.loads((nothing.root / "metrics").read_text()) == {}
        assert not [path for path in (nothing.root / "out").rglob("*") if path.name != "not_run.json"]
    assert (localized.root / "page").read_text().count("<img") == 4
    assert (page.root / "page").read_text() == (page.root / "out" / "report.html").read_text()
    assert json.loads((page.root / "metrics").read_text())["report.videos"]["value"] == 34
