"""The house's rules that a machine can hold: length of functions and files, annotations, words that have no place here."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_are_short() -> None:
    lengths = sorted(_length(function) for path in SOURCES for function in _functions(path))
    assert lengths[-1] <= 60
    assert lengths[int(0.9 * len(lengths))] <= 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_files_hold_one_concept_of_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in ("utils", "helpers", "misc", "common")


def test_the_tree_names_no_machine_and_no_registry() -> None:
    """A path of one machine or a registry's host would bind the project to where it was made."""
    banned = re.compile(
        r"/(?:root|home|work)/\w|/tmp/\w|https?://(?:pypi|files\.pythonhosted|registry\.npmjs|deb\.debian)|uv\.lock\b"
    )
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    found = []
    for name in tracked:
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".yaml", ".toml", ".lock", ".sh", "")
            and path.is_file()
            and path != Path(__file__)
        ):
            text = path.read_text(errors="replace")
            found += [f"{name}: {match.group()}" for match in banned.finditer(text)]
    assert not found


def test_mlflow_is_imported_in_one_file() -> None:
    importing = [
        path.name for path in SOURCES if re.search(r"^\s*(import|from) mlflow", path.read_text(), re.MULTILINE)
    ]
    assert importing == ["tracking.py"]
