"""Decode every kept clip once and write training shards.

A shard holds each clip's frames at a low rate, scaled to a square, and its two channels at 16 kHz, both counted from the clip's
start: frame k is what is seen while sample k / frame_rate * 16000 is heard (supplement, section C: 6 Hz, 256 x 256, 16 kHz).

Which clips a shard holds follows from the curated table and `clips_per_shard` alone. So shards have the same bytes however
many processes or parts wrote them, and a run that was killed goes on with the shards that are missing.
"""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

import leftright
from leftright import audio, files, results, video
from leftright.clips import locate, read_table, write_table
from leftright.data import shards
from leftright.errors import InputError
from leftright.parallel import process_map
from leftright.results import Outcome

CURATED = "curated.parquet"

DESCRIPTION_COLUMNS = (
    "clip",
    "video",
    "channel",
    "start_ms",
    "end_ms",
    "source",
    "url",
    "title",
    "sha256",
    "scene",
    "split_video",
    "split_channel",
    "split_scene",
    "log_energy_difference_db",
)
"""Columns of the curated table that go into a clip's JSON and into the index."""

FACE_COLUMNS = ("face_times_s", "face_xs", "face_lefts", "face_tops", "face_rights", "face_bottoms", "face_led_db")
"""Columns that go into the index alone."""

_INPUT_COLUMNS = (*DESCRIPTION_COLUMNS, *FACE_COLUMNS, "kept", "path", "video_duration_s")
_DONE = ".done"  # the index rows of each finished shard, while the stage runs
# Time stamps may be rounded to a millisecond (Matroska): a frame that is due now must not be missed by half of one.
_TIMESTAMP_ROUNDING_S = 0.001


@dataclass(frozen=True)
class Config:
    """Parameters of `pack`."""

    frame_rate: float
    """frames a second that are kept (paper: 6)"""
    frame_size: int
    """height and width to which frames are scaled, in pixels; training crops from it (paper: 256, cropped to 224)"""
    jpeg_quality: int
    """JPEG quality of the frames, 1 to 100"""
    clips_per_shard: int
    """clips in one tar file"""
    num_workers: int
    """processes that decode at the same time"""

    def __post_init__(self) -> None:
        for name in ("frame_rate", "frame_size", "clips_per_shard", "num_workers"):
            if getattr(self, name) <= 0:
                raise InputError(f"pack.{name} is {getattr(self, name)}; it must be positive")
        if not 1 <= self.jpeg_quality <= 100:
            raise InputError(f"pack.jpeg_quality is {self.jpeg_quality}; it must be in 1 to 100")


@dataclass(frozen=True)
class _Shard:
    """What one process needs to write one shard."""

    name: str
    rows: tuple[Mapping[str, Any], ...]


def run(
    config: Config, *, curated: Path, clips: tuple[Path, ...], out: Path, metrics: Path, part: str = "0/1"
) -> Outcome:
    """Pack the kept clips.

    curated : the directory of `curate`. clips : the directories of `collect` that hold the media files.
    out : gets `shard-NNNNN.tar` and `index.parquet`. part : which shards to write, "index/count".
    Raises InputError where a kept clip is missing or no longer decodes.
    """
    table_path = curated / CURATED
    share = files.Part.parse(part)
    planned = share.of(_plan(_kept(table_path), config.clips_per_shard))
    deciding = {key: value for key, value in asdict(config).items() if key != "num_workers"}
    fingerprint = {
        **deciding,
        "version": leftright.__version__,
        "part": part,
        "curated": files.sha256(table_path),
    }
    with files.resume_directory(out, fingerprint) as directory:
        index = _write_shards(planned, config, clips, directory)
        shutil.rmtree(directory / _DONE, ignore_errors=True)
    values = results.Collector("pack")
    values.add("clips", len(index))
    values.add("shards", len(planned))
    values.add("bytes", sum((out / f"{shard.name}.tar").stat().st_size for shard in planned))
    results.write(metrics, values.values)
    return Outcome(values.values)


def _kept(table_path: Path) -> pd.DataFrame:
    table = read_table(table_path, _INPUT_COLUMNS)
    kept = table[table["kept"]]
    if kept.empty:
        raise InputError(f"{table_path}: no clip is kept; see the verdicts of filter and curate")
    return kept[list(_INPUT_COLUMNS)]


