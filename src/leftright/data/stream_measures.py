"""What the filter asks of a clip's streams: are they there, and as long as they claim to be?

Packets are read and not decoded, which costs milliseconds and is enough to see a file that was cut off.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import av

from leftright.video import MediaInfo, audio_stream, open_media, picture_stream, probe


@dataclass(frozen=True)
class Streams:
    """A clip's streams. Durations are of the packets that are there, NaN without a stream; None of the pre-roll counts."""

    info: MediaInfo
    audio_duration_s: float
    video_duration_s: float

    @property
    def missing_s(self) -> float:
        """How much of what the file declares is not there, in the stream that lacks more."""
        gaps = (self.info.audio_duration_s - self.audio_duration_s, self.info.video_duration_s - self.video_duration_s)
        return max((gap for gap in gaps if not math.isnan(gap)), default=0.0)

    @property
    def duration_s(self) -> float:
        """Of the longer stream."""
        durations = (self.audio_duration_s, self.video_duration_s)
        return max((duration for duration in durations if not math.isnan(duration)), default=0.0)


def measure_streams(path: Path) -> Streams:
    """Read the headers and the packets of a clip. Raises InputError where the file is not media."""
    info = probe(path)
    with open_media(path) as container:
        streams = [stream for stream in (audio_stream(container), picture_stream(container)) if stream is not None]
        spans: dict[int, tuple[float, float]] = {}
        for packet in container.demux(streams):
            if packet.pts is None or packet.time_base is None or packet.is_discard:
                continue
            start_s = float(packet.pts * packet.time_base)
            end_s = start_s + _duration_s(packet)
            first_s, last_s = spans.get(packet.stream_index, (start_s, end_s))
            spans[packet.stream_index] = min(first_s, start_s), max(last_s, end_s)
        lengths = {stream.type: _length(spans.get(stream.index)) for stream in streams}
    return Streams(info, lengths.get("audio", math.nan), lengths.get("video", math.nan))


def _duration_s(packet: av.Packet) -> float:
    if packet.duration and packet.time_base is not None:
        return float(packet.duration * packet.time_base)
    rate = getattr(packet.stream, "average_rate", None)
    return float(1 / rate) if rate else 0.0


def _length(span: tuple[float, float] | None) -> float:
    return span[1] - span[0] if span is not None else 0.0
