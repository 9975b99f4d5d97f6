"""What `finetune` left is read as it was written, and what is broken is named in one line."""

import json
from pathlib import Path

import pandas as pd
import pytest

from leftright.clips import write_table
from leftright.errors import InputError
from leftright.reporting import downstream
from leftright.reporting.downstream import BY_KEY, NAMES
from leftright.training.spatialization import CONDITIONS
from leftright.training.variants import ABLATIONS, INITIALISATIONS, TASKS


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """One variant of one task, with an example; another was not run."""
    table = pd.DataFrame({"clip": ["a"], "mixed_with": ["b"], "condition": ["asked"], "video": ["v"], "sdr_db": [1.0]})
    write_table(tmp_path / "separate/flip/predictions.parquet", table)
    (tmp_path / "not_run.json").write_text('{"separate/supervised": "no weights"}')
    folder = tmp_path / "separate/flip/examples"
    folder.mkdir()
    (folder / "x.png").write_bytes(b"")
    (folder / "x.flac").write_bytes(b"")
    entry = {"clip": "a", "title": "A", "picture": "x.png", "sounds": [{"label": "true", "file": "x.flac"}]}
    (folder / "examples.json").write_text(json.dumps([entry]))
    return tmp_path


def test_what_was_run_what_was_not_and_the_examples(directory: Path) -> None:
    read = downstream.read((directory,))
    assert list(read.predictions) == [("separate", "flip")]
    assert read.not_run == {("separate", "supervised"): "no weights"}
    (example,) = read.examples["separate"]
    assert (example.picture.name, [sound.label for sound in example.sounds]) == ("x.png", ["true"])
    assert (read.has("separate"), read.has("track")) == (True, False)


def test_a_variant_without_examples_has_none(directory: Path) -> None:
    (directory / "separate/flip/examples/examples.json").unlink()
    assert downstream.read((directory,)).examples["separate"] == ()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("not_run.json", "[", "not JSON"),
        ("not_run.json", "[]", "holds no dict"),
        ("not_run.json", '{"dance/flip": "?"}', "no variant of a task"),
        ("separate/flip/examples/examples.json", "{}", "holds no list"),
        ("separate/flip/examples/examples.json", '[{"clip": "a"}]', "not a list of examples"),
        ("separate/flip/predictions.parquet", "x", "not a readable Parquet table"),
    ],
)
def test_what_is_broken_is_named_in_one_line(directory: Path, name: str, content: str, message: str) -> None:
    (directory / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        downstream.read((directory,))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_directory_of_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not_run\.json: no such file; run finetune, or correct the path"):
        downstream.read((tmp_path,))


def test_names_are_those_of_the_training() -> None:
    assert tuple(BY_KEY) == TASKS
    assert set(NAMES) == {*INITIALISATIONS, *(name for names in ABLATIONS.values() for name in names)}
    assert (downstream.PREDICTED, downstream.MIRRORED, downstream.MONO) == CONDITIONS
