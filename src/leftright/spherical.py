"""What a media file declares of 360-degree picture and sound: projection, stereo mode, ambisonics.

MP4 and QuickTime files say it in boxes (Google's Spherical Video V2 and V1, and its Spatial Audio), which are read and
written here; of other files, such as WebM, FFmpeg says what it found. A declaration may be wrong or missing, and most tools
lose it: what is not declared, or not understood, is "unknown" and no error.
"""

import re
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
from av.sidedata.sidedata import Type

from leftright.clips import PROJECTIONS
from leftright.errors import InputError
from leftright.mp4 import Box, MalformedError, read_index, write_index
from leftright.video import audio_stream, layout_of, open_media, picture_stream

WRITABLE = ("", "equirectangular", "cubemap")
"""The projections that `write_metadata` can declare."""

_STEREO_MODES = ("mono", "top_bottom", "left_right", "custom", "right_left")
_V1 = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_SAMPLE_ENTRIES = (b"mdia", b"minf", b"stbl", b"stsd")
_HEAD_LOCKED = 0x80  # the highest bit of the ambisonic type


@dataclass(frozen=True)
class Metadata:
    """What is declared; the defaults are "unknown".

    projection : one of `leftright.clips.PROJECTIONS`. yaw_deg, pitch_deg, roll_deg : how the picture is turned at first, yaw
    to the left. cropped : the shares of the sphere that are missing at the picture's top, bottom, left and right.
    ambisonic_order : None is no sound field. channel_map : see `_order`.
    """

    projection: str = ""
    stereo_mode: str = ""
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    cropped: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    ambisonic_order: int | None = None
    channel_ordering: str = ""
    normalisation: str = ""
    channel_map: tuple[int, ...] = ()
    has_head_locked: bool = False

    @property
    def is_full_sphere(self) -> bool:
        """Whether an equirectangular picture shows every direction."""
        return self.projection == "equirectangular" and not any(self.cropped)

    @property
    def sound_field(self) -> str:
        """How the channels hold the sound field: one of `leftright.clips.SOUND_FIELDS`."""
        if self.ambisonic_order is None:
            return ""
        order = _order(self.channel_map)
        if (self.channel_ordering, self.normalisation) != ("acn", "sn3d") or not order:
            return "other"
        return order + ("+head_locked" if self.has_head_locked else "")


def _order(channel_map: Sequence[int]) -> str:
    """The order of channels that a map means, "" where it is none of the usual.

    The specification's text and first example have a map name each component's channel; its third example, and FFmpeg, have it
    name each channel's component. So W, X, Y, Z is declared in two ways, and no tool means anything else by either.
    """
    if list(channel_map[4:]) != list(range(4, len(channel_map))):
        return ""
    orders: dict[tuple[int, ...], str] = {(0, 1, 2, 3): "ambix", (0, 2, 3, 1): "wxyz_sn3d", (0, 3, 1, 2): "wxyz_sn3d"}
    orders[0, 1, 3] = "ambix"  # without Z
    return orders.get(tuple(channel_map[:4]), "")


def ambix(num_channels: int) -> Metadata:
    """The declaration of an ambiX sound field of 4 channels, of 3, without Z, or of 6, the last two locked to the head."""
    if num_channels not in (3, 4, 6):
        raise ValueError(f"expected 3, 4 or 6 channels, got {num_channels}")
    return Metadata(
        ambisonic_order=1,
        channel_ordering="acn",
        normalisation="sn3d",
        channel_map=(0, 1, 3) if num_channels == 3 else tuple(range(num_channels)),
        has_head_locked=num_channels == 6,
    )


def read_metadata(path: Path) -> Metadata:
    """What a file declares. Raises InputError where it is missing or no media file."""
    try:
        index = read_index(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); correct the path") from None
    except MalformedError:
        index = None
    if index is None:
        return _said_by_ffmpeg(path, Metadata(), asks_picture=True)
    declared = Metadata()
    for track in index.all(b"trak"):
        for entry in (table.boxes[0] for table in track.all(*_SAMPLE_ENTRIES) if table.boxes):
            declared = _said_by_entry(declared, entry)
        if not declared.projection:
            declared = _said_by_v1(declared, track)
    return declared if declared.sound_field else _said_by_ffmpeg(path, declared, asks_picture=False)


def _said_by_entry(declared: Metadata, entry: Box) -> Metadata:
    """`declared` with what a track's sample entry adds; what a file declares first counts."""
    readers: tuple[tuple[tuple[bytes, ...], bool, Callable[[Metadata, Box], Metadata]], ...] = (
        ((b"st3d",), not declared.stereo_mode, _stereo_mode),
        ((b"sv3d", b"proj"), not declared.projection, _projection),
        ((b"SA3D",), declared.ambisonic_order is None, _sound_field),
    )
    for kinds, is_open, read in readers:
        if is_open and (box := entry.find(*kinds)):
            try:
                declared = read(declared, box)
            except (struct.error, IndexError, ValueError):
                continue  # a damaged declaration is none
    return declared


