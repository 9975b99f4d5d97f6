"""What is new, and what a model has learnt from."""

import pandas as pd
import pytest

from leftright.clips import write_table
from leftright.data import record as records
from leftright.errors import InputError


def clips(*names: str, part: str = "train") -> pd.DataFrame:
    """Clips named channel-video-number, whose bytes follow from the name."""
    rows = [(name, f"bytes of {name}", name.rsplit("-", 1)[0], name.split("-")[0], part) for name in names]
    return pd.DataFrame(rows, columns=list(records.COLUMNS))


def record(champion: pd.DataFrame, last: pd.DataFrame | None = None) -> records.Record:
    return records.Record(1, champion, 2, records.nothing() if last is None else last)


def test_a_clip_is_new_where_neither_its_name_nor_its_bytes_are_known():
    known = record(clips("a-1-0", "a-1-1"))
    kept = clips("a-1-0", "a-1-1", "a-1-2", "b-1-0", "b-2-0")
    kept.loc[0, "sha256"] = "cut again"
    kept.loc[3, "sha256"] = "bytes of a-1-1"  # moved
    assert known.new(kept)["clip"].tolist() == ["a-1-2", "b-2-0"]
    assert known.new_videos(kept) == ["b-2"]


def test_what_the_last_model_had_is_not_new():
    assert record(clips("a-1-0"), clips("a-2-0")).new(clips("a-1-0", "a-2-0", "a-3-0"))["clip"].tolist() == ["a-3-0"]


def test_without_a_model_everything_is_new():
    nothing = records.Record(None, records.nothing(), None, records.nothing())
    assert len(nothing.new(clips("a-1-0", "a-1-1"))) == 2
    assert nothing.learnt().empty


def test_training_and_validation_are_learnt_from_and_test_is_not():
    table = pd.concat([clips("a-1-0"), clips("b-1-0", part="val"), clips("c-1-0", part="test")])
    assert set(record(table).learnt()["channel"]) == {"a", "b"}


def test_a_record_survives_its_folder(tmp_path):
    written = records.Record(3, clips("a-1-0"), 5, clips("a-1-0", "b-1-0"))
    records.write(tmp_path, written)
    back = records.read(tmp_path)
    assert (back.champion, back.last) == (3, 5)
    pd.testing.assert_frame_equal(back.clips, written.clips)
    pd.testing.assert_frame_equal(back.last_clips, written.last_clips)
    empty = records.Record(None, records.nothing(), None, records.nothing())
    records.write(tmp_path, empty)
    assert records.read(tmp_path).champion is None
    assert records.read(tmp_path).clips.empty


def test_a_record_is_made_of_the_kept_clips(tmp_path):
    table = clips("a-1-0", "b-1-0").rename(columns={"part": "split_video"}).assign(kept=[True, False])
    write_table(tmp_path / "curated.parquet", table)
    assert records.of_curated(tmp_path / "curated.parquet", "video")["clip"].tolist() == ["a-1-0"]
    with pytest.raises(InputError, match="split_channel"):
        records.of_curated(tmp_path / "curated.parquet", "channel")
    write_table(tmp_path / "curated.parquet", table.assign(split_video=""))
    with pytest.raises(InputError, match="none of train, val, test"):
        records.of_curated(tmp_path / "curated.parquet", "video")


@pytest.mark.parametrize("text", [None, "[]", "{}", "no JSON"])
def test_what_is_no_record_is_one_line(tmp_path, text):
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    with pytest.raises(InputError, match=r"record\.json.*the step `champion` writes it"):
        records.read(tmp_path)
