"""Training shards: tar files of clips that are decoded once, read at random through a memory map.

A shard follows the WebDataset convention, so that a person can look inside with `tar` and a cluster can stream it: the members
of a clip stand together and share its name up to the first dot.

    <clip>.json      what is known of the clip
    <clip>.pcm       the sound: 16-bit little-endian samples, left and right in turn, at 16 kHz; or the four of ambiX
    <clip>.000.jpg   the picture at the clip's start; frame k is what is seen at k / frame_rate seconds

`index.parquet` has one row a clip, with the place, size and CRC-32 of every member: a reader needs no tar parser. A shard's
bytes follow from its content alone (no times, no owners), so that packing again gives the same file.
"""

import json
import mmap
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.clips import read_table
from leftright.errors import InputError

INDEX = "index.parquet"
INDEX_COLUMNS = (
    "clip",
    "video",
    "channel",
    "shard",
    "shard_bytes",
    "num_frames",
    "frame_rate",
    "height",
    "width",
    "sample_rate",
    "num_samples",
    "json_offset",
    "json_bytes",
    "json_crc32",
    "pcm_offset",
    "pcm_bytes",
    "pcm_crc32",
    "frame_offset",
    "frame_bytes",
    "frame_crc32",
)
"""What the index holds at least; the three `frame_` columns hold a list, one item a frame. `pack` adds what is known."""

_BLOCK = tarfile.BLOCKSIZE
_PCM = np.dtype("<i2")
_NUM_CHANNELS = (2, 4)  # stereo, and a sound field of first order
_MEND = "pack it again"


class Member(NamedTuple):
    """Where a tar member's content lies in its shard."""

    offset: int
    size: int
    crc32: int


@dataclass(frozen=True)
class PackedClip:
    """A clip as it is stored. waveform : (channels, samples) int16, left first. jpegs : the encoded frames, in order."""

    clip: str
    metadata: Mapping[str, Any]
    waveform: NDArray[np.int16]
    jpegs: Sequence[bytes]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a shard; `clip` is empty where it concerns the whole shard."""

    shard: Path
    clip: str
    what: str

    def __str__(self) -> str:
        return f"{self.shard}{f', clip {self.clip}' if self.clip else ''}: {self.what}; {_MEND}"


def encode_jpeg(frame: NDArray[np.uint8], quality: int) -> bytes:
    """A (height, width, 3) RGB frame as JPEG of `quality` 1..100."""
    written, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not written:
        raise ValueError(f"a frame of shape {frame.shape} cannot be encoded")
    return data.tobytes()


def decode_jpeg(data: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """(3, height, width) RGB of a JPEG's bytes, or None where they are not a JPEG."""
    frame = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    return None if frame is None else np.asarray(frame, np.uint8).transpose(2, 0, 1)