def _stereo_mode(declared: Metadata, box: Box) -> Metadata:
    return replace(declared, stereo_mode=_STEREO_MODES[box.head[4]])


def _projection(declared: Metadata, box: Box) -> Metadata:
    kinds = {b"equi": "equirectangular", b"cbmp": "cubemap", b"mshp": "mesh"}
    data = next((inside for inside in box.boxes if inside.kind in kinds), None)
    if data is None:
        return declared
    if data.kind == b"equi":
        edges = struct.unpack_from(">4I", data.head, 4)
        declared = replace(declared, cropped=tuple(edge / 2**32 for edge in edges))
    if header := box.find(b"prhd"):
        yaw, pitch, roll = (angle / 2**16 for angle in struct.unpack_from(">3i", header.head, 4))
        declared = replace(declared, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll)
    return replace(declared, projection=kinds[data.kind])


def _sound_field(declared: Metadata, box: Box) -> Metadata:
    version, kind, order, ordering, normalisation, num_channels = struct.unpack_from(">BBIBBI", box.head)
    if version != 0:
        return declared
    return replace(
        declared,
        ambisonic_order=order,
        channel_ordering={0: "acn"}.get(ordering, "other"),
        normalisation={0: "sn3d"}.get(normalisation, "other") if kind & ~_HEAD_LOCKED == 0 else "other",
        channel_map=struct.unpack_from(f">{min(num_channels, 1024)}I", box.head, 12),
        has_head_locked=bool(kind & _HEAD_LOCKED),
    )


def _said_by_v1(declared: Metadata, track: Box) -> Metadata:
    """`declared` with a track's Spherical Video V1: XML, read value by value, since many files hold it in a damaged form."""
    texts = (box.head[16:] for box in track.boxes if box.kind == b"uuid" and box.head[:16] == _V1)
    text = next(texts, b"").decode("utf-8", "replace")
    if _value(text, "Spherical").lower() != "true":
        return declared
    projection = _value(text, "ProjectionType").lower() or "equirectangular"
    names = ("Heading", "Pitch", "Roll")
    yaw, pitch, roll = (_number(_value(text, f"InitialView{name}Degrees")) for name in names)
    return replace(
        declared,
        projection=projection if projection in PROJECTIONS else "",
        stereo_mode=declared.stereo_mode or _v1_stereo_mode(_value(text, "StereoMode")),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        cropped=_v1_cropped(text),
    )


def _v1_stereo_mode(text: str) -> str:
    name = text.lower().replace("-", "_")
    return name if name in _STEREO_MODES else ""


def _v1_cropped(text: str) -> tuple[float, float, float, float]:
    width, height = (_number(_value(text, f"FullPano{side}Pixels")) for side in ("Width", "Height"))
    shown_width, shown_height = (_number(_value(text, f"CroppedAreaImage{side}Pixels")) for side in ("Width", "Height"))
    left, top = (_number(_value(text, f"CroppedArea{side}Pixels")) for side in ("Left", "Top"))
    if min(width, height, shown_width, shown_height) <= 0:
        return 0.0, 0.0, 0.0, 0.0
    shares = (
        top / height,
        (height - top - shown_height) / height,
        left / width,
        (width - left - shown_width) / width,
    )
    top, bottom, left, right = (min(max(share, 0.0), 1.0) for share in shares)
    return top, bottom, left, right


def _value(text: str, name: str) -> str:
    found = re.search(rf"<GSpherical:{name}>\s*([^<]*?)\s*</", text)
    return found[1] if found else ""


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"-?\d{1,9}(\.\d*)?", text) else 0.0


# The structures' fields and enumerations, in the order that FFmpeg's ABI gives them (libavutil/spherical.h, stereo3d.h).
_FFMPEG_SPHERICAL = struct.Struct("=i3i4I")
_FFMPEG_PROJECTIONS = (
    "equirectangular", "cubemap", "equirectangular", "half_equirectangular", "rectilinear", "fisheye", "immersive",
)  # fmt: skip
_FFMPEG_STEREO_MODES = ("mono", "left_right", "top_bottom")


def _said_by_ffmpeg(path: Path, declared: Metadata, *, asks_picture: bool) -> Metadata:
    """`declared` with what FFmpeg knows: the sound's layout and, with the first frame, the projection."""
    with open_media(path) as media:
        sound = audio_stream(media)
        if sound is not None and (found := re.fullmatch(r"ambisonic (\d+)(\+stereo)?", layout_of(sound).name)):
            declared = replace(
                ambix(6 if found[2] else 4),
                **{name: getattr(declared, name) for name in _PICTURE},
                ambisonic_order=int(found[1]),
                channel_map=tuple(range(layout_of(sound).nb_channels)),
            )
        stream = picture_stream(media)
        if stream is None or not asks_picture:
            return declared
        try:
            frame = next(iter(media.decode(stream)), None)
        except av.FFmpegError:
            return declared
        return _said_by_frame(declared, frame) if frame is not None else declared


