"""Clips of one video that lies in a local file. Every source ends here: a download is a local file too."""

import errno
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import av

from leftright.clips import CLIP_COLUMNS, clip_id
from leftright.errors import InputError
from leftright.files import sha256
from leftright.sources.base import Clip, ClipPlan, Harvest, Status, Video
from leftright.sources.cutting import cut
from leftright.sources.packets import TruncatedError
from leftright.sources.positions import TOLERANCE_S, draw_starts
from leftright.spherical import WRITABLE, Metadata, read_metadata, write_metadata
from leftright.video import MediaInfo, audio_stream, layout_of, open_media, picture_stream, probe, start_s

# Errors that say nothing about the video: no room, too many open files, a disk that may not be written.
_MACHINE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EROFS})

PACKET_S = 0.03
"""What a packet of sound lasts, about (0.02 s of Opus, 0.021 s of AAC at 48 kHz): a clip may start so much before its sound."""


def harvest_file(video: Video, path: Path, kind: str, plan: ClipPlan, directory: Path) -> Harvest:
    """Cut the clips of the video in file `path` into `directory`, at its own spans or at drawn positions.

    kind : the source's name, for the manifest. The harvest says what is wrong with a video; nothing is raised for it.
    """
    try:
        info = probe(path)
        lead_s = _lead_s(path) if info.video_codec else 0.0
    except InputError as error:
        status = Status.TRUNCATED if ends_inside_a_box(path) else Status.CORRUPT
        return Harvest(video, status, _about(video, path, error))
    video = replace(video, duration_s=round(info.duration_s, 3))
    if not info.video_codec:
        return Harvest(video, Status.NO_STREAM, f"{video.location}: has no picture")
    if ends_inside_a_box(path):
        return Harvest(video, Status.TRUNCATED, f"{video.location}: ends inside a box; get the file again")
    drawn = draw_starts(video.video, common_duration_s(info, plan) - lead_s, plan)
    spans_s = video.spans_s or tuple((lead_s + start, lead_s + start + plan.clip_s) for start in drawn)
    if not spans_s:
        lasts = f"lasts {info.video_duration_s:.2f} s, a clip {plan.clip_s:g} s"
        return Harvest(video, Status.SHORT, f"{video.location}: {lasts}")
    return _cut_all(video, path, kind, spans_s, max(0.0, lead_s - PACKET_S), directory)


def common_duration_s(info: MediaInfo, plan: ClipPlan) -> float:
    """How long clips may be drawn from: where sound and picture both last.

    Where that holds no clip, for want of sound, the picture decides: such clips are for the filter to name and reject.
    """
    common_s = min(info.audio_duration_s, info.video_duration_s)
    return common_s if common_s >= plan.clip_s - TOLERANCE_S else info.video_duration_s


def _lead_s(path: Path) -> float:
    """How long the one stream plays before the other begins, to the millisecond."""
    origin_s, begin_s = begins_s(path)
    return round(begin_s - origin_s, 3)


def _cut_all(
    video: Video, path: Path, kind: str, spans_s: Sequence[tuple[float, float]], earliest_s: float, directory: Path
) -> Harvest:
    clips: list[Clip] = []
    for begin_s, end_s in spans_s:
        # What a list names starts where it says; a clip at a drawn position after the one before.
        placed = Placed(begin_s, end_s - begin_s, begin_s if video.spans_s else earliest_s)
        clip = make_clip(video, path, kind, placed, directory)
        clips.append(clip)
        earliest_s = clip.end_ms / 1000
    return summarise(video, clips)


@dataclass(frozen=True)
class Placed:
    """Where a clip lies in a file, in seconds. earliest_s : it does not start before. offset_s : where the file itself starts
    in its video, for a file that is a section.
    """

    start_s: float
    length_s: float
    earliest_s: float
    offset_s: float = 0.0


