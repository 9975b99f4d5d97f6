"""Each expectation against a row that breaks it and nothing else."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from leftright import contracts
from leftright.clips import CLIP_COLUMNS, FACE_EDGES, MEASURE_COLUMNS
from leftright.contracts.suites import CONTRACTS
from leftright.errors import InputError

SOURCE = Path("data/some/table.parquet")
NUM_ROWS = 60
KEPT, REJECTED = slice(0, 50), slice(50, None)


def clips_table() -> pd.DataFrame:
    """Good rows, each of a video and a channel of its own."""
    numbers = range(NUM_ROWS)
    same = {
        "start_ms": 0,
        "end_ms": 10_000,
        "sha256": "0123456789abcdef" * 4,
        "bytes": 1000,
        "duration_s": 10.0,
        "width": 256,
        "height": 192,
        "frame_rate": 12.0,
        "video_codec": "h264",
        "sample_rate": 48_000,
        "num_channels": 2,
        "channel_layout": "stereo",
        "audio_codec": "aac",
        "projection": "",
        "sound_field": "",
        "source": "folder",
        "url": "",
        "title": "",
    }
    table = pd.DataFrame({"clip": [f"v{number}_0_10000" for number in numbers]}).assign(**same)
    table["video"] = [f"v{number}" for number in numbers]
    table["channel"] = [f"c{number}" for number in numbers]
    table["path"] = [f"clips/{clip}.mp4" for clip in table["clip"]]
    return table[list(CLIP_COLUMNS)].astype(CLIP_COLUMNS)


def filtered_table() -> pd.DataFrame:
    """The same rows, measured; the last are mono and rejected for it."""
    measures: dict[str, Any] = {
        "audio_duration_s": 10.0,
        "video_duration_s": 10.0,
        "rms_db": -30.0,
        "channel_correlation": 0.5,
        "side_to_mid_db": -6.0,
        "polarity": 0.8,
        "offcentre_share": 0.9,
        "log_energy_difference_db": 1.0,
        "motion": 60.0,
        "scene_signature": [0.5, 0.5, 0.5],
        "face_share": 1.0,
        "face_score": 0.99,
        "num_faces": 1.0,
        "face_times_s": [2.5, 7.5],
        "face_xs": [0.3, float("nan")],
        "face_lefts": [0.1, float("nan")],
        "face_tops": [0.2, float("nan")],
        "face_rights": [0.5, float("nan")],
        "face_bottoms": [0.7, float("nan")],
        "face_led_db": [-1.0, 2.0],
        "verdict": "kept",
        "reason": "",
    }
    unmeasured = {name: [] if kind == "object" else np.nan for name, kind in MEASURE_COLUMNS.items()}
    mono = unmeasured | {
        "audio_duration_s": 10.0,
        "video_duration_s": 10.0,
        "verdict": "rejected",
        "reason": "not_stereo",
    }
    num_kept = KEPT.stop
    added = pd.DataFrame([measures] * num_kept + [mono] * (NUM_ROWS - num_kept), columns=list(MEASURE_COLUMNS))
    table = pd.concat([clips_table(), added], axis="columns")
    table.loc[num_kept:, "num_channels"] = 1
    return table.astype(CLIP_COLUMNS | MEASURE_COLUMNS)


def curated_table() -> pd.DataFrame:
    """The same rows, curated: what passed the filter trains, each in a scene of its own."""
    table = filtered_table()
    kept = table["verdict"] == "kept"
    split = pd.Series("train", index=table.index).where(kept, "")
    scenes = [f"s{number}" for number in range(NUM_ROWS)]
    return table.assign(
        kept=kept, kept_reason="evidence", scene=scenes, split_video=split, split_channel=split, split_scene=split
    )


TABLES = {"clips": clips_table, "filtered": filtered_table, "curated": curated_table}

Break = tuple[str, Any, str]
"""A column, a value that it must not hold, and what must then be said of that row."""

CLIP_BREAKS: list[Break] = [
    ("clip", "v0_0_10000", "column clip: expect_column_values_to_be_unique"),
    ("clip", "v1.mp4", "column clip: expect_column_values_to_match_regex"),
    ("video", "v 1", "column video: expect_column_values_to_match_regex"),
    ("channel", "", "column channel: expect_column_values_to_match_regex"),
    ("title", None, "column empty_columns"),
    ("start_ms", -1, "column start_ms"),
    ("end_ms", 0, "column end_ms and start_ms"),
    ("path", "/clips/v1.mp4", "column path"),
    ("path", "clips/../../v1.mp4", "column path"),
    ("sha256", "123", "column sha256"),
    ("bytes", 0, "column bytes"),
    ("duration_s", -1.0, "column duration_s"),
    ("width", -1, "column width"),
    ("height", -1, "column height"),
    ("frame_rate", -1.0, "column frame_rate"),
    ("sample_rate", -1, "column sample_rate"),
    ("num_channels", -1, "column num_channels"),
    ("projection", "round", "column projection: expect_column_values_to_be_in_set"),
    ("sound_field", "stereo", "column sound_field: expect_column_values_to_be_in_set"),
]

FILTERED_BREAKS: list[Break] = [
    ("verdict", "maybe", "column verdict"),
    ("reason", "silent", "column reason"),
    ("motion", np.nan, "column unmeasured"),
    ("num_channels", 1, "column num_channels: expect_column_values_to_be_between"),
    ("audio_duration_s", -1.0, "column audio_duration_s"),
    ("video_duration_s", -1.0, "column video_duration_s"),
    ("rms_db", 30.0, "column rms_db"),
    ("channel_correlation", 1.1, "column channel_correlation"),
    ("polarity", -1.1, "column polarity"),
    ("offcentre_share", 1.1, "column offcentre_share"),
    ("motion", 256.0, "column motion"),
    ("face_share", 1.1, "column face_share"),
    ("face_score", 1.1, "column face_score"),
    ("num_faces", -1.0, "column num_faces"),
    ("face_times_s", [2.5], "column face_list_lengths"),
    ("face_xs", [0.3, -0.1], "column face_x_min"),
    ("face_xs", [0.3, 1.1], "column face_x_max"),
    ("face_tops", [0.2], "column face_list_lengths"),
    ("face_lefts", [-0.1, np.nan], "column face_edge_min"),
    ("face_bottoms", [1.1, np.nan], "column face_edge_max"),
    ("face_rights", [0.1, np.nan], "column face_width_min"),
    ("face_bottoms", [0.2, np.nan], "column face_height_min"),
    ("face_rights", [np.nan, np.nan], "column face_gaps"),
    ("face_xs", [0.05, np.nan], "column face_misses"),
]

REJECTED_BREAKS: list[Break] = [("reason", "ugly", "column reason"), ("reason", "", "column reason")]
"""Of a rejected clip."""

CURATED_BREAKS: list[Break] = [
    ("verdict", "rejected", "column verdict: expect_column_values_to_be_in_set"),
    ("kept", "perhaps", "column kept:"),
    ("kept_reason", None, "column kept_reason"),
    ("scene", None, "column scene"),
    *[(f"split_{kind}", "exam", f"column split_{kind}") for kind in ("video", "channel", "scene")],
    *[(f"split_{kind}", "", f"column split_{kind}") for kind in ("video", "channel", "scene")],
    *[(f"split_{kind}", "val", f"column num_splits_of_{kind}") for kind in ("video", "channel", "scene")],
]

UNUSED_BREAKS: list[Break] = [
    (f"split_{kind}", "train", f"column split_{kind}") for kind in ("video", "channel", "scene")
]
"""Of a clip that is not kept."""

CASES = [
    *[("clips", "kept", *one) for one in CLIP_BREAKS],
    *[("filtered", "kept", *one) for one in FILTERED_BREAKS],
    *[("filtered", "rejected", *one) for one in REJECTED_BREAKS],
    *[("curated", "kept", *one) for one in CURATED_BREAKS],
    *[("curated", "rejected", *one) for one in UNUSED_BREAKS],
]


@functools.cache
def found(suite: str) -> tuple[list[str], dict[int, str]]:
    """One table in which each break of `suite` is planted in a row of its own: what is said of it, and each case's clip."""
    table = TABLES[suite]().astype(object)
    rows = {"kept": list(table.index[KEPT][1:]), "rejected": list(table.index[REJECTED])}
    clips = {}
    for case, (name, kind, column, value, _) in enumerate(CASES):
        if name == suite:
            row = rows[kind].pop(0)
            if value == "val":  # of one video, channel or scene with the first row, which trains
                group = column.removeprefix("split_")
                table.at[row, group] = table.at[0, group]
            table.at[row, column] = value
            clips[case] = str(table.at[row, "clip"])
    return contracts.problems(suite, table), clips


