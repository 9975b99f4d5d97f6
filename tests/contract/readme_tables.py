"""The table of parameters in a component's README, made from the stage's configuration: `make readmes` writes them anew."""

import ast
import importlib
import inspect
import itertools
import re
import textwrap
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from leftright.stages import STAGES

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- parameters: written by `make readmes` -->\n", "<!-- end of parameters -->\n"


def table(stage: str) -> str:
    """A row for each parameter: its name, type, default of params.yaml, and what the configuration says of it."""
    config = importlib.import_module(f"leftright.stages.{stage}").Config
    defaults = yaml.safe_load((ROOT / "params.yaml").read_text())[stage]
    hints, meanings = get_type_hints(config), _meanings(config)
    rows = [
        f"| `{entry.name}` | {_kind(hints[entry.name])} | {_shown(defaults[entry.name])} | {meanings[entry.name]} |"
        for entry in fields(config)
    ]
    return "\n".join(["| parameter | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _meanings(config: type) -> dict[str, str]:
    """The text that follows each field in its class, or in the class that it is inherited from."""
    found: dict[str, str] = {}
    for owner in reversed(config.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for entry, text in itertools.pairwise(body):
            if isinstance(entry, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[entry.target.id] = " ".join(str(text.value.value).split())  # type: ignore[union-attr]
    return found


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(kind))
    return f"list of {get_args(kind)[0].__name__}" if get_origin(kind) is tuple else kind.__name__


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else f"`{value}`" if value != "" else "(empty)"


def with_table(text: str, stage: str) -> str:
    """A README's text with its table as it should be."""
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}{table(stage)}{END}", text, flags=re.DOTALL
    )


if __name__ == "__main__":
    for name in STAGES:
        path = ROOT / "components" / name / "README.md"
        path.write_text(with_table(path.read_text(), name))
