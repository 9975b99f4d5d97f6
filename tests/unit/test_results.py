"""Metrics files: plain keys, four numbers each, and null where a number is unknown."""

import json
import math

import pytest

from leftright.errors import InputError
from leftright.results import Collector, Value, model_file, read, write


def test_what_is_written_is_read(tmp_path):
    values = {
        "flip.accuracy": Value(0.93, 0.9, 0.96, 310),
        "filter.kept": Value(12),
        "localize.pca.pearson": Value(None, n=3),
    }
    write(tmp_path / "metrics" / "flip.json", values)
    assert read(tmp_path / "metrics" / "flip.json") == values


def test_the_file_has_plain_keys_with_value_low_high_and_n(tmp_path):
    write(tmp_path / "m.json", {"flip.accuracy": Value(0.93, 0.9, 0.96, 310)})
    assert json.loads((tmp_path / "m.json").read_text()) == {
        "flip.accuracy": {"value": 0.93, "low": 0.9, "high": 0.96, "n": 310}
    }


@pytest.mark.parametrize("unknown", [math.nan, math.inf, -math.inf, None])
def test_unknown_is_null_and_the_file_is_strict_json(tmp_path, unknown):
    write(tmp_path / "m.json", {"a": Value(unknown, unknown, unknown, 0)})
    text = (tmp_path / "m.json").read_text()
    document = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert document == {"a": {"value": None, "low": None, "high": None, "n": 0}}


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"flip\.json: no such metrics file; run the stage"):
        read(tmp_path / "flip.json")


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"a": 3}', '{"a": {"mean": 3}}', '{"a": null}', "\x00\xff"])
def test_a_file_that_is_no_metrics_file_is_named_in_one_line(tmp_path, text):
    (tmp_path / "flip.json").write_text(text)
    with pytest.raises(InputError, match=r"flip\.json: not a metrics file") as caught:
        read(tmp_path / "flip.json")
    assert "\n" not in str(caught.value)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    write(tmp_path / "m.json", {"a": Value(1.0)})
    with pytest.raises(TypeError):
        write(tmp_path / "m.json", {"a": Value("text")})  # type: ignore[arg-type]
    assert read(tmp_path / "m.json") == {"a": Value(1.0)}
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


def test_a_collector_prefixes_keys():
    collector = Collector("filter")
    collector.add("kept", 12, n=20)
    collector.add("precision", Value(0.9, 0.8, 1.0, 20))
    collector.add("recall", None)
    assert collector.values == {
        "filter.kept": Value(12, n=20),
        "filter.precision": Value(0.9, 0.8, 1.0, 20),
        "filter.recall": Value(None),
    }


def test_a_model_lies_in_the_folder_of_its_task_or_in_the_one_folder_or_is_the_file(tmp_path):
    for name in ("pretrain/flip", "pretrain/shift", "single"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "model.pt").touch()
    assert model_file(tmp_path / "pretrain") == tmp_path / "pretrain" / "flip" / "model.pt"
    assert model_file(tmp_path / "pretrain", "shift") == tmp_path / "pretrain" / "shift" / "model.pt"
    assert model_file(tmp_path / "pretrain", "mismatch") == tmp_path / "pretrain" / "model.pt"  # and it is not there
    assert model_file(tmp_path / "single", "shift") == tmp_path / "single" / "model.pt"
    assert model_file(tmp_path / "single" / "model.pt", "shift") == tmp_path / "single" / "model.pt"
