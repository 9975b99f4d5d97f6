"""The ledger: what it remembers, in which order, and across kills."""

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from leftright.clips import CLIP_COLUMNS
from leftright.errors import InputError
from leftright.files import Part
from leftright.sources.base import Clip, Harvest, Status, Video
from leftright.sources.ledger import Ledger, attrition


def video(name: str, **fields: object) -> Video:
    return Video(name, "channel", f"title of {name}", "", f"{name}.mp4", **fields)


def kept(name: str) -> Clip:
    values = {
        column: 0 if kind.startswith("int") else 0.0 if kind == "float64" else ""
        for column, kind in CLIP_COLUMNS.items()
    }
    return Clip(name, 0, 10_000, Status.KEPT, "", values | {"clip": name})


def test_videos_come_back_in_order_with_all_that_was_said(tmp_path: Path) -> None:
    videos = [video("b", spans_s=((0.5, 10.5), (20.0, 30.0)), round=2, duration_s=40.5), video("a")]
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.finish("list", videos)
        ledger.finish("list again", [video("c"), video("a", round=5)])
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert ledger.videos() == [*videos, video("c")]
        assert ledger.done("list")
        assert not ledger.done("else")
        assert ledger.new([video("d"), video("a"), video("d", round=1)]) == [video("d")]


def test_passing_failures_are_tried_again_and_settled_ones_are_not(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.finish("list", [video(str(status)) for status in Status])
        for status in Status:
            if status is not Status.PENDING:
                ledger.record(Harvest(video(str(status)), status, "why"))
        assert {one.video for one in ledger.to_try()} == {"pending", "refused", "error"}
        assert ledger.counts() == dict.fromkeys(Status, 1)


def test_a_later_attempt_replaces_an_earlier_one(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.finish("list", [video("a")])
        ledger.record(Harvest(video("a"), Status.ERROR, "stall", (kept("a_0_1"),)))
        ledger.record(Harvest(video("a"), Status.KEPT, "", (kept("a_2_3"),)))
        assert ledger.manifest()["clip"].tolist() == ["a_2_3"]
    with sqlite3.connect(tmp_path / "l.sqlite") as database:
        assert database.execute("SELECT status, attempts FROM videos").fetchall() == [("kept", 2)]


def test_the_manifest_has_its_columns_and_types_even_when_empty() -> None:
    with Ledger(":memory:") as ledger:
        table = ledger.manifest()
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {
        name: str(pd.Series(dtype=kind).dtype) for name, kind in CLIP_COLUMNS.items()
    }


def test_shares_are_disjoint_and_together_the_whole(tmp_path: Path) -> None:
    names = [str(number) for number in range(7)]
    shares = []
    for index in range(3):
        with Ledger(":memory:") as ledger:
            ledger.finish("list", [video(name) for name in names])
            ledger.share(Part(index, 3))
            ledger.share(Part(index, 3))  # a resumed run must not share its share
            shares += [one.video for one in ledger.videos()]
    assert sorted(shares) == names


def test_runs_say_how_they_ended(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with Ledger(path) as ledger:
        ledger.close_run("complete")
    with pytest.raises(InputError), Ledger(path):
        raise InputError("stopped: too many refusals")
    killed = Ledger(path)
    del killed
    with sqlite3.connect(path) as database:
        assert [row[0] for row in database.execute("SELECT outcome FROM runs ORDER BY run")] == [
            "complete", "stopped: too many refusals", None,
        ]  # fmt: skip


def test_attrition_counts_over_parts(tmp_path: Path) -> None:
    for number, statuses in enumerate([(Status.KEPT, Status.SHORT), (Status.KEPT, Status.SHORT, Status.SHORT)]):
        with Ledger(tmp_path / f"{number}.sqlite") as ledger:
            ledger.finish("list", [video(f"{number}{index}") for index in range(len(statuses))])
            for index, status in enumerate(statuses):
                name = f"{number}{index}"
                clips = (kept(name),) * 1 if status is Status.KEPT else ()
                ledger.record(Harvest(video(name), status, f"of {name}", clips))
    table = attrition([tmp_path / "0.sqlite", tmp_path / "1.sqlite"])
    assert table.to_dict("records") == [
        {"status": "short", "num_videos": 3, "num_clips": 0, "example": "of 01"},
        {"status": "kept", "num_videos": 2, "num_clips": 2, "example": "of 00"},
    ]


@pytest.mark.parametrize("name", ["missing.sqlite", "text.sqlite", "other.sqlite"])
def test_what_is_no_ledger_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.sqlite").write_text("not a database, but long enough to be looked at" * 50)
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE t (a)")
    with pytest.raises(InputError, match=name):
        attrition([tmp_path / name])
