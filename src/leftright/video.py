"""Pixels and streams: what a media file holds, and its frames and sound as arrays.

Decoding is PyAV's, which carries its own FFmpeg, so that a machine without one works. Sound keeps its channels: nothing here
ever turns mono into stereo. Image x grows to the right.

Time is counted from the container's start for sound and picture alike, so that sample `t * sample_rate` is what is heard while
the frame of time `t` is seen, also where a cut left the streams starting apart.
"""

import ctypes
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from leftright.errors import InputError


@dataclass(frozen=True)
class MediaInfo:
    """What a media file says that it holds. Zero and "" where a stream is missing: `num_channels` 0 is a file without sound.

    Fields that the clip manifest has too go by the same name there.
    """

    bytes: int
    duration_s: float
    width: int
    height: int
    frame_rate: float
    video_codec: str
    video_duration_s: float
    sample_rate: int
    num_channels: int
    channel_layout: str
    audio_codec: str
    audio_duration_s: float


def probe(path: Path) -> MediaInfo:
    """Read a file's headers; nothing is decoded, so that damage further inside goes unseen.

    Raises InputError where the file is not media or holds neither sound nor a moving picture.
    """
    with open_media(path) as container:
        sound, picture = audio_stream(container), picture_stream(container)
        if sound is None and picture is None:
            raise InputError(f"{path}: holds neither sound nor picture; fetch it again, or leave it out")
        durations = [_stream_duration_s(container, stream) for stream in (sound, picture)]
        return MediaInfo(
            bytes=path.stat().st_size,
            duration_s=max(durations),
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
            frame_rate=float(picture.average_rate or picture.guessed_rate or 0) if picture else 0.0,
            video_codec=picture.codec_context.codec.canonical_name if picture else "",
            video_duration_s=durations[1],
            sample_rate=sound.sample_rate if sound else 0,
            num_channels=layout_of(sound).nb_channels if sound else 0,
            channel_layout=layout_of(sound).name if sound else "",
            audio_codec=sound.codec_context.codec.canonical_name if sound else "",
            audio_duration_s=durations[0],
        )


def _stream_duration_s(container: av.container.InputContainer, stream: av.AudioStream | av.VideoStream | None) -> float:
    if stream is None:
        return 0.0
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # Matroska keeps a stream's duration in a tag, "00:00:10.005000000", and WebM often not at all.
    if tag := re.fullmatch(r"(\d+):(\d\d):([\d.]+)", stream.metadata.get("DURATION", "")):
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    return (container.duration or 0) / av.time_base


