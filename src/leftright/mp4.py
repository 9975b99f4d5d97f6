"""The boxes of an MP4 or QuickTime file: its index as a tree, to be looked into or changed.

Only the index (`moov`) is read, which is small; the media data, wherever they lie, are copied as they are. A box that is not
known as a container stays the bytes that it was, so that what is not changed is written as it came.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from leftright.errors import InputError
from leftright.files import replace_file

_HEADER = 8  # bytes: size and kind
_VISUAL_ENTRY, _SOUND_ENTRY = (
    78,
    28,
)  # bytes of a sample entry before its own boxes (ISO/IEC 14496-12, 12.1.3 and 12.2.3)
_QUICKTIME_SOUND = {1: 16, 2: 36}  # bytes more, by the version of QuickTime's sound description
_CONTAINERS = frozenset([b"trak", b"mdia", b"minf", b"stbl", b"sv3d", b"proj"])
_OFFSETS = {b"stco": ">u4", b"co64": ">u8"}


class MalformedError(ValueError):
    """Boxes that do not fit into each other."""


@dataclass
class Box:
    """One box. head : its own bytes. boxes : those inside, with `tail`, the bytes after them that are no box."""

    kind: bytes
    head: bytes
    boxes: list["Box"] = field(default_factory=list)
    tail: bytes = b""

    def to_bytes(self) -> bytes:
        """The box as it stands in a file, with its size and those of the boxes inside."""
        body = self.head + b"".join(box.to_bytes() for box in self.boxes) + self.tail
        return (_HEADER + len(body)).to_bytes(4, "big") + self.kind + body

    def find(self, *kinds: bytes) -> "Box | None":
        """The first box down a path of kinds, or None."""
        found: Box | None = self
        for kind in kinds:
            found = next((box for box in found.boxes if box.kind == kind), None) if found else None
        return found

    def all(self, *kinds: bytes) -> Iterator["Box"]:
        """Every box down a path of kinds."""
        if not kinds:
            yield self
            return
        for box in self.boxes:
            if box.kind == kinds[0]:
                yield from box.all(*kinds[1:])


def read_index(path: Path) -> Box | None:
    """The index of a file; None where it is no MP4 or QuickTime file, or has none. Raises MalformedError for a damaged one."""
    with path.open("rb") as stream:
        place = _find_index(stream)
        if place is None:
            return None
        stream.seek(place[0])
        return _parse_index(stream.read(place[1] - place[0]))


def write_index(source: Path, index: Box, target: Path) -> None:
    """Write `source` with another index, in one step; the two paths may be the same.

    Where the media data move, so do the places that the index gives for them. Raises InputError where the source is no such
    file, is made of fragments, or grows beyond what its index can address.
    """
    with source.open("rb") as stream:
        place = _find_index(stream)
        if place is None:
            raise InputError(f"{source}: no MP4 or QuickTime file with an index; convert it first")
        if any(kind == b"moof" for kind, _, _ in _top_level(stream)):
            raise InputError(f"{source}: is made of fragments; write it as one piece first (ffmpeg -i IN -c copy OUT)")
        start, end = place
        _move(index, end, len(index.to_bytes()) - (end - start), source)
        with replace_file(target) as temporary, temporary.open("wb") as written:
            stream.seek(0)
            written.write(stream.read(start))
            written.write(index.to_bytes())
            stream.seek(end)
            shutil.copyfileobj(stream, written, 1 << 20)


def _move(index: Box, after: int, distance: int, source: Path) -> None:
    """Add `distance` to the places of all chunks of media data that lie at `after` or behind it."""
    for table in index.all(b"trak", b"mdia", b"minf", b"stbl"):
        for box in table.boxes:
            if box.kind not in _OFFSETS:
                continue
            kind = np.dtype(_OFFSETS[box.kind])
            places = np.frombuffer(box.head[8:], kind).astype(np.int64)
            places[places >= after] += distance
            if places.size and places.max() > np.iinfo(kind).max:
                raise InputError(f"{source}: its data would lie beyond 4 GB; write it with 64-bit places first")
            box.head = box.head[:8] + places.astype(kind).tobytes()


def _find_index(stream: BinaryIO) -> tuple[int, int] | None:
    """Where the index lies: its first byte and the one after its last."""
    return next(((start, end) for kind, start, end in _top_level(stream) if kind == b"moov"), None)


def _top_level(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the outermost boxes, as far as they make sense; none where the file is of another form."""
    size = stream.seek(0, 2)
    start = 0
    while start + _HEADER <= size:
        stream.seek(start)
        header = stream.read(16)
        kind = header[4:8]
        if start == 0 and kind not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return
        length = int.from_bytes(header[:4], "big")
        length = int.from_bytes(header[8:16], "big") if length == 1 else length or size - start
        if length < _HEADER or start + length > size:
            return
        yield kind, start, start + length
        start += length


def _parse_index(content: bytes) -> Box:
    # A size of 0 stands for "up to the file's end", one of 1 for a size in 64 bits behind the kind.
    header = 16 if content[:4] == b"\0\0\0\1" else _HEADER
    boxes, tail = _parse(content[header:])
    index = Box(b"moov", b"", boxes, tail)
    for track in index.all(b"trak"):
        handler, table = track.find(b"mdia", b"hdlr"), track.find(b"mdia", b"minf", b"stbl", b"stsd")
        if handler and table and handler.head[8:12] in (b"vide", b"soun"):
            _open_entries(table, is_sound=handler.head[8:12] == b"soun")
    return index


def _parse(content: bytes) -> tuple[list[Box], bytes]:
    """The boxes in `content`, and the bytes after them that are no box: QuickTime ends some lists with four zeros."""
    boxes: list[Box] = []
    start = 0
    while start + _HEADER <= len(content):
        length, begin = int.from_bytes(content[start : start + 4], "big"), start + _HEADER
        if length == 1:
            length, begin = int.from_bytes(content[start + 8 : start + 16], "big"), start + 16
        if length == 0:
            break
        if length < begin - start or start + length > len(content):
            raise MalformedError(f"a box of {length} bytes where there are {len(content) - start}")
        kind, body = content[start + 4 : start + 8], content[begin : start + length]
        boxes.append(Box(kind, b"", *_parse(body)) if kind in _CONTAINERS else Box(kind, body))
        start += length
    return boxes, content[start:]


def _open_entries(table: Box, *, is_sound: bool) -> None:
    """Look into the sample entries of a track, each of which says how its samples are coded."""
    entries, table.tail = _parse(table.head[8:])
    version, table.head = table.head[:1], table.head[:8]
    for entry in entries:
        length = _VISUAL_ENTRY
        if is_sound:
            # The entry's own version is QuickTime's where the list's is 0 (ISO/IEC 14496-12, 12.2.3).
            own = int.from_bytes(entry.head[8:10], "big") if version == b"\0" else 0
            length = _SOUND_ENTRY + _QUICKTIME_SOUND.get(own, 0)
        if len(entry.head) < length:
            raise MalformedError(f"a sample entry of {len(entry.head)} bytes")
        entry.boxes, entry.tail = _parse(entry.head[length:])
        entry.head = entry.head[:length]
    table.boxes = entries
