"""Which clips two models are compared on, and how each is asked."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from leftright.apps import compare
from leftright.data import record as records
from leftright.data.shards import ShardReader
from leftright.errors import InputError
from leftright.models import Architecture, AudioVisualNetwork, WindowGeometry, save_model
from leftright.stages import pretrain
from tests.packed_world import FRAME_RATE, write_packed_world
from tests.pretrain_runs import CONFIG

GEOMETRY = WindowGeometry(duration_s=1.0, frame_rate=FRAME_RATE, frame_step=3, crop=20)


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """Twenty channels of two videos each, four of them held out."""
    return write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=20)


def write_model(folder: Path, seed: int = 0, task: str = "flip", **geometry: object) -> Path:
    torch.manual_seed(seed)
    architecture: Architecture = pretrain._architecture(CONFIG, task)
    network = AudioVisualNetwork(architecture, replace(GEOMETRY, **geometry))
    save_model(folder / "model.pt", network, task, asdict(CONFIG))
    return folder


def write_record(folder: Path, packed: Path, parts: dict[str, str], champion: int | None = 1) -> Path:
    """The champion's clips are those of the channels `parts`."""
    index = ShardReader([packed]).index
    clips = index[["clip", "video", "channel"]].assign(sha256=index["clip"], part=index["channel"].map(parts)).dropna()
    folder.mkdir()
    records.write(folder, records.Record(champion, clips[list(records.COLUMNS)], champion, records.nothing()))
    return folder


def run(packed: Path, folder: Path, challenger: Path, champion: Path, record: Path, **demands: int) -> pd.DataFrame:
    """Compare; returns the predictions that the decision rests on."""
    compare.run(
        shards=(packed,), challenger=challenger, champion=champion, record=record,
        decision=folder / "decision", comparison=folder / "comparison", metrics=folder / "metrics.json",
        **{"min_videos": 1, "min_channels": 1} | demands,
    )  # fmt: skip
    return pd.read_parquet(folder / "comparison" / "predictions.parquet")


def held_out(packed: Path) -> list[str]:
    index = ShardReader([packed]).index
    return sorted(index.loc[index["split_channel"] == "test", "channel"].unique())


@pytest.mark.parametrize("part", ["train", "val"])
def test_channels_that_the_champion_has_learnt_from_do_not_judge(packed, tmp_path, part):
    names = held_out(packed)
    record = write_record(tmp_path / "record", packed, {names[0]: part, names[1]: "test"})
    table = run(packed, tmp_path, write_model(tmp_path / "a"), write_model(tmp_path / "b", seed=1), record)
    assert set(table["channel"]) == set(names[1:])
    assert set(table["model"]) == {"challenger", "champion"}


def test_a_split_by_video_leaves_whole_channels_out():
    index = pd.DataFrame(
        [("a1", "a", "train"), ("a2", "a", "test"), ("b1", "b", "test"), ("c1", "c", "test"), ("d1", "d", "test")],
        columns=["video", "channel", "split_video"],
    )
    learnt = pd.DataFrame({"video": ["c9", "d1"], "channel": ["c", "another name"]})
    assert compare.held_out(index, "video", learnt) == [2]


def test_without_a_champion_the_challenger_is_the_first(packed, tmp_path):
    record = write_record(tmp_path / "record", packed, {}, champion=None)
    table = run(packed, tmp_path, write_model(tmp_path / "a"), tmp_path / "none", record, min_channels=99)
    assert (tmp_path / "decision").read_text() == "promote"
    assert set(table["channel"]) == set(held_out(packed))


def test_few_held_out_channels_decide_nothing(packed, tmp_path):
    record = write_record(tmp_path / "record", packed, {})
    run(packed, tmp_path, write_model(tmp_path / "a"), write_model(tmp_path / "b", 1), record, min_channels=5)
    document = json.loads((tmp_path / "comparison" / "comparison.json").read_text())
    assert (document["decision"], document["reason"]) == (
        "keep",
        "too few held-out channels to decide: 4 of at least 5",
    )
    assert (tmp_path / "decision").read_text() == "keep"


def test_models_of_other_geometry_are_asked_around_the_same_centres(packed, tmp_path):
    record = write_record(tmp_path / "record", packed, {})
    other = write_model(tmp_path / "b", seed=1, duration_s=0.75, frame_step=1, crop=16)
    table = run(packed, tmp_path, write_model(tmp_path / "a"), other, record)
    centres = table["start_s"] + table["model"].map({"challenger": 1.0, "champion": 0.75}) / 2
    means = centres.groupby([table["model"], table["clip"]]).mean().unstack("model")
    # Windows begin at stored frames, so that they agree to half of one.
    assert (means["champion"] - means["challenger"]).abs().max() <= 0.5 / FRAME_RATE + 1e-9


def test_where_no_clip_is_left_the_champion_stays(packed, tmp_path):
    record = write_record(tmp_path / "record", packed, dict.fromkeys(held_out(packed), "train"))
    table = run(packed, tmp_path, write_model(tmp_path / "a"), write_model(tmp_path / "b"), record)
    assert table.empty
    document = json.loads((tmp_path / "comparison" / "comparison.json").read_text())
    assert (document["decision"], document["reason"]) == ("keep", "too few held-out videos to decide: 0 of at least 1")
    assert document["values"]["compare.difference"] == {"value": None, "low": None, "high": None, "n": 0}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"task": "shift"}, "its task is shift"),
        ({"frame_rate": 12.0}, "the shards hold 6.0"),
        ({"crop": 40}, "have 24"),
    ],
)
def test_a_model_that_does_not_fit_is_one_line(packed, tmp_path, other, message):
    record = write_record(tmp_path / "record", packed, {})
    with pytest.raises(InputError, match=message):
        run(packed, tmp_path, write_model(tmp_path / "a"), write_model(tmp_path / "b", **other), record)