_PICTURE = ("projection", "stereo_mode", "yaw_deg", "pitch_deg", "roll_deg", "cropped")


def _said_by_frame(declared: Metadata, frame: av.VideoFrame) -> Metadata:
    if len(content := _side_data(frame, Type.SPHERICAL)) >= _FFMPEG_SPHERICAL.size:
        kind, yaw, pitch, roll, left, top, right, bottom = _FFMPEG_SPHERICAL.unpack_from(content)
        declared = replace(
            declared,
            projection=dict(enumerate(_FFMPEG_PROJECTIONS)).get(kind, ""),
            yaw_deg=yaw / 2**16,
            pitch_deg=pitch / 2**16,
            roll_deg=roll / 2**16,
            cropped=(top / 2**32, bottom / 2**32, left / 2**32, right / 2**32),
        )
    if len(content := _side_data(frame, Type.STEREO3D)) >= 4:
        mode = dict(enumerate(_FFMPEG_STEREO_MODES)).get(int.from_bytes(content[:4], sys.byteorder), "")
        declared = replace(declared, stereo_mode=mode)
    return declared


def _side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    found: list[Any] = list(frame.side_data)  # their own type says that these are text
    return next((bytes(data) for data in found if data.type == kind), b"")


def write_metadata(path: Path, declared: Metadata) -> None:
    """Make an MP4 file declare this, and nothing else of its kind, in one step; picture and sound stay as they are.

    What is about a stream that the file lacks is left out, and so is the sound field `other`. Raises InputError where it is
    no MP4 file in one piece, ValueError for a projection that is none of WRITABLE.
    """
    if declared.projection not in WRITABLE:
        raise ValueError(f"expected a projection among {WRITABLE}, got {declared.projection!r}")
    try:
        index = read_index(path)
    except (OSError, MalformedError) as error:
        raise InputError(f"{path}: its index cannot be read ({error}); write the file again") from None
    if index is None:
        raise InputError(f"{path}: no MP4 or QuickTime file; convert it first (ffmpeg -i IN -c copy OUT.mp4)")
    for handler, boxes in ((b"vide", _picture_boxes(declared)), (b"soun", _sound_boxes(declared))):
        tracks = [track for track in index.all(b"trak") if _handler(track) == handler]
        for track in tracks:
            track.boxes = [box for box in track.boxes if box.kind != b"uuid" or box.head[:16] != _V1]
            _declare(track, boxes if track is tracks[0] else [])
    write_index(path, index, path)


def _handler(track: Box) -> bytes:
    handler = track.find(b"mdia", b"hdlr")
    return handler.head[8:12] if handler else b""


def _declare(track: Box, boxes: list[Box]) -> None:
    """Put the boxes behind the first of each sample entry's, which says how to decode, in place of earlier ones."""
    for table in track.all(*_SAMPLE_ENTRIES):
        for entry in table.boxes:
            kept = [box for box in entry.boxes if box.kind not in (b"st3d", b"sv3d", b"SA3D")]
            entry.boxes = [*kept[:1], *boxes, *kept[1:]]


def _picture_boxes(declared: Metadata) -> list[Box]:
    boxes = []
    if declared.stereo_mode:
        boxes.append(Box(b"st3d", bytes(4) + bytes([_STEREO_MODES.index(declared.stereo_mode)])))
    if declared.projection:
        angles = (declared.yaw_deg, declared.pitch_deg, declared.roll_deg)
        header = Box(b"prhd", bytes(4) + struct.pack(">3i", *(round(angle * 2**16) for angle in angles)))
        edges = struct.pack(">4I", *(round(share * 2**32) for share in declared.cropped))
        data = Box(b"equi", bytes(4) + edges) if declared.projection == "equirectangular" else Box(b"cbmp", bytes(12))
        source = Box(b"svhd", bytes(4) + b"leftright\0")
        boxes.append(Box(b"sv3d", b"", [source, Box(b"proj", b"", [header, data])]))
    return boxes


def _sound_boxes(declared: Metadata) -> list[Box]:
    if declared.ambisonic_order is None or declared.sound_field == "other":
        return []
    channels = declared.channel_map
    kind = _HEAD_LOCKED if declared.has_head_locked else 0
    fields = struct.pack(">BBIBBI", 0, kind, declared.ambisonic_order, 0, 0, len(channels))
    return [Box(b"SA3D", fields + struct.pack(f">{len(channels)}I", *channels))]
