"""Packets of one stretch of a stream, read from a file, on their way into a clip."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av

from leftright.errors import InputError
from leftright.video import picture_stream

AnyStream = av.AudioStream | av.VideoStream

ROUNDING_S = Fraction(2, 1000)
"""How far a time stamp may be off: Matroska rounds to a millisecond."""


class TruncatedError(InputError):
    """The file's data end before its headers say."""


class UnstampedError(Exception):
    """A packet does not say when it is shown, so that it cannot be copied."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of one stream: packets for the clip, stamped from the clip's start, and its ends in the source, in seconds."""

    packets: list[av.Packet]
    start: Fraction
    end: Fraction


def pts(packet: av.Packet) -> int:
    """When a packet is shown, in its stream's units. Raises UnstampedError where it does not say."""
    if packet.pts is None:
        raise UnstampedError
    return packet.pts


def span(packet: av.Packet) -> int:
    """How long a packet lasts, in its stream's units; 0 where it does not say."""
    return packet.duration or 0


def time_base(stream: AnyStream) -> Fraction:
    """The unit of a stream's time stamps, in seconds."""
    return stream.time_base or Fraction(1, av.time_base)


def units(stream: AnyStream, seconds: Fraction) -> int:
    """The first time stamp of a stream at or after `seconds`."""
    return math.ceil(seconds / time_base(stream))


def packets_from(media: av.container.InputContainer, stream: AnyStream, start: Fraction) -> Iterator[av.Packet]:
    """A stream's packets from the last point at or before `start` (seconds) where decoding can begin.

    Raises TruncatedError at a packet that the file holds in part.
    """
    _seek(media, picture_stream(media) or stream, start)
    for packet in media.demux(stream):
        if packet.is_corrupt:
            raise TruncatedError(f"{media.name}: its data end inside a frame; get the file again")
        if packet.size:
            yield packet


def _seek(media: av.container.InputContainer, guide: AnyStream, start: Fraction) -> None:
    """Go to the last key frame of `guide` at or before `start`, or to the file's first.

    Without an index (MPEG-TS) FFmpeg may arrive too late; then it is sent further back.
    """
    origin = Fraction(media.start_time or 0, av.time_base)
    for lead_s in (0, 2, 10, 60):
        target = int(max(origin, start - lead_s) / time_base(guide))
        media.seek(target, stream=guide)
        first = next((packet for packet in media.demux(guide) if packet.is_keyframe), None)
        if first is not None and (first.pts or 0) * first.time_base <= start + ROUNDING_S:
            media.seek(target, stream=guide)
            return
    media.seek(int(origin / time_base(guide)), stream=guide)


def until(packets: Iterator[av.Packet], last: int) -> Iterator[av.Packet]:
    """Packets up to the first that is shown at `last` (in their stream's units) or later, that one included."""
    for packet in packets:
        yield packet
        if packet.pts is not None and packet.pts >= last:
            return