class ShardWriter:
    """Writes one shard, clip after clip. Use it as a context: the tar's end is written on leaving."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._stream.write(bytes(2 * _BLOCK))

    def add(self, clip: PackedClip) -> dict[str, Any]:
        """Append a clip. Returns its row of the index, as far as this file decides it."""
        document = json.dumps(dict(clip.metadata), sort_keys=True, indent=1, allow_nan=False) + "\n"
        described = self._add(f"{clip.clip}.json", document.encode())
        sound = self._add(f"{clip.clip}.pcm", clip.waveform.T.astype(_PCM).tobytes())
        frames = [self._add(_frame_name(clip.clip, number), jpeg) for number, jpeg in enumerate(clip.jpegs)]
        offsets, sizes, checksums = (list(column) for column in zip(*frames, strict=True)) if frames else ([], [], [])
        return {
            "clip": clip.clip,
            "num_frames": len(frames),
            "num_samples": clip.waveform.shape[1],
            **dict(zip(("json_offset", "json_bytes", "json_crc32"), described, strict=True)),
            **dict(zip(("pcm_offset", "pcm_bytes", "pcm_crc32"), sound, strict=True)),
            "frame_offset": offsets,
            "frame_bytes": sizes,
            "frame_crc32": checksums,
        }

    def _add(self, name: str, data: bytes) -> Member:
        header = tarfile.TarInfo(name)  # mode 0644, time 0, nobody's: the same bytes on every machine
        header.size = len(data)
        self._stream.write(header.tobuf(tarfile.PAX_FORMAT))
        member = Member(self._stream.tell(), len(data), zlib.crc32(data))
        self._stream.write(data)
        self._stream.write(bytes(-len(data) % _BLOCK))
        return member


class ShardReader:
    """The clips of one or several packed directories, by row of `index`, in any order and from any process.

    Opening checks that every shard is there and has its size; a member's checksum is checked when it is read (a clip's sound
    the first time only). Pickling drops the memory maps, which the receiving process opens again.
    """

    index: pd.DataFrame
    """One row a clip, ordered by clip: `INDEX_COLUMNS` and what `pack` carried along."""

    def __init__(self, directories: Sequence[Path]) -> None:
        """Raises InputError where an index or shard is missing, truncated, or two directories hold the same clip."""
        table = _read_indices(directories)
        for shard, rows in table.groupby("path", sort=False):
            if problem := _size_problem(Path(str(shard)), rows):
                raise InputError(str(problem))
        self.index = table.drop(columns="path")
        self._paths = [Path(path) for path in table["path"]]
        self._columns = {name: self.index[name].tolist() for name in INDEX_COLUMNS}
        self._maps: dict[Path, mmap.mmap] = {}
        self._checked: set[int] = set()

    def __len__(self) -> int:
        return len(self._paths)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": {}, "_checked": set()}

    def waveform(self, row: int, start_sample: int = 0, num_samples: int | None = None) -> NDArray[np.int16]:
        """Sound of clip `row`: (channels, num_samples) int16, left first; to the clip's end where no number is given.

        Raises InputError naming shard and clip if the sound is damaged, ValueError outside the clip.
        """
        available = self._columns["num_samples"][row]
        num_samples = available - start_sample if num_samples is None else num_samples
        if start_sample < 0 or num_samples < 0 or start_sample + num_samples > available:
            raise ValueError(f"samples {start_sample} to {start_sample + num_samples} of {available}")
        member = Member(*(self._columns[name][row] for name in ("pcm_offset", "pcm_bytes", "pcm_crc32")))
        content = self._content(row, member, "sound", check=row not in self._checked)
        self._checked.add(row)
        samples = content.view(_PCM).reshape(max(available, 1), -1)[start_sample : start_sample + num_samples]
        return np.ascontiguousarray(samples.T)

    def frames(self, row: int, first: int = 0, count: int | None = None) -> NDArray[np.uint8]:
        """Frames of clip `row`: (count, 3, height, width) uint8 RGB; to the clip's end where no count is given.

        Frame k is what is seen at k / frame_rate seconds. Raises InputError naming shard and clip if a frame is damaged,
        ValueError outside the clip.
        """
        available = self._columns["num_frames"][row]
        count = available - first if count is None else count
        if first < 0 or count < 0 or first + count > available:
            raise ValueError(f"frames {first} to {first + count} of {available}")
        decoded = np.empty((count, 3, self._columns["height"][row], self._columns["width"][row]), np.uint8)
        for place, number in enumerate(range(first, first + count)):
            names = ("frame_offset", "frame_bytes", "frame_crc32")
            member = Member(*(int(self._columns[name][row][number]) for name in names))
            frame = decode_jpeg(self._content(row, member, f"frame {number}", check=True))
            if frame is None or frame.shape != decoded.shape[1:]:
                raise InputError(str(self._problem(row, f"frame {number} is not the picture that was packed")))
            decoded[place] = frame
        return decoded

    def _content(self, row: int, member: Member, what: str, *, check: bool) -> NDArray[np.uint8]:
        content = np.frombuffer(self._map(self._paths[row]), np.uint8, member.size, member.offset)
        if check and zlib.crc32(content.data) != member.crc32:
            raise InputError(str(self._problem(row, f"{what} is damaged")))
        return content

    def _problem(self, row: int, what: str) -> Problem:
        return Problem(self._paths[row], self._columns["clip"][row], what)

    def _map(self, path: Path) -> mmap.mmap:
        if path not in self._maps:
            self._maps[path] = _opened(path)
        return self._maps[path]


def verify(directories: Sequence[Path]) -> list[Problem]:
    """Read everything once and say what is damaged: sizes, tar headers, checksums, JSON, PCM, JPEG.

    Raises InputError where there is no index to compare with.
    """
    table = _read_indices(directories)
    problems: list[Problem] = []
    for name, rows in table.groupby("path", sort=True):
        shard = Path(str(name))
        if whole := _size_problem(shard, rows):
            problems.append(whole)
            continue
        with _opened(shard) as data:
            for row in rows.sort_values("json_offset").to_dict("records"):
                problems += [Problem(shard, row["clip"], what) for what in _clip_problems(data, row)]
    return problems


def _opened(shard: Path) -> mmap.mmap:
    with shard.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _clip_problems(data: mmap.mmap, row: Mapping[Any, Any]) -> Iterator[str]:
    clip = row["clip"]
    for name, member in _members(row):
        content = data[member.offset : member.offset + member.size]
        if not _is_header_of(data[member.offset - _BLOCK : member.offset], name, member.size):
            yield f"the tar header of {name} is damaged"
        elif zlib.crc32(content) != member.crc32:
            yield f"{name} is damaged"
        elif name.endswith(".jpg"):
            frame = decode_jpeg(np.frombuffer(content, np.uint8))
            if frame is None or frame.shape != (3, row["height"], row["width"]):
                yield f"{name} is not a picture of {row['width']}x{row['height']}"
    if row["pcm_bytes"] not in [channels * _PCM.itemsize * row["num_samples"] for channels in _NUM_CHANNELS]:
        yield f"{clip}.pcm does not hold {row['num_samples']} samples of two channels, or of four"


def _members(row: Mapping[Any, Any]) -> Iterator[tuple[str, Member]]:
    """A clip's members by name, as the index has them."""
    for kind in ("json", "pcm"):
        yield f"{row['clip']}.{kind}", Member(row[f"{kind}_offset"], row[f"{kind}_bytes"], row[f"{kind}_crc32"])
    places = zip(row["frame_offset"], row["frame_bytes"], row["frame_crc32"], strict=True)
    for number, (offset, size, checksum) in enumerate(places):
        yield _frame_name(row["clip"], number), Member(int(offset), int(size), int(checksum))


