"""Pipeline files, compiled packages, and the values that a person types for their parameters."""

from pathlib import Path

import pytest
import yaml

from leftright.errors import InputError
from pipelines.commands import package

EXAMPLE = Path(__file__).parent / "example.py"


@pytest.fixture(scope="module")
def example():
    with package.compiled(EXAMPLE, cache=True) as compiled:
        yield compiled


def test_each_type_is_read_as_the_pipeline_asks_for_it(example):
    words = ["sha=1234567", "times=3", "scale=1e-3", "loud=True", 'words=["a", 2]', 'options={"a": [1]}']
    values = package.parameters(words, example)
    assert values == {
        "sha": "1234567",
        "times": 3,
        "scale": 0.001,
        "loud": True,
        "words": ["a", 2],
        "options": {"a": [1]},
    }
    assert [type(value) for value in values.values()] == [str, int, float, bool, list, dict]


def test_a_text_may_hold_anything_also_nothing(example):
    assert package.parameters(["sha=a=b c"], example) == {"sha": "a=b c"}
    assert package.parameters(["sha="], example) == {"sha": ""}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["sha=a", "epochs=3"],
            "epochs: example has no such parameter; it has loud, options, scale, sha, times, words",
        ),
        (["sha=a", "times=3.5"], "times=3.5: is no whole number"),
        (["sha=a", f"times={2**53 + 1}"], "is no whole number (up to 2^53"),
        (["sha=a", "scale=half"], "scale=half: is no finite number"),
        (["sha=a", "scale=nan"], "scale=nan: is no finite number"),
        (["sha=a", "loud=1"], "loud=1: is no choice of true and false"),
        (["sha=a", "words=a,b"], "words=a,b: is no JSON list"),
        (["sha=a", "words={}"], "words={}: is no JSON list"),
        (["sha=a", "options=[]"], "options=[]: is no JSON object"),
        (["sha=a", "sha=b"], "sha: given twice"),
        (["sha"], "`sha`: write a parameter as key=value"),
        (["times=1"], "example needs sha=..."),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(example, words, complaint):
    with pytest.raises(InputError) as refused:
        package.parameters(words, example)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_compiled_package_serves_as_well_as_its_source(example, tmp_path):
    copy = tmp_path / "example.yaml"
    copy.write_text(example.path.read_text())
    with package.compiled(copy, cache=True) as compiled:
        assert (compiled.path, compiled.name) == (copy, "example")
        assert compiled.definitions == example.definitions


def caching(path):
    """Whether each task of the package is cached, loops' tasks included."""
    spec = next(yaml.safe_load_all(path.read_text()))
    groups = [spec["root"], *spec["components"].values()]
    tasks = [task for group in groups for task in group.get("dag", {}).get("tasks", {}).values()]
    return [bool(task["cachingOptions"]) for task in tasks if task["taskInfo"]["name"].startswith("greet")]


def test_without_the_cache_tasks_in_loops_run_again_too(example):
    assert caching(example.path) == [True, True]
    with package.compiled(EXAMPLE, cache=False) as compiled:
        assert caching(compiled.path) == [False, False]
        assert list(yaml.safe_load_all(compiled.path.read_text()))[1]["platforms"]["kubernetes"]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("no_pipeline.py", "from tests.unit.pipelines.example import example, greet\n", "holds no function decorated"),
        (
            "two.py",
            "from kfp import dsl\nfrom tests.unit.pipelines.example import greet\n"
            + "".join(f"@dsl.pipeline\ndef {name}(words: list, options: dict):\n" f"    greet(name='a', times=1, scale=1.0,"
                      " loud=True, words=words, options=options)\n" for name in ("first", "second")),
            "holds several pipelines (first, second)",
        ),
        ("params.yaml", "collect: {mode: fetch}\n", "is no compiled pipeline"),
        ("edited.yaml", "root: {dag: 3}\npipelineInfo: {name: a}\n", "is no compiled pipeline: Failed to parse root field"),
        ("broken.yaml", "root: [\n", "cannot be read as YAML"),
        ("pipeline.json", "{}", "neither a pipeline (.py) nor a compiled one (.yaml)"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_pipeline_is_named(tmp_path, name, text, complaint):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InputError) as refused, package.compiled(file, cache=True):
        pass
    assert str(refused.value).startswith(f"{file}: {complaint}")
    assert "\n" not in str(refused.value)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"), package.compiled(tmp_path / "full.py", cache=True):
        pass