def make_clip(video: Video, path: Path, kind: str, placed: Placed, directory: Path) -> Clip:
    """Cut one clip and look at what was written, before it counts. Its name says where it really starts."""
    written = directory / f".{video.video}.mp4"
    begin_s = placed.start_s
    row: dict[str, Any] = {}
    status, detail = Status.KEPT, ""
    try:
        begin_s = cut(path, begin_s, placed.length_s, written, placed.earliest_s)
        row = _declare(path, written) | _look(written)
    except InputError as error:
        written.unlink(missing_ok=True)
        status = Status.TRUNCATED if isinstance(error, TruncatedError) else Status.CORRUPT
        detail = _about(video, written, error) if str(written) in str(error) else _about(video, path, error)
    start_ms = round((begin_s + placed.offset_s) * 1000)
    end_ms = start_ms + round(placed.length_s * 1000)
    clip = clip_id(video.video, start_ms, end_ms)
    if status is Status.KEPT:
        written.rename(directory / f"{clip}.mp4")
        said = {"clip": clip, "video": video.video, "channel": video.channel, "title": video.title, "url": video.url}
        place = {"start_ms": start_ms, "end_ms": end_ms, "path": f"{directory.name}/{clip}.mp4", "source": kind}
        row = {name: (row | said | place)[name] for name in CLIP_COLUMNS}
    return Clip(clip, start_ms, end_ms, status, detail, row)


def _about(video: Video, path: Path, error: InputError) -> str:
    """What is wrong with the video, by its own name: `path` may be a download, or a clip, that is gone by now.

    Raises InputError where it is the machine that is at fault.
    """
    cause = error.__context__
    if isinstance(cause, OSError | av.FFmpegError) and cause.errno in _MACHINE:
        raise InputError(f"{path}: {cause.strerror}; make room, or free the machine, and run again") from None
    return str(error).replace(str(path), video.location)


def _declare(path: Path, written: Path) -> dict[str, Any]:
    """Let a clip declare what its source does of 360-degree picture and sound, which cutting loses. Returns its columns."""
    declared = read_metadata(path)
    row = {"projection": declared.projection, "sound_field": declared.sound_field}
    if declared.projection not in WRITABLE:
        declared = replace(declared, projection="")
    if declared != Metadata():
        write_metadata(written, declared)
    return row


def _look(written: Path) -> dict[str, Any]:
    """What a written clip holds. Raises InputError where its first sound or its first picture cannot be decoded."""
    with open_media(written) as media:
        for stream in (audio_stream(media), picture_stream(media)):
            if stream is not None and not _decodes(media, stream):
                raise InputError(f"{written}: its first {stream.type} cannot be decoded; get the video again")
    return asdict(probe(written)) | {"sha256": sha256(written)}


def _decodes(media: av.container.InputContainer, stream: av.AudioStream | av.VideoStream) -> bool:
    media.seek(0)
    frame = next(iter(media.decode(stream)), None)
    if isinstance(frame, av.AudioFrame):
        layout_of(frame)
    return frame is not None


def begins_s(path: Path) -> tuple[float, float]:
    """When a file starts, and when both its sound and its picture have begun, as its own time stamps say.

    Raises InputError where the file holds no picture.
    """
    with open_media(path) as media:
        if picture_stream(media) is None:
            raise InputError(f"{path}: holds no picture; fetch it again, or leave it out")
        begins = [start_s(media)]
        for stream in (audio_stream(media), picture_stream(media)):
            if stream is not None:
                packet = next((packet for packet in media.demux(stream) if packet.pts is not None), None)
                begins.append(float((packet.pts or 0) * packet.time_base) if packet else 0.0)
                media.seek(int(start_s(media) * av.time_base))
        return begins[0], max(begins)


def summarise(video: Video, clips: list[Clip]) -> Harvest:
    """A video is kept if one of its clips is; else it has the fate of its first."""
    kept = [clip for clip in clips if clip.status is Status.KEPT]
    failed = [clip for clip in clips if clip.status is not Status.KEPT]
    status = Status.KEPT if kept else failed[0].status
    return Harvest(video, status, failed[0].detail if failed else "", tuple(clips))


def ends_inside_a_box(path: Path) -> bool:
    """Whether an MP4 or QuickTime file is cut short: one of its boxes says that it is longer than what is left of the file."""
    size = path.stat().st_size
    position = 0
    with path.open("rb") as stream:
        while position + 8 <= size:
            stream.seek(position)
            header = stream.read(16)
            if position == 0 and header[4:8] != b"ftyp":
                return False
            length = int.from_bytes(header[:4], "big")
            if length == 1:  # the length follows in 64 bits
                length = int.from_bytes(header[8:16], "big")
            if length == 0:  # up to the end of the file
                return False
            position += max(length, 8)
    return position != size and position > 0
