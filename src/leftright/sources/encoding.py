"""Encode a stretch of picture or sound anew, for clips whose packets cannot be copied."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np

from leftright.errors import InputError
from leftright.sources.packets import ROUNDING_S, Stretch, TruncatedError, packets_from, time_base, units, until
from leftright.video import decoded_sound, layout_of, rgb

# x264's look-ahead reads memory that it has not set, and now and then gives other bytes for the same frames. Without it the
# same frames make the same file.
_H264 = {"crf": "18", "preset": "veryfast", "x264-params": "rc-lookahead=0:mbtree=0:scenecut=0"}


def encode_picture(
    media: av.container.InputContainer,
    stream: av.VideoStream,
    clip: av.container.OutputContainer,
    start: Fraction,
    end: Fraction,
) -> Stretch:
    """The frames from `start` to `end` (seconds), upright, as H.264 of a quality where the loss is not seen.

    Raises TruncatedError where there are none.
    """
    rate = Fraction(stream.average_rate or 25)
    output = clip.add_stream("libx264", rate=rate, options=_H264)
    # One thread: clips are cut side by side, and the same bytes come out on every machine.
    output.codec_context.thread_count = 1
    output.pix_fmt = "yuv420p"
    packets: list[av.Packet] = []
    times: list[Fraction] = []
    for time, frame in _frames(media, stream, start, end):
        if not times:
            output.width, output.height = frame.width // 2 * 2, frame.height // 2 * 2
            output.codec_context.time_base = time_base(stream)
        times.append(time)
        frame.time_base = time_base(stream)
        frame.pts = round((time - times[0]) / frame.time_base)
        frame.pict_type = av.video.frame.PictureType.NONE
        packets += output.encode(frame)
    if not times:
        raise TruncatedError(f"{media.name}: no picture from {float(start):.2f} s on; get the file again")
    packets += output.encode()
    return Stretch(packets, times[0], times[-1] + 1 / rate)


def _frames(
    media: av.container.InputContainer, stream: av.VideoStream, start: Fraction, end: Fraction
) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    """The frames shown from `start` (included) to `end` (not), upright, each with its time in seconds."""
    stream.thread_count = 1
    for packet in [*until(packets_from(media, stream, start), units(stream, end + 1)), None]:
        for frame in stream.codec_context.decode(packet):
            time = (frame.pts or 0) * time_base(stream)
            if start <= time + ROUNDING_S < end:
                yield time, _upright(frame)


def _upright(frame: av.VideoFrame) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(rgb(frame), format="rgb24") if frame.rotation else frame


def encode_sound(
    stream: av.AudioStream,
    clip: av.container.OutputContainer,
    packets: Sequence[av.Packet],
    start: Fraction,
    end: Fraction,
) -> list[av.Packet]:
    """The sound of `packets` from `start` to `end` (seconds), to the sample, as FLAC, in its channels and its rate.

    Raises InputError for a number of channels that has no usual layout where the file declares none.
    """
    depth = "s32" if re.match("pcm_(s24|s32|f32|f64)", stream.codec_context.name) else "s16"
    num_channels = layout_of(stream).nb_channels
    layout = layout_of(stream).name
    if not is_declared(stream) or layout.startswith("ambisonic"):
        layout = _usual_layout(num_channels)
    first, samples = _samples(stream, packets, layout, depth)
    # Packed samples: left, right, left, right, ... in one row.
    skipped = max(0, round((start - first) * stream.sample_rate))
    wanted = round((end - max(start, first)) * stream.sample_rate)
    samples = samples[:, skipped * num_channels : (skipped + wanted) * num_channels]
    if not samples.size:
        return []
    output = clip.add_stream("flac", rate=stream.sample_rate, layout=layout, format=depth)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=depth, layout=layout)
    frame.sample_rate = stream.sample_rate
    frame.time_base = Fraction(1, stream.sample_rate)
    frame.pts = max(0, round((first - start) * stream.sample_rate))
    return [*output.encode(frame), *output.encode()]


def _samples(
    stream: av.AudioStream, packets: Sequence[av.Packet], layout: str, depth: str
) -> tuple[Fraction, np.ndarray]:
    """The time of the first decoded sample, in seconds, and all samples, packed: (1, samples x channels)."""
    resampler = av.AudioResampler(format=depth, layout=layout, rate=stream.sample_rate)
    blocks: list[np.ndarray] = []
    first = Fraction(0)
    for packet in [*packets, None]:
        for frame in decoded_sound(stream.codec_context.decode(packet), layout):
            if not blocks:
                first = (frame.pts or 0) * time_base(stream)
            blocks += [block.to_ndarray() for block in resampler.resample(frame)]
    return first, np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.int16)


def is_declared(stream: av.AudioStream) -> bool:
    """Whether the file says which channels its sound has, by a name that a clip can be given, and not their number alone."""
    return re.match(r"\d+ channels", layout_of(stream).name) is None


def _usual_layout(num_channels: int) -> str:
    usual = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 8: "7.1"}
    if num_channels not in usual:
        raise InputError(f"{num_channels} channels of sound, and the file does not say which; leave it out")
    return usual[num_channels]