@contextmanager
def open_media(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a media file for reading. Whatever FFmpeg cannot read, here or in the block, becomes an InputError."""
    try:
        with av.open(str(path)) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"{path}: cannot be decoded ({error.strerror}); fetch it again, or leave it out") from None


def audio_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """The first sound stream that can be decoded, or None."""
    return next((stream for stream in container.streams.audio if _is_known(stream)), None)


def picture_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first moving picture that can be decoded, or None. The cover of a music file, a video stream too, is none."""
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.still_image
    streams = (stream for stream in container.streams.video if not stream.disposition & covers)
    return next((stream for stream in streams if _is_known(stream)), None)


def _is_known(stream: av.AudioStream | av.VideoStream) -> bool:
    """Whether FFmpeg knows the stream's codec; without one PyAV's stream has no rate and no size either."""
    return stream.codec_context is not None


MAX_CHANNELS = 8
"""Of sound that is decoded: PyAV reads beyond the end of more planes than these."""

# PyAV (17 and 18) and FFmpeg both free a layout whose channels stand in an order of their own, as SA3D and QuickTime's `chan`
# may declare it, which ends the process. Such layouts, some hundred bytes each, are held for good, so that PyAV never does.
_OWN_ORDER = re.compile(r"\d+ channels \(.*")


def layout_of(source: av.AudioStream | av.AudioFrame) -> av.AudioLayout:
    """The channels of a stream or a frame. Ask here, never PyAV, which may end the process for it."""
    layout = source.layout
    if _OWN_ORDER.fullmatch(layout.name):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    return layout


def decoded_sound(frames: Iterable[av.AudioFrame], layout: str = "") -> Iterator[av.AudioFrame]:
    """Decoded frames of sound, with channels that FFmpeg can convert and leaves where they are.

    It cannot convert those of a sound field, nor any in an order of their own, and it takes nameless ones for loudspeakers of its
    choice, and mixes them. All these get the channels of `layout`; "" leaves them nameless. Raises InputError for too many.
    """
    for frame in frames:
        found = layout_of(frame)
        if re.match(r"\d+ channels|ambisonic", found.name) is None:
            yield frame
            continue
        if found.nb_channels > MAX_CHANNELS:
            raise InputError(f"{found.nb_channels} channels of sound, more than {MAX_CHANNELS}; leave it out")
        plain = av.AudioFrame.from_ndarray(frame.to_ndarray(), frame.format.name, layout or f"{found.nb_channels}C")
        plain.sample_rate, plain.pts, plain.time_base = frame.sample_rate, frame.pts, frame.time_base
        yield plain


def start_s(container: av.container.InputContainer) -> float:
    """The time stamp of the container's start, in seconds."""
    return (container.start_time or 0) / av.time_base


def decode_audio(path: Path) -> tuple[NDArray[np.float32], int]:
    """The sound of a media file as it came: every channel, native rate.

    Returns ((channels, samples) with full scale 1, sample rate in Hz). Sound that starts after the container does is led by
    silence. Raises InputError where the file has no sound or cannot be decoded.
    """
    with open_media(path) as container:
        stream = audio_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no sound; leave it out")
        if (num_channels := layout_of(stream).nb_channels) > MAX_CHANNELS:
            raise InputError(f"{path}: has {num_channels} channels of sound, more than {MAX_CHANNELS}; leave it out")
        planar = av.AudioResampler(format="fltp")
        blocks: list[NDArray[np.float32]] = []
        lead_s = 0.0
        for frame in decoded_sound(container.decode(stream)):
            if not blocks:
                lead_s = (frame.time or 0.0) - start_s(container)
            blocks += [block.to_ndarray().astype(np.float32, copy=False) for block in planar.resample(frame)]
        if not blocks:
            raise InputError(f"{path}: its sound stream is empty; fetch it again, or leave it out")
        sample_rate = stream.codec_context.sample_rate
        silence = np.zeros((blocks[0].shape[0], max(0, round(lead_s * sample_rate))), np.float32)
        return np.concatenate([silence, *blocks], axis=1), sample_rate


def decode_frames(
    path: Path, times_s: Sequence[float] | NDArray[np.floating], size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """The frames shown at given times.

    times_s : ascending, in seconds from the container's start, at least one. size : (height, width) to scale to; None keeps
    the file's. Returns (time, height, width, 3) RGB, upright where the file says that the camera was turned. A time before the
    first frame gets the first, one past the last frame the last. Raises InputError where no picture can be decoded.
    """
    with open_media(path) as container:
        frames = [rgb(frame, size) for frame in shown_at(picture_frames(container, path), times_s)]
    if not frames:
        raise InputError(f"{path}: has no frames; fetch it again, or leave it out")
    return np.stack(frames)


def shown_at(
    frames: Iterator[tuple[float, av.VideoFrame]], times_s: Sequence[float] | NDArray[np.floating]
) -> Iterator[av.VideoFrame]:
    """For each of the ascending times the last of the timed `frames` that began before it; at the ends the first or last one.

    All frames are taken, those after the last time too, so that damage anywhere comes to light.
    """
    remaining = iter(times_s)
    wanted = next(remaining, None)
    last: av.VideoFrame | None = None
    for time_s, frame in frames:
        while wanted is not None and last is not None and wanted < time_s:
            yield last
            wanted = next(remaining, None)
        last = frame
    while wanted is not None and last is not None:
        yield last
        wanted = next(remaining, None)


def picture_frames(container: av.container.InputContainer, path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """Each frame of an open file with its time in seconds from the container's start.

    Raises InputError where there is no moving picture; errors of decoding pass through `open_media`.
    """
    stream = picture_stream(container)
    if stream is None:
        raise InputError(f"{path}: has no picture; leave it out")
    # Stages run a process a core: threads inside the decoder would only get in each other's way.
    stream.thread_count = 1
    start = start_s(container)
    for frame in container.decode(stream):
        yield (frame.time or 0.0) - start, frame


def rgb(frame: av.VideoFrame, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """A decoded frame as (height, width, 3) RGB, upright, scaled to `size` = (height, width) if given."""
    quarters = round(frame.rotation / 90) % 4
    height, width = size if size is not None else (None, None)
    if quarters % 2:
        height, width = width, height
    pixels = _scaler().reformat(frame, width, height, "rgb24", threads=1).to_ndarray()
    return np.ascontiguousarray(np.rot90(pixels, quarters))


_scalers = threading.local()


def _scaler() -> VideoReformatter:
    """This thread's scaler. A frame's own would compute the filters anew for every frame, which takes most of the time."""
    if not hasattr(_scalers, "one"):
        _scalers.one = VideoReformatter()
    return _scalers.one
