"""The suites themselves, in Great Expectations' terms. Importing this module imports Great Expectations: a few seconds.

What concerns several columns or rows at once (lists of equal length, one split a channel) is first written into a
column of its own, so that the suites stay plain lists of expectations.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

from great_expectations import expectations as gx
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column, ComparisonCondition

from leftright.clips import CLIP_COLUMNS, FACE_EDGES, MEASURE_COLUMNS, PROJECTIONS, REASONS, SOUND_FIELDS

CURATE_COLUMNS = ("kept", "kept_reason", "scene", "split_video", "split_channel", "split_scene")
SPLITS = ("train", "val", "test")

_LISTS = ("face_times_s", "face_xs", *FACE_EDGES, "face_led_db")
_GROUPS = ("video", "channel", "scene")  # what each kind of split keeps together


@dataclass(frozen=True)
class Contract:
    """Expectations about the columns, then about the rows of the table as `widen` returns it."""

    columns: tuple[Expectation, ...]
    rows: tuple[Expectation, ...]
    widen: Callable[[pd.DataFrame], pd.DataFrame]


def _between(
    column: str, low: float | None, high: float | None = None, when: ComparisonCondition | None = None
) -> Expectation:
    return gx.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, row_condition=when)


def _positive(column: str) -> Expectation:
    return gx.ExpectColumnValuesToBeBetween(column=column, min_value=0, strict_min=True)


def _matches(column: str, pattern: str) -> Expectation:
    return gx.ExpectColumnValuesToMatchRegex(column=column, regex=pattern)


def _among(column: str, values: tuple[object, ...], when: ComparisonCondition | None = None) -> Expectation:
    return gx.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), row_condition=when)


def _columns(*names: str) -> tuple[Expectation, ...]:
    return (gx.ExpectTableColumnsToMatchSet(column_set=list(names), exact_match=False),)


def _missing(table: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    """Of each row the names of those of `columns` that are empty, in one text, or ""."""
    is_missing = table[[name for name in columns if name in table]].isna()
    missing = pd.Series("", index=table.index, dtype="str")
    for row in table.index[is_missing.any(axis="columns")]:
        missing[row] = ", ".join(is_missing.columns[is_missing.loc[row]])
    return missing


def _with_clip_facts(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(empty_columns=_missing(table, CLIP_COLUMNS))


_CLIP_ROWS = (
    gx.ExpectColumnValuesToBeUnique(column="clip"),
    _matches("clip", r"^[A-Za-z0-9_-]+_\d+_\d+$"),
    _matches("video", r"^[A-Za-z0-9_-]+$"),
    _among("empty_columns", ("",)),
    _matches("channel", r"\S"),
    _between("start_ms", 0),
    gx.ExpectColumnPairValuesAToBeGreaterThanB(column_A="end_ms", column_B="start_ms"),
    _matches("path", r"^(?!/)(?!.*\.\.)."),  # relative, and never out of its directory
    _matches("sha256", r"^[0-9a-f]{64}$"),
    _between("bytes", 1),
    _between("duration_s", 0),
    _between("width", 0),
    _between("height", 0),
    _between("frame_rate", 0),
    _between("sample_rate", 0),
    _between("num_channels", 0),
    _among("projection", PROJECTIONS),
    _among("sound_field", SOUND_FIELDS),
)

CLIPS = Contract(
    columns=_columns(*CLIP_COLUMNS),
    rows=(gx.ExpectTableRowCountToBeBetween(min_value=1), *_CLIP_ROWS),
    widen=_with_clip_facts,
)


def _with_measure_facts(table: pd.DataFrame) -> pd.DataFrame:
    """Add what a kept clip lacks, how many lengths its lists have, and what is extreme among its faces."""
    table = _with_clip_facts(table)
    if not {*_LISTS, "verdict"} <= set(table.columns):
        return table
    numbers = [name for name, kind in MEASURE_COLUMNS.items() if kind == "float64"]
    num_lengths = [len({len(values) for values in row}) for row in zip(*(table[name] for name in _LISTS), strict=True)]
    positions = [np.asarray(values, np.float64) for values in table["face_xs"]]
    return table.assign(
        unmeasured=_missing(table, numbers).where(table["verdict"] == "kept", ""),
        face_list_lengths=num_lengths,
        face_x_min=[np.nanmin(values, initial=np.inf) for values in positions],
        face_x_max=[np.nanmax(values, initial=-np.inf) for values in positions],
        **_box_facts(table),
    )


def _box_facts(table: pd.DataFrame) -> dict[str, list[float]]:
    """Of each row's face boxes: the outermost edges, the least sides, how many are incomplete, and how many miss `face_xs`."""
    boxes = [_boxes(*lists) for lists in zip(table["face_xs"], *(table[name] for name in FACE_EDGES), strict=True)]
    missing = [np.isnan(places) for places in boxes]
    return {
        "face_edge_min": [np.nanmin(places[1:], initial=np.inf) for places in boxes],
        "face_edge_max": [np.nanmax(places[1:], initial=-np.inf) for places in boxes],
        "face_width_min": [np.nanmin(right - left, initial=np.inf) for _, left, _, right, _ in boxes],
        "face_height_min": [np.nanmin(bottom - top, initial=np.inf) for _, _, top, _, bottom in boxes],
        "face_gaps": [int(np.sum(gaps.any(axis=0) & ~gaps.all(axis=0))) for gaps in missing],
        "face_misses": [int(np.sum((x < left) | (x > right))) for x, left, _, right, _ in boxes],
    }