def _plan(kept: pd.DataFrame, clips_per_shard: int) -> list[_Shard]:
    """The whole job's shards. Clips are ordered by a digest of their names, so that each shard is a mixture of channels:
    a cluster that streams shards sees varied batches.
    """
    rows: list[Any] = kept.to_dict("records")
    order = sorted(rows, key=lambda row: blake2b(row["clip"].encode()).digest())
    starts = range(0, len(order), clips_per_shard)
    return [
        _Shard(f"shard-{number:05d}", tuple(order[start : start + clips_per_shard]))
        for number, start in enumerate(starts)
    ]


def _write_shards(planned: Sequence[_Shard], config: Config, sources: Sequence[Path], directory: Path) -> pd.DataFrame:
    """Write the shards that are missing in `directory`, and the index of all."""
    missing = [shard for shard in planned if not _done_path(directory, shard).exists()]
    write = partial(_write_shard, config=config, sources=tuple(sources), directory=directory)
    written = process_map(write, missing, config.num_workers, preload=("scipy.signal",))
    for _ in tqdm(written, total=len(missing), unit="shard", disable=None):
        pass
    rows = [row for shard in planned for row in json.loads(_done_path(directory, shard).read_text())]
    columns = dict.fromkeys((*shards.INDEX_COLUMNS, *DESCRIPTION_COLUMNS, *FACE_COLUMNS))
    index = pd.DataFrame(rows, columns=list(columns))
    index = index.sort_values("clip", ignore_index=True)
    write_table(directory / shards.INDEX, index)
    return index


def _done_path(directory: Path, shard: _Shard) -> Path:
    return directory / _DONE / f"{shard.name}.json"


def _write_shard(shard: _Shard, config: Config, sources: Sequence[Path], directory: Path) -> None:
    """Write one shard, then the rows of it, whose presence says that the shard is finished."""
    path = directory / f"{shard.name}.tar"
    rows = []
    with files.replace_file(path) as temporary:
        with temporary.open("wb") as stream, shards.ShardWriter(stream) as writer:
            for row in shard.rows:
                packed = _packed_clip(row, locate(row["path"], sources), config)
                faces = {name: [float(item) for item in row[name]] for name in FACE_COLUMNS}
                rows.append({**packed.metadata, **writer.add(packed), **faces, "shard": path.name})
        size = temporary.stat().st_size
    with files.replace_file(_done_path(directory, shard)) as temporary:
        temporary.write_text(json.dumps([{**row, "shard_bytes": size} for row in rows]))


def _packed_clip(row: Mapping[str, Any], path: Path, config: Config) -> shards.PackedClip:
    waveform = _waveform(path)
    # Sound and picture are packed as far as both go: a frame past the last one would be a repetition.
    duration_s = min(waveform.shape[1] / audio.SAMPLE_RATE, row["video_duration_s"])
    num_frames = math.ceil(duration_s * config.frame_rate - 1e-6)
    size = (config.frame_size, config.frame_size)
    times_s = np.arange(num_frames) / config.frame_rate + _TIMESTAMP_ROUNDING_S
    frames = video.decode_frames(path, times_s, size)
    metadata = {
        **{name: _plain(row[name]) for name in DESCRIPTION_COLUMNS},
        "frame_rate": config.frame_rate,
        "height": config.frame_size,
        "width": config.frame_size,
        "sample_rate": audio.SAMPLE_RATE,
    }
    num_samples = round(duration_s * audio.SAMPLE_RATE)
    jpegs = [shards.encode_jpeg(frame, config.jpeg_quality) for frame in frames]
    return shards.PackedClip(row["clip"], metadata, waveform[:, :num_samples], jpegs)


def _waveform(path: Path) -> NDArray[np.int16]:
    """The clip's sound as (2, samples) int16 at 16 kHz."""
    waveform, sample_rate = video.decode_audio(path)
    if waveform.shape[0] != 2:
        raise InputError(f"{path}: has {waveform.shape[0]} sound channel(s) and not two; run filter again")
    return shards.to_pcm(audio.resample(waveform, sample_rate))


def _plain(value: Any) -> Any:
    """A table's value as JSON has it: unknown is null."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