@pytest.mark.parametrize("suite", contracts.SUITES)
def test_a_good_table_passes(suite: str) -> None:
    contracts.check(suite, TABLES[suite](), SOURCE)


@pytest.mark.parametrize(
    "case", range(len(CASES)), ids=[f"{name}-{column}-{value}" for name, _, column, value, _ in CASES]
)
def test_a_broken_row_is_caught_and_named(case: int) -> None:
    suite, _, _, _, said = CASES[case]
    problems, clips = found(suite)
    assert [problem for problem in problems if said in problem and f"{clips[case]} (" in problem]


def test_every_expectation_is_broken_by_one_of_these() -> None:
    """An expectation that nothing here breaks may be one that cannot fail."""
    broken = {problem.split(" fails in")[0] for suite in contracts.SUITES for problem in found(suite)[0]}
    for contract in CONTRACTS.values():
        for expectation in contract.rows:
            config = expectation.configuration
            columns = [config.kwargs[name] for name in ("column", "column_A", "column_B") if name in config.kwargs]
            name = f"column {' and '.join(columns)}: {config.type}"
            assert not columns or name in broken


@pytest.mark.parametrize("edge", FACE_EDGES)
def test_each_edge_of_a_face_is_held_to_the_same(edge: str) -> None:
    """One row each: another length, an edge outside the picture on either side, an edge missing; then a good one."""
    table = filtered_table()
    for row, values in enumerate(([0.3], [-0.1, np.nan], [1.1, np.nan], [np.nan, np.nan])):
        table.at[row, edge] = values
    facts = CONTRACTS["filtered"].widen(table)
    assert facts["face_list_lengths"].tolist()[:5] == [2, 1, 1, 1, 1]
    assert (facts["face_edge_min"] < 0).tolist()[:5] == [False, True, False, False, False]
    assert (facts["face_edge_max"] > 1).tolist()[:5] == [False, False, True, False, False]
    assert facts["face_gaps"].tolist()[:5] == [0, 0, 0, 1, 0]