def _boxes(*lists: Sequence[float]) -> NDArray[np.float64]:
    """`face_xs` and the edges of one row, (5, faces), as far as all of them go."""
    return np.array(list(zip(*lists, strict=False)), np.float64).reshape(-1, 5).T


_KEPT: ComparisonCondition = Column("verdict") == "kept"
_REJECTED = Column("verdict") == "rejected"

_FILTERED_ROWS = (
    *_CLIP_ROWS,
    _among("verdict", ("kept", "rejected")),
    _among("reason", ("",), when=_KEPT),
    _among("reason", REASONS, when=_REJECTED),
    _among("unmeasured", ("",)),
    _between("num_channels", 2, 2, when=_KEPT),
    _between("audio_duration_s", 0),
    _between("video_duration_s", 0),
    _between("rms_db", -120, 20),
    _between("channel_correlation", -1.001, 1.001),
    _between("polarity", -1.001, 1.001),
    _between("offcentre_share", 0, 1),
    _between("motion", 0, 255),
    _between("face_share", 0, 1),
    _between("face_score", 0, 1),
    _between("num_faces", 0),
    _between("face_list_lengths", 1, 1),
    _between("face_x_min", 0),
    _between("face_x_max", None, 1),
    _between("face_edge_min", 0),
    _between("face_edge_max", None, 1),
    _positive("face_width_min"),
    _positive("face_height_min"),
    _between("face_gaps", 0, 0),
    _between("face_misses", 0, 0),
)

FILTERED = Contract(
    columns=_columns(*CLIP_COLUMNS, *MEASURE_COLUMNS),
    rows=_FILTERED_ROWS,
    widen=_with_measure_facts,
)


def _with_split_facts(table: pd.DataFrame) -> pd.DataFrame:
    """Add, where the splits are there, in how many of them a kept clip's video, channel and scene stand."""
    table = _with_measure_facts(table)
    if not set(CURATE_COLUMNS) <= set(table.columns):
        return table
    kept = table[table["kept"].astype(bool)]
    counts = {f"num_splits_of_{group}": kept.groupby(group)[f"split_{group}"].nunique() for group in _GROUPS}
    return table.assign(
        **{name: table[name.removeprefix("num_splits_of_")].map(count) for name, count in counts.items()}
    )


_IN_USE = Column("kept") == True  # noqa: E712 (a condition on a column, not a truth value)
_OUT_OF_USE = Column("kept") == False  # noqa: E712

CURATED = Contract(
    columns=_columns(*CLIP_COLUMNS, *MEASURE_COLUMNS, *CURATE_COLUMNS),
    rows=(
        *_FILTERED_ROWS,
        _among("kept", (True, False)),
        _among("verdict", ("kept",), when=_IN_USE),
        *(gx.ExpectColumnValuesToNotBeNull(column=name) for name in ("kept_reason", "scene")),
        *(_among(f"split_{group}", SPLITS, when=_IN_USE) for group in _GROUPS),
        *(_among(f"split_{group}", ("",), when=_OUT_OF_USE) for group in _GROUPS),
        *(_between(f"num_splits_of_{group}", 1, 1, when=_IN_USE) for group in _GROUPS),
    ),
    widen=_with_split_facts,
)

CONTRACTS = {"clips": CLIPS, "filtered": FILTERED, "curated": CURATED}
