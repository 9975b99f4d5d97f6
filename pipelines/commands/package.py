"""A pipeline file as the package that a cluster takes, and words such as `epochs=3` as its parameters.

The types come from the compiled pipeline: a cluster refuses a number for a text and a text for a number.
"""

import importlib.util
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import yaml
from google.protobuf import json_format
from kfp import compiler
from kfp.dsl import graph_component
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from leftright.errors import InputError

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Package:
    """A compiled pipeline: its file, its name, and the definition of each parameter by name."""

    path: Path
    name: str
    definitions: dict[str, dict[str, Any]]


@contextmanager
def compiled(file: Path, cache: bool, retries: bool = True) -> Iterator[Package]:
    """The package of a pipeline file, or of one that is compiled already, for as long as the context lasts.

    cache : False makes every task run again. retries : False lets a task that fails fail at once. Raises InputError for a file
    that is no pipeline.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file; name a pipeline such as pipelines/full.py, or a compiled .yaml")
    if file.suffix not in (".py", *SUFFIXES):
        raise InputError(f"{file}: neither a pipeline (.py) nor a compiled one (.yaml)")
    with TemporaryDirectory(prefix="leftright-") as folder:
        path = file
        if file.suffix == ".py":
            path = Path(folder) / f"{file.stem}.yaml"
            compiler.Compiler().compile(_the_pipeline(_loaded(file), file), str(path))
        documents = _documents(path, file)
        if not (cache and retries):
            path = Path(folder) / f"{file.stem}-changed.yaml"
            for task in _tasks(documents[0]):
                if not cache:
                    task["cachingOptions"] = {}
                if not retries:
                    task.pop("retryPolicy", None)
            path.write_text(yaml.safe_dump_all(documents, sort_keys=True))
        root = documents[0]["root"]
        definitions = root.get("inputDefinitions", {}).get("parameters", {})
        yield Package(path, documents[0]["pipelineInfo"]["name"], definitions)


def _loaded(file: Path) -> ModuleType:
    """The module of a pipeline file. What it raises is the file's own defect and keeps its traceback."""
    name = f"pipeline_file_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file}: cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def _the_pipeline(module: ModuleType, file: Path) -> graph_component.GraphComponent:
    """The pipeline of the file's own name, or the only one; those that it imports from elsewhere do not count."""
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, graph_component.GraphComponent) and value.pipeline_func.__module__ == module.__name__
    }
    if not found:
        raise InputError(f"{file}: holds no function decorated with @dsl.pipeline")
    if file.stem in found:
        return found[file.stem]
    if len(found) > 1:
        raise InputError(f"{file}: holds several pipelines ({', '.join(found)}); name the main one {file.stem}")
    return next(iter(found.values()))


def _documents(path: Path, file: Path) -> list[dict[str, Any]]:
    """The pipeline spec, and the platform spec where there is one."""
    try:
        documents = list(yaml.safe_load_all(path.read_text()))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InputError(f"{file}: cannot be read as YAML; compile the pipeline again") from None
    first = documents[0] if documents else None
    if not isinstance(first, dict) or not {"root", "pipelineInfo"} <= set(first):
        raise InputError(f"{file}: is no compiled pipeline (it has no `root` or no `pipelineInfo`)")
    try:
        for document, kind in zip(documents, (PipelineSpec, PlatformSpec), strict=False):
            json_format.ParseDict(document, kind())
    except json_format.ParseError as error:
        raise InputError(f"{file}: is no compiled pipeline: {' '.join(str(error).split()).rstrip('.')}") from None
    return documents


def _tasks(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each task, in loops and conditions too: kfp's own `enable_caching=False` stops at the outermost level."""
    for part in (spec["root"], *spec.get("components", {}).values()):
        yield from part.get("dag", {}).get("tasks", {}).values()


def parameters(words: list[str], package: Package) -> dict[str, Any]:
    """`key=value` words as the values that the package's types ask for, by name.

    Raises InputError for a word that is no `key=value`, an unknown or repeated name, a bad value, and a missing value.
    """
    given: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise InputError(f"`{word}`: write a parameter as key=value")
        # params.yaml's own way to name a value is as good: filter.face_confidence is filter_face_confidence.
        name = name.replace(".", "_")
        if name not in package.definitions:
            known = ", ".join(package.definitions) or "none"
            raise InputError(f"{name}: {package.name} has no such parameter; it has {known}")
        if name in given:
            raise InputError(f"{name}: given twice")
        given[name] = _value(name, text, package.definitions[name]["parameterType"])
    missing = [name for name, definition in package.definitions.items() if name not in given and _is_needed(definition)]
    if missing:
        raise InputError(f"{package.name} needs {', '.join(f'{name}=...' for name in missing)}")
    return given


def _is_needed(definition: dict[str, Any]) -> bool:
    return "defaultValue" not in definition and not definition.get("isOptional", False)


def _value(name: str, text: str, kind: str) -> Any:
    if kind not in READERS:
        raise InputError(f"{name}: is of type {kind}, which Kubeflow fills in itself")
    reader, wanted = READERS[kind]
    try:
        return reader(text)
    except ValueError:
        raise InputError(f"{name}={text}: is no {wanted}") from None


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > 2**53:
        raise ValueError("the wire carries numbers as doubles, and this one would be rounded")
    return value


def _double(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("JSON has no such number")
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _json(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(text)
        return value

    return read


READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "STRING": (str, "text"),
    "NUMBER_INTEGER": (_integer, "whole number (up to 2^53 either way)"),
    "NUMBER_DOUBLE": (_double, "finite number"),
    "BOOLEAN": (_boolean, "choice of true and false"),
    "LIST": (_json(list), "JSON list, such as '[1, 2]'"),
    "STRUCT": (_json(dict), "JSON object, such as '{\"a\": 1}'"),
}
"""How a word is read for each type of the pipeline spec, and what to call that type."""
