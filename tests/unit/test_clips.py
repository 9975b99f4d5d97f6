"""The clip manifest: names that are safe anywhere, tables that say what they lack."""

import re
from string import ascii_letters, digits

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leftright.clips import CLIP_COLUMNS, MANIFEST, clip_id, locate, read_table, read_tables, safe_name, write_table
from leftright.errors import InputError


def test_clip_ids_have_the_published_form():
    assert clip_id("dQw4w9WgXcQ", 30_000, 40_000) == "dQw4w9WgXcQ_30000_40000"


@given(st.text(ascii_letters + digits + "-_", min_size=11, max_size=11))
@settings(deadline=None)
def test_youtube_ids_pass_unchanged(video):
    assert safe_name(video) == video


@given(st.text())
@settings(deadline=None)
def test_names_are_safe_and_naming_again_changes_nothing(text):
    name = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
    assert safe_name(name) == name


def test_names_stay_readable():
    assert safe_name("My ASMR: tapping & brushing.mp4") == "My-ASMR-tapping-brushing-mp4"
    assert safe_name("耳かき") == "unnamed"


def test_every_column_has_a_type_that_pandas_knows():
    table = pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in CLIP_COLUMNS.items()})
    assert list(table.columns) == list(CLIP_COLUMNS)


@pytest.fixture
def table():
    return pd.DataFrame({"clip": ["a_0_1", "b_0_1"], "video": ["a", "b"], "face_xs": [[0.25, float("nan")], []]})


def test_a_table_is_read_as_it_was_written(tmp_path, table):
    write_table(tmp_path / "deep" / MANIFEST, table)
    back = read_table(tmp_path / "deep" / MANIFEST, ["clip", "video"])
    assert back["clip"].tolist() == ["a_0_1", "b_0_1"]
    assert next(iter(back["face_xs"][0])) == 0.25
    assert len(back["face_xs"][1]) == 0
    assert [path.name for path in (tmp_path / "deep").iterdir()] == [MANIFEST]


def test_missing_unreadable_and_incomplete_tables_are_named_in_one_line(tmp_path, table):
    (tmp_path / "text.parquet").write_text("not\na table")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    write_table(tmp_path / "whole.parquet", table)
    for name, columns, what in (
        ("none.parquet", [], "no such table"),
        ("text.parquet", [], "not a readable Parquet table"),
        ("cut.parquet", [], "not a readable Parquet table"),
        ("whole.parquet", ["clip", "verdict", "reason"], r"lacks the column\(s\) verdict, reason"),
    ):
        with pytest.raises(InputError, match=what) as caught:
            read_table(tmp_path / name, columns)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_parts_make_one_table_ordered_by_clip(tmp_path, table):
    for part, rows in (("0", table.iloc[1:]), ("1", table.iloc[:1])):
        write_table(tmp_path / part / MANIFEST, rows)
    joined = read_tables([tmp_path / "0", tmp_path / "1"], MANIFEST)
    assert joined["clip"].tolist() == ["a_0_1", "b_0_1"]
    assert joined.index.tolist() == [0, 1]


def test_a_clip_in_two_parts_is_refused(tmp_path, table):
    for part in ("0", "1"):
        write_table(tmp_path / part / MANIFEST, table)
    with pytest.raises(InputError, match="the clip a_0_1 stands in two parts"):
        read_tables([tmp_path / "0", tmp_path / "1"], MANIFEST)


def test_a_file_is_found_in_whichever_directory_has_it(tmp_path):
    (tmp_path / "1" / "clips").mkdir(parents=True)
    (tmp_path / "1" / "clips" / "a.mp4").write_bytes(b"")
    directories = [tmp_path / "0", tmp_path / "1"]
    assert locate("clips/a.mp4", directories) == tmp_path / "1" / "clips" / "a.mp4"
    with pytest.raises(InputError, match=r"clips/b\.mp4: in none of .*0, .*1; run collect again"):
        locate("clips/b.mp4", directories)
