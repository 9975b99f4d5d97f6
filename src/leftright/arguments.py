"""How command-line text becomes a stage's parameters, the same from a shell, from DVC and from a pipeline.

DVC writes a list as several words, a pipeline as one JSON word: both are read. There are no boolean parameters: DVC would
write a bare flag and a pipeline `true`, so a choice between two is a named choice (`Literal["mirror", "none"]`).
"""

import contextlib
import functools
import io
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import tyro
import yaml
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from leftright.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Parameters = TypeVar("Parameters", bound="DataclassInstance")


def list_arguments() -> ConstructorRegistry:
    """A registry in which `tuple[X, ...]` takes several words or one JSON list."""
    registry = ConstructorRegistry()

    @registry.primitive_rule
    def _tuple(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        item = get_args(info.type)
        if info.type_origin is not tuple or len(item) != 2 or item[1] is not Ellipsis:
            return None
        return PrimitiveConstructorSpec(
            nargs="*",
            metavar=f"{item[0].__name__.upper()} ...",
            instance_from_str=lambda words: _items(words, item[0]),
            is_instance=lambda instance: isinstance(instance, tuple),
            str_from_instance=lambda instance: [str(value) for value in instance],
        )

    return registry


def _items(words: list[str], kind: Callable[[Any], Any]) -> tuple[Any, ...]:
    values: list[Any] = words
    if len(words) == 1 and words[0].lstrip().startswith("["):
        try:
            values = json.loads(words[0])
        except ValueError:
            raise ValueError(f"{words[0]!r} is not a JSON list") from None
    return tuple(kind(value) for value in values)


def parse(function: Callable[..., Any], words: list[str], program: str, description: str) -> dict[str, Any]:
    """The keyword arguments for `function` that `words` spell, by its signature and annotations.

    Prints the help and raises SystemExit where it is asked for. Raises InputError, in one line, for words that do not fit.
    """

    @functools.wraps(function)
    def arguments_of(**arguments: Any) -> dict[str, Any]:
        return arguments

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(
                arguments_of,
                args=words,
                prog=program,
                description=description,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.AvoidSubcommands),
                registry=list_arguments(),
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise InputError(f"{_one_line(complaint.getvalue(), program)}; {program} --help lists the flags") from None


def with_params(words: list[str], stage: str) -> list[str]:
    """`words` with `--params FILE` replaced by the flags of the stage's section in that file.

    A flag that stands in `words` itself wins over the file's. Raises InputError for a file without such a section.
    """
    if "--params" not in words:
        return words
    position = words.index("--params")
    rest = words[:position] + words[position + 2 :]
    if position + 1 == len(words):
        raise InputError("--params: name the file, such as --params params.yaml")
    given = {word.partition("=")[0].lstrip("-").replace("-", "_") for word in rest if word.startswith("--")}
    section = _section(Path(words[position + 1]), stage)
    flags = [(f"--{key}", _words(value)) for key, value in section.items() if key not in given]
    return rest + [word for flag, values in flags for word in (flag, *values)]


def dataclass_of(kind: type[Parameters], path: Path, section: str) -> Parameters:
    """The dataclass `kind`, of numbers, with the values that its fields have in a section of a file.

    Raises InputError for a file without such a section, or a section without such a number.
    """
    values = _section(path, section)
    for field in fields(kind):
        if not isinstance(values.get(field.name), int | float):
            raise InputError(f"{path}: `{section}` has no number `{field.name}`; compare it with params.yaml")
    return kind(**{field.name: float(values[field.name]) for field in fields(kind)})


def _section(path: Path, stage: str) -> dict[str, Any]:
    try:
        section = yaml.safe_load(path.read_text())[stage]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a file such as params.yaml") from None
    except (yaml.YAMLError, KeyError, TypeError):
        raise InputError(f"{path}: no section `{stage}` can be read from it; compare it with params.yaml") from None
    if not isinstance(section, dict):
        raise InputError(f"{path}: `{stage}` is no section of values; compare it with params.yaml")
    return section


def _words(value: Any) -> list[str]:
    return [json.dumps(value)] if isinstance(value, list) else [str(value)]


def _one_line(box: str, program: str) -> str:
    """The complaint of tyro as one line, without its frame, its title and its pointer to the help."""
    rows = [row.strip("│ ") for row in box.splitlines() if not row.startswith(("╭", "╰"))]
    rows = [row for row in rows if row]
    # Where the output's encoding has no frames the title is a row, with a rule below it.
    content = rows if box.startswith("╭") else rows[2:]
    text = " ".join(itertools.takewhile(lambda row: set(row) - set("─-"), content))
    return re.sub(r"\s+", " ", text).replace(f"from {program}: ", "").rstrip(".: ") or "the flags do not fit"
