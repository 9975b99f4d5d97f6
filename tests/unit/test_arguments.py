"""The same parameters from a shell, from DVC and from a pipeline, and one line where they do not fit."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from leftright import arguments
from leftright.errors import InputError


@dataclass(frozen=True)
class Config:
    """Parameters of a stage that exists in this test alone."""

    seed: int
    """of everything"""
    rate: float
    """per second"""
    split: Literal["channel", "video"]
    """what is held out"""
    phrases: tuple[str, ...]
    """what to search for"""
    sizes: tuple[int, ...]
    """in pixels"""


def run(config: Config, *, shards: tuple[Path, ...], out: Path, part: str = "0/1") -> None:
    """A stage's signature."""


WANTED = Config(seed=3, rate=0.5, split="channel", phrases=("ASMR Binaural", "ear to ear"), sizes=(32, 64))
SCALARS = ["--seed", "3", "--rate", "0.5", "--split", "channel", "--out", "data/x", "--shards", "data/pack"]
DVC_WORDS = [*SCALARS, "--phrases", "ASMR Binaural", "ear to ear", "--sizes", "32", "64"]
PIPELINE_WORDS = [*SCALARS, "--phrases", '["ASMR Binaural", "ear to ear"]', "--sizes", "[32, 64]"]


def parse(words):
    return arguments.parse(run, words, "leftright stage", "What it does.")


@pytest.mark.parametrize("words", [DVC_WORDS, PIPELINE_WORDS], ids=["dvc", "pipeline"])
def test_lists_as_words_and_as_json_are_the_same(words):
    assert parse(words) == {"config": WANTED, "shards": (Path("data/pack"),), "out": Path("data/x"), "part": "0/1"}


def test_items_have_their_type():
    given = parse(PIPELINE_WORDS)["config"]
    assert [type(size) for size in given.sizes] == [int, int]
    assert parse([*DVC_WORDS, "--shards", "a", "b"])["shards"] == (Path("a"), Path("b"))


def test_an_empty_list_either_way():
    for empty in ([], ["[]"]):
        assert parse([*SCALARS, "--phrases", *empty, "--sizes", *empty])["config"].phrases == ()


def test_one_word_that_is_no_json_is_one_item():
    assert parse([*SCALARS, "--phrases", "ASMR Tapping", "--sizes", "1"])["config"].phrases == ("ASMR Tapping",)


def test_numbers_as_a_pipeline_writes_them():
    words = [*PIPELINE_WORDS, "--rate", "1"]
    assert parse(words)["config"].rate == 1.0
    assert parse([*PIPELINE_WORDS, "--rate", "1e-3"])["config"].rate == 0.001


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*DVC_WORDS, "--seed", "three"], "seed"),
        ([*DVC_WORDS, "--split", "scene"], "split"),
        ([*DVC_WORDS, "--colour", "red"], "--colour"),
        (DVC_WORDS[2:], "--seed"),
        ([*SCALARS, "--phrases", "a", "--sizes", "[32, 64"], "not a JSON list"),
        ([*SCALARS, "--phrases", "a", "--sizes", "wide"], "sizes"),
        ([], "required"),
    ],
)
def test_words_that_do_not_fit_are_told_in_one_line_that_names_them(words, said, capsys):
    with pytest.raises(InputError) as caught:
        parse(words)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert "│" not in message
    assert message.endswith("leftright stage --help lists the flags")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_line_is_the_same_whatever_the_output_can_show(encoding, monkeypatch):
    """Tyro frames its complaint only where the output has the characters for it."""
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    with pytest.raises(InputError) as caught:
        parse([*DVC_WORDS, "--seed", "three"])
    assert str(caught.value).startswith("Error parsing --seed: invalid literal")


PARAMS = """
stage:
  seed: 3
  rate: 0.5
  split: channel
  phrases: [ASMR Binaural, ear to ear]
  sizes: [32, 64]
other: 7
"""


@pytest.fixture
def params(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS)
    return path


def test_a_section_of_params_stands_for_its_flags(params):
    words = arguments.with_params(["--out", "data/x", "--params", str(params), "--shards", "data/pack"], "stage")
    assert parse(words)["config"] == WANTED


@pytest.mark.parametrize("rate", [["--rate", "2"], ["--rate=2"]])
def test_a_flag_beside_the_file_wins(params, rate):
    words = arguments.with_params([*rate, "--params", str(params), "--out", "x", "--shards", "y"], "stage")
    assert parse(words)["config"].rate == 2.0
    assert parse(words)["config"].seed == 3


def test_without_params_the_words_stay():
    assert arguments.with_params(DVC_WORDS, "stage") == DVC_WORDS


@pytest.mark.parametrize(("stage", "said"), [("pack", "no section `pack`"), ("other", "no section of values")])
def test_a_file_without_the_section_is_named(params, stage, said):
    with pytest.raises(InputError, match=said) as caught:
        arguments.with_params(["--params", str(params)], stage)
    assert str(params) in str(caught.value)


def test_a_params_file_that_is_missing_or_broken_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: No such file"):
        arguments.with_params(["--params", str(tmp_path / "none.yaml")], "stage")
    (tmp_path / "broken.yaml").write_text("stage: [1")
    with pytest.raises(InputError, match=r"broken\.yaml: no section") as caught:
        arguments.with_params(["--params", str(tmp_path / "broken.yaml")], "stage")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="name the file"):
        arguments.with_params(["--params"], "stage")


def test_help_names_every_flag_with_its_text_and_stops(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--help"])
    shown = capsys.readouterr().out
    assert not stop.value.code
    for text in ("What it does.", "--seed", "of everything", "--split", "what is held out", "--shards", "--part"):
        assert text in shown