@pytest.mark.parametrize(("suite", "column"), [("clips", "sha256"), ("filtered", "face_xs"), ("curated", "scene")])
def test_a_missing_column_is_named(suite: str, column: str) -> None:
    with pytest.raises(InputError, match=f"breaks the contract `{suite}`: .*missing {column};"):
        contracts.check(suite, TABLES[suite]().drop(columns=column), SOURCE)


def test_later_tables_hold_to_the_earlier_contracts() -> None:
    table = curated_table()
    table.loc[3, "bytes"], table.loc[4, "face_share"] = 0, 2.0
    with pytest.raises(
        InputError, match=r"column bytes: .* v3_0_10000 \(0\); column face_share: .* v4_0_10000 \(2\.0\)"
    ):
        contracts.check("curated", table, SOURCE)


def test_a_collection_without_clips_is_caught_and_an_empty_part_is_not() -> None:
    with pytest.raises(InputError, match="expect_table_row_count_to_be_between: found 0"):
        contracts.check("clips", clips_table().iloc[:0], SOURCE)
    contracts.check("filtered", filtered_table().iloc[:0], SOURCE)


def test_the_line_names_the_file_and_some_rows_and_counts_the_rest() -> None:
    table = clips_table()
    table["bytes"], table["width"], table["height"], table["sample_rate"] = 0, -1, -1, -1
    with pytest.raises(InputError) as caught:
        contracts.check("clips", table, SOURCE)
    message = str(caught.value)
    assert message.startswith(f"{SOURCE}: breaks the contract `clips`: column bytes: ")
    assert "fails in 60 of 60 rows, such as v0_0_10000 (0), v1_0_10000 (0), v2_0_10000 (0); " in message
    assert "; and 1 more; run the stage that writes it again" in message
    assert "\n" not in message
