"""Clips into training shards: decoded once, laid into tar files, listed in an index.

A shard holds each clip's frames at a low rate, scaled to a square, and its two channels at 16 kHz, both counted from the clip's
start: frame k is what is seen while sample k / frame_rate * 16000 is heard (supplement, section C: 6 Hz, 256 x 256, 16 kHz).

Which clips a shard holds follows from the clips' names and `clips_per_shard` alone. So shards have the same bytes however
many processes or parts wrote them, and a run that was killed goes on with the shards that are missing. Where sound and picture
come from is the caller's: `stages/pack.py` has both in one file, `data/fairplay.py` in two.
"""

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
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
from leftright.clips import write_table
from leftright.data import shards
from leftright.errors import InputError
from leftright.parallel import process_map

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
"""What is known of a clip, in its JSON and in the index."""

FACE_COLUMNS = ("face_times_s", "face_xs", "face_lefts", "face_tops", "face_rights", "face_bottoms", "face_led_db")
"""Columns that go into the index alone."""

_DONE = ".done"  # the index rows of each finished shard, while the work goes on
# Time stamps may be rounded to a millisecond (Matroska): a frame that is due now must not be missed by half of one.
_TIMESTAMP_ROUNDING_S = 0.001


@dataclass(frozen=True)
class Packing:
    """How clips are packed: the parameters of `pack`, and of whatever else writes shards."""

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

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of the packed frames."""
        return self.frame_size, self.frame_size


@dataclass(frozen=True)
class Source:
    """A clip before it is packed.

    description : a value for each of DESCRIPTION_COLUMNS. faces : a list for each of FACE_COLUMNS, one item a sampled frame.
    waveform : (channels, samples) int16 at 16 kHz, left first. picture : the media file of the frames. video_duration_s : how
    long they go on, in seconds.
    """

    description: Mapping[str, Any]
    faces: Mapping[str, Sequence[float]]
    waveform: NDArray[np.int16]
    picture: Path
    video_duration_s: float


Row = Mapping[str, Any]
"""What a clip is read from; its key "clip" is the clip's name."""
Reader = Callable[[Row], Source]


@dataclass(frozen=True)
class _Shard:
    """What one process needs to write one shard."""

    name: str
    rows: tuple[Row, ...]


def write_shards(
    rows: Sequence[Row], read: Reader, packing: Packing, out: Path, inputs: Mapping[str, object], part: str
) -> pd.DataFrame:
    """Pack clips into `out` as `shard-NNNNN.tar` and `index.parquet`.

    rows : every clip of the job. read : makes a row's source, in a process of its own, so it must pickle. inputs : what decides
    the result beside `packing` and the version, as JSON values: what was begun with other inputs starts anew. part : which
    shards to write, "index/count". Returns the index. Raises InputError where a clip cannot be read.
    """
    planned = files.Part.parse(part).of(_plan(rows, packing.clips_per_shard))
    deciding = {key: value for key, value in asdict(packing).items() if key != "num_workers"}
    fingerprint = {**deciding, "version": leftright.__version__, "part": part, **inputs}
    with files.resume_directory(out, fingerprint) as directory:
        index = _write_missing(planned, read, packing, directory)
        shutil.rmtree(directory / _DONE, ignore_errors=True)
    return index


def account(name: str, index: pd.DataFrame) -> results.Collector:
    """The counts of what was packed, under the prefix `name`."""
    values = results.Collector(name)
    sizes = index.drop_duplicates("shard")["shard_bytes"].tolist()
    values.add("clips", len(index))
    values.add("shards", len(sizes))
    values.add("bytes", sum(sizes))
    return values


def read_stereo(path: Path, mend: str) -> NDArray[np.int16]:
    """A file's sound as (2, samples) int16 at 16 kHz. Raises InputError, with `mend` for what to do, if it is not stereo."""
    waveform, sample_rate = video.decode_audio(path)
    if waveform.shape[0] != 2:
        raise InputError(f"{path}: has {waveform.shape[0]} sound channel(s) and not two; {mend}")
    return audio.to_pcm(audio.resample(waveform, sample_rate))


def _plan(rows: Sequence[Row], clips_per_shard: int) -> list[_Shard]:
    """The whole job's shards. Clips are ordered by a digest of their names, so that each shard is a mixture of channels:
    a cluster that streams shards sees varied batches.
    """
    order = sorted(rows, key=lambda row: blake2b(row["clip"].encode()).digest())
    starts = range(0, len(order), clips_per_shard)
    return [
        _Shard(f"shard-{number:05d}", tuple(order[start : start + clips_per_shard]))
        for number, start in enumerate(starts)
    ]


def _write_missing(planned: Sequence[_Shard], read: Reader, packing: Packing, directory: Path) -> pd.DataFrame:
    """Write the shards that are missing in `directory`, and the index of all."""
    missing = [shard for shard in planned if not _done_path(directory, shard).exists()]
    write = partial(_write_shard, read=read, packing=packing, directory=directory)
    written = process_map(write, missing, packing.num_workers, preload=("scipy.signal",))
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


def _write_shard(shard: _Shard, read: Reader, packing: Packing, directory: Path) -> None:
    """Write one shard, then the rows of it, whose presence says that the shard is finished."""
    path = directory / f"{shard.name}.tar"
    rows = []
    with files.replace_file(path) as temporary:
        with temporary.open("wb") as stream, shards.ShardWriter(stream) as writer:
            for row in shard.rows:
                source = read(row)
                packed = _packed_clip(source, packing)
                faces = {name: [float(item) for item in source.faces[name]] for name in FACE_COLUMNS}
                rows.append({**packed.metadata, **writer.add(packed), **faces, "shard": path.name})
        size = temporary.stat().st_size
    with files.replace_file(_done_path(directory, shard)) as temporary:
        temporary.write_text(json.dumps([{**row, "shard_bytes": size} for row in rows]))


def _packed_clip(source: Source, packing: Packing) -> shards.PackedClip:
    # Sound and picture are packed as far as both go: a frame past the last one would be a repetition.
    duration_s = min(source.waveform.shape[1] / audio.SAMPLE_RATE, source.video_duration_s)
    num_frames = math.ceil(duration_s * packing.frame_rate - 1e-6)
    height, width = packing.frame_shape
    times_s = np.arange(num_frames) / packing.frame_rate + _TIMESTAMP_ROUNDING_S
    frames = video.decode_frames(source.picture, times_s, (height, width))
    metadata = {
        **{name: _plain(source.description[name]) for name in DESCRIPTION_COLUMNS},
        "frame_rate": packing.frame_rate,
        "height": height,
        "width": width,
        "sample_rate": audio.SAMPLE_RATE,
    }
    num_samples = round(duration_s * audio.SAMPLE_RATE)
    jpegs = [shards.encode_jpeg(frame, packing.jpeg_quality) for frame in frames]
    return shards.PackedClip(metadata["clip"], metadata, source.waveform[:, :num_samples], jpegs)


def _plain(value: Any) -> Any:
    """A table's value as JSON has it: unknown is null."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