def _is_header_of(block: bytes, name: str, size: int) -> bool:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError):
        return False
    # A longer name stands whole in an extended header before this one.
    return header.size == size and name[: tarfile.LENGTH_NAME] == header.name


def _frame_name(clip: str, number: int) -> str:
    return f"{clip}.{number:03d}.jpg"


def _size_problem(shard: Path, rows: pd.DataFrame) -> Problem | None:
    expected = int(rows["shard_bytes"].iloc[0])
    if not shard.is_file():
        return Problem(shard, "", "the shard is missing")
    if (size := shard.stat().st_size) != expected:
        return Problem(shard, "", f"the shard has {size:,} bytes and not {expected:,}")
    return None


def _read_indices(directories: Sequence[Path]) -> pd.DataFrame:
    """The indices as one table ordered by clip, with the `path` of each clip's shard."""
    tables = []
    for directory in directories:
        table = read_table(directory / INDEX, INDEX_COLUMNS)
        tables.append(table.assign(path=[str(directory / shard) for shard in table["shard"]]))
    # A part that had no shard to write leaves an empty table, whose columns have no types.
    tables = [table for table in tables if len(table)] or tables[:1]
    table = pd.concat(tables, ignore_index=True).sort_values("clip", ignore_index=True)
    if repeated := table.loc[table["clip"].duplicated(), "clip"].tolist():
        raise InputError(
            f"{directories[-1] / INDEX}: the clip {repeated[0]} is in two directories; name each part once"
        )
    return table
