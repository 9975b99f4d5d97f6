"""params.yaml, dvc.yaml and the command line agree: the command that DVC would run parses back into the params section."""

import ast
import importlib
import json
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml
from dvc.repo import Repo

from leftright import arguments
from leftright.stages import STAGES
from tests.contract.test_names import CONFIGURATIONS, ROOT

# Modules that decide how a result is written and tracked, and not what it is.
PLUMBING = {"leftright"} | {
    f"leftright.{name}"
    for name in ("arguments", "errors", "files", "lineage", "parallel", "results", "stages", "tracking")
}


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each stage's params section and the command that DVC makes of it, for one committed configuration."""
    root = tmp_path_factory.mktemp("chain")
    shutil.copy(ROOT / "dvc.yaml", root)
    shutil.copy(ROOT / request.param, root / "params.yaml")
    with Repo.init(str(root), no_scm=True) as repo:
        commands = {stage.name: stage.cmd for stage in repo.index.stages if stage.cmd}
    sections = yaml.safe_load((root / "params.yaml").read_text())
    return {stage: (sections[stage], commands[stage]) for stage in STAGES}


@pytest.mark.parametrize("stage", STAGES)
def test_the_command_of_dvc_gives_back_the_params(chain: dict[str, Any], stage: str) -> None:
    section, command = chain[stage]
    module = importlib.import_module(f"leftright.stages.{stage}")
    given = arguments.parse(module.run, shlex.split(command)[4:], stage, "")
    assert plain(asdict(given["config"])) == plain(section)


@pytest.mark.parametrize("stage", STAGES)
def test_a_pipelines_words_give_back_the_params(chain: dict[str, Any], stage: str) -> None:
    """A pipeline hands a list over as one JSON word, and everything as text."""
    section, command = chain[stage]
    module = importlib.import_module(f"leftright.stages.{stage}")
    paths = shlex.split(command.partition(_first_flag(section))[0])[4:]
    words = [word for key, value in section.items() for word in (f"--{key}", _json_word(value))]
    given = arguments.parse(module.run, [*paths, *words], stage, "")
    assert plain(asdict(given["config"])) == plain(section)


def _first_flag(section: dict[str, Any]) -> str:
    return f" --{next(iter(section))} "


def _json_word(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Lists and tuples are one, and so are 1 and 1.0: YAML does not tell them apart for us."""
    return {key: list(value) if isinstance(value, tuple | list) else value for key, value in values.items()}


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_depends_on_all_code_that_the_stage_imports(stage: str) -> None:
    """Else a change of code would leave an old result standing as up to date. What only writes files is left out."""
    graph = grimp.build_graph("leftright")
    module = f"leftright.stages.{stage}"
    imported = {name for name in (module, *graph.find_upstream_modules(module)) if _has_code(name)} - PLUMBING
    declared = [ROOT / dep for dep in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]["deps"]]
    missing = [name for name in sorted(imported) if not any(_holds(dep, _file_of(name)) for dep in declared)]
    assert not missing, f"{stage}: dvc.yaml lacks {missing}"


def _has_code(module: str) -> bool:
    """Whether a module is more than a package's docstring."""
    return len(ast.parse(_file_of(module).read_text()).body) > 1


def _holds(dep: Path, file: Path) -> bool:
    return dep == file or dep in file.parents


def _file_of(module: str) -> Path:
    path = ROOT / "src" / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
