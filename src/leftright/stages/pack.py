"""Decode every kept clip once and write training shards.

Sound and picture of a clip are in one media file. What a shard holds, and how a killed run goes on, is said in
`data/packing.py`, which writes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from leftright import files, results
from leftright.clips import locate, read_table
from leftright.data import packing
from leftright.data.packing import DESCRIPTION_COLUMNS, FACE_COLUMNS, Packing
from leftright.errors import InputError
from leftright.results import Outcome

CURATED = "curated.parquet"

_INPUT_COLUMNS = (*DESCRIPTION_COLUMNS, *FACE_COLUMNS, "kept", "path", "video_duration_s")


@dataclass(frozen=True)
class Config(Packing):
    """Parameters of `pack`."""


def run(
    config: Config, *, curated: Path, clips: tuple[Path, ...], out: Path, metrics: Path, part: str = "0/1"
) -> Outcome:
    """Pack the kept clips.

    curated : the directory of `curate`. clips : the directories of `collect` that hold the media files.
    out : gets `shard-NNNNN.tar` and `index.parquet`. part : which shards to write, "index/count".
    Raises InputError where a kept clip is missing or no longer decodes.
    """
    table_path = curated / CURATED
    rows = _kept(table_path)
    inputs = {"curated": files.sha256(table_path)}
    index = packing.write_shards(rows, partial(_read, sources=clips), config, out, inputs, part)
    values = packing.account("pack", index).values
    results.write(metrics, values)
    return Outcome(values)


def _kept(table_path: Path) -> list[packing.Row]:
    table = read_table(table_path, _INPUT_COLUMNS)
    kept = table[table["kept"]]
    if kept.empty:
        raise InputError(f"{table_path}: no clip is kept; see the verdicts of filter and curate")
    rows: list[Any] = kept[list(_INPUT_COLUMNS)].to_dict("records")
    return rows


def _read(row: packing.Row, sources: Sequence[Path]) -> packing.Source:
    path = locate(row["path"], sources)
    return packing.Source(
        description=row,
        faces=row,
        waveform=packing.read_stereo(path, "run filter again"),
        picture=path,
        video_duration_s=row["video_duration_s"],
    )
