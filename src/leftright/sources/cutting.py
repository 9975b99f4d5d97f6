"""Cut a clip out of a local file without touching what it holds.

The decision behind it: packets are copied, not encoded again. The clip starts at the key frame at or before the position asked
for; the sound is cut at the same instant, to the sample, since the packets that its decoder needs to warm up come along and an
MP4 edit list hides them. So sound and picture are the source's own, bit for bit, in its channels and its rate, and start
together. Where the picture cannot be copied (no key frame since the clip before, a codec that MP4 does not hold) it is encoded
anew from the exact position; sound that MP4 does not hold becomes FLAC.
"""

from fractions import Fraction
from pathlib import Path

import av

from leftright.errors import InputError
from leftright.files import replace_file
from leftright.sources.encoding import encode_picture, encode_sound, is_declared
from leftright.sources.packets import (
    ROUNDING_S,
    Stretch,
    TruncatedError,
    UnstampedError,
    packets_from,
    pts,
    span,
    time_base,
    units,
    until,
)
from leftright.sources.positions import TOLERANCE_S
from leftright.video import audio_stream, open_media, picture_stream

COPIED_PICTURE = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
COPIED_SOUND = frozenset({"aac", "mp3", "opus", "flac", "alac", "ac3", "eac3", "pcm_s16le", "pcm_s24le", "pcm_s32le"})

# Opus needs 80 ms of packets before its output is right (RFC 7845, section 4.6); AAC and MP3 need one or two packets.
_WARM_UP_S = Fraction(12, 100)


def cut(source: Path, start_s: float, clip_s: float, target: Path, earliest_s: float = 0.0) -> float:
    """Write the clip of `clip_s` seconds at `start_s` (from the source's start) to `target`, an MP4 file, in one step.

    The clip may start earlier than asked, at a key frame, but not before `earliest_s` (where the clip before ended), and it
    may last a few frames longer, up to the next one that no later frame leans on. Returns the start in seconds. Raises
    TruncatedError where the file's data end before the clip does, InputError where it cannot be read.
    """
    try:
        return _cut(source, start_s, clip_s, target, earliest_s, copied=True)
    except TruncatedError:
        raise
    except (InputError, UnstampedError):
        # Packets that a player copes with, a container may refuse.
        return _cut(source, start_s, clip_s, target, earliest_s, copied=False)


def _cut(source: Path, start_s: float, clip_s: float, target: Path, earliest_s: float, *, copied: bool) -> float:
    with open_media(source) as media, replace_file(target) as temporary:
        origin = Fraction(media.start_time or 0, av.time_base)
        start, length, earliest = origin + _exact(start_s), _exact(clip_s), origin + _exact(earliest_s)
        with av.open(str(temporary), "w", format="mp4", options={"fflags": "+bitexact"}) as clip:
            picture = _picture(media, clip, start, length, earliest, copied=copied)
            packets = [*picture.packets, *_sound(media, clip, picture.start, picture.end, copied=copied)]
            for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * float(packet.time_base)):
                clip.mux(packet)
        if picture.end - picture.start < clip_s - TOLERANCE_S:
            end_s = float(picture.end - origin)
            raise TruncatedError(
                f"{source}: its picture ends at {end_s:.2f} s, before its headers say; get the file again"
            )
    return float(picture.start - origin)


def _exact(seconds: float) -> Fraction:
    return Fraction(round(seconds * 1000), 1000)


def _picture(
    media: av.container.InputContainer,
    clip: av.container.OutputContainer,
    start: Fraction,
    length: Fraction,
    earliest: Fraction,
    *,
    copied: bool,
) -> Stretch:
    stream = picture_stream(media)
    if stream is None:
        raise InputError(f"{media.name}: has no picture; leave it out")
    packets: list[av.Packet] = []
    if copied and stream.codec_context.codec.canonical_name in COPIED_PICTURE:
        packets = _picture_packets(media, stream, start, length, earliest)
    if not packets:
        return encode_picture(media, stream, clip, start, start + length)
    return _stamped(packets, clip.add_stream_from_template(stream), stream.average_rate)


def _picture_packets(
    media: av.container.InputContainer, stream: av.VideoStream, start: Fraction, length: Fraction, earliest: Fraction
) -> list[av.Packet]:
    """Packets from the key frame at or before `start` on, in decoding order, that cover `length` and need none outside.

    Empty where the key frame lies before `earliest`, or there is none.
    """
    packets: list[av.Packet] = []
    first = last = 0
    for packet in packets_from(media, stream, start):
        if not packets:
            if not packet.is_keyframe:
                continue
            first = pts(packet)
            if not units(stream, earliest - ROUNDING_S) <= first <= units(stream, start + ROUNDING_S):
                return []
            # A second is more than frames are shown out of the order of decoding.
            last = first + units(stream, length + 1)
        # Frames shown before an open group's key frame lean on the group before it.
        if pts(packet) >= first:
            packets.append(packet)
        if pts(packet) >= last:
            break
    return packets[: _num_closed(packets, length, stream.average_rate)]


def _num_closed(packets: list[av.Packet], length: Fraction, rate: Fraction | None) -> int:
    """How many packets last `length` seconds, such that none left out is shown before one taken.

    A frame that is shown late may come early, because those shown before it lean on it.
    """
    if not packets:
        return 0
    shown = [pts(packet) for packet in packets]
    # The last frame lasts a frame; half of one is enough to reach the end.
    enough = shown[0] + (length - (Fraction(1, 2) / rate if rate else 0)) / packets[0].time_base
    frame = 1 / rate / packets[0].time_base if rate else 0
    latest = shown[0]
    for index in range(len(shown) - 1):
        latest = max(latest, shown[index])
        if latest + frame >= enough and latest < min(shown[index + 1 :]):
            return index + 1
    return len(shown)


def _stamped(packets: list[av.Packet], output: av.VideoStream, rate: Fraction | None) -> Stretch:
    """Count the picture's time stamps from the clip's start, and make decoding times, which Matroska does not keep."""
    base, offset = packets[0].time_base, pts(packets[0])
    shown = sorted(pts(packet) - offset for packet in packets)
    delay = max(time - (pts(packet) - offset) for time, packet in zip(shown, packets, strict=True))
    for time, packet in zip(shown, packets, strict=True):
        packet.pts = pts(packet) - offset
        packet.dts = time - delay
        packet.stream = output
    last = span(packets[-1]) * base or (1 / rate if rate else 0)
    return Stretch(packets, offset * base, (offset + shown[-1]) * base + last)


def _sound(
    media: av.container.InputContainer,
    clip: av.container.OutputContainer,
    start: Fraction,
    end: Fraction,
    *,
    copied: bool,
) -> list[av.Packet]:
    """The packets of the sound from `start` to `end` (seconds), stamped from the clip's start; none where there is no sound."""
    stream = audio_stream(media)
    if stream is None:
        return []
    first, last = units(stream, start - _WARM_UP_S), units(stream, end)
    packets = [
        packet
        for packet in until(packets_from(media, stream, start - _WARM_UP_S), last)
        # The last packet may reach past the end, by less than it reaches inside.
        if packet.pts is not None and packet.pts + span(packet) > first and packet.pts + span(packet) // 2 < last
    ]
    if not packets:
        return []
    if not (copied and is_declared(stream) and stream.codec_context.codec.canonical_name in COPIED_SOUND):
        return encode_sound(stream, clip, packets, start, end)
    output = clip.add_stream_from_template(stream)
    zero = round(start / time_base(stream))
    for packet in packets:
        packet.pts = packet.dts = pts(packet) - zero
        packet.stream = output
    return packets
