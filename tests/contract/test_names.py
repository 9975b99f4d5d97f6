"""The one-name rule: a stage has one name as module, command, params section, DVC stage, folder, metrics file and run."""

import importlib
from dataclasses import MISSING, Field, fields, is_dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import yaml

from leftright.cli import COMMANDS
from leftright.stages import STAGES

ROOT = Path(__file__).parents[2]
CONFIGURATIONS = ("params.yaml", "configs/paper.yaml", "configs/smallest.yaml")
# DVC and YAML 1.1 readers turn these words into booleans, so that a flag of such a choice would not survive the trip.
BOOLEAN_WORDS = {"on", "off", "yes", "no", "true", "false", "y", "n"}


def test_every_module_of_stages_is_a_stage() -> None:
    modules = {path.stem for path in (ROOT / "src/leftright/stages").glob("*.py")} - {"__init__"}
    assert modules == set(STAGES)


def test_dvc_has_the_stages_in_their_order() -> None:
    assert tuple(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]) == STAGES


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_params_have_a_section_a_stage(configuration: str) -> None:
    assert tuple(yaml.safe_load((ROOT / configuration).read_text())) == STAGES


def test_every_stage_is_a_command() -> None:
    assert set(STAGES) <= set(COMMANDS)


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_stage_writes_its_own_folder_and_metrics(stage: str) -> None:
    entry = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]
    assert entry["outs"] == [f"data/{stage}"]
    assert entry["metrics"] == [f"metrics/{stage}.json"]
    assert entry["params"] == [stage]
    assert entry["cmd"].startswith(f"python -m leftright {stage} ")
    assert f"--metrics metrics/{stage}.json" in entry["cmd"]
    assert entry["cmd"].endswith(f"${{{stage}}}")


@pytest.mark.parametrize("stage", STAGES)
def test_configuration_is_a_flat_frozen_dataclass_without_defaults(stage: str) -> None:
    config = importlib.import_module(f"leftright.stages.{stage}").Config
    assert is_dataclass(config)
    assert config.__dataclass_params__.frozen
    hints = get_type_hints(config)
    for entry in fields(config):
        _check_field(entry, hints[entry.name])


def _check_field(entry: Field[Any], kind: Any) -> None:
    assert entry.default is MISSING, f"{entry.name}: values live in params.yaml alone"
    assert entry.default_factory is MISSING, f"{entry.name}: values live in params.yaml alone"
    if get_origin(kind) is Literal:
        assert not BOOLEAN_WORDS & {str(word).lower() for word in get_args(kind)}, entry.name
    elif get_origin(kind) is tuple:
        item, rest = get_args(kind)
        assert item in (int, float, str), entry.name
        assert rest is Ellipsis, entry.name
    else:
        assert kind in (int, float, str), f"{entry.name}: {kind} does not travel through DVC and a pipeline alike"


@pytest.mark.parametrize("stage", STAGES)
def test_run_takes_the_configuration_and_paths(stage: str) -> None:
    module = importlib.import_module(f"leftright.stages.{stage}")
    hints = get_type_hints(module.run)
    assert hints["config"] is module.Config
    assert hints["out"] is Path
    assert hints["metrics"] is Path
    for name, parameter in signature(module.run).parameters.items():
        if name not in ("config", "part"):
            assert hints[name] in (Path, tuple[Path, ...]), name
            # What may be absent is a list that may be empty.
            assert parameter.default in (parameter.empty, ()), name
    if "part" in hints:
        assert signature(module.run).parameters["part"].default == "0/1"
