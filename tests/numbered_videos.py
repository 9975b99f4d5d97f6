"""Videos made in code: each frame shows its number in black and white bars, and each channel sounds unlike the others."""

import functools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

NUM_BITS = 10
_BAR = 16  # pixels; wide enough to survive any codec


@functools.cache
def sound(num_channels: int, num_samples: int, sample_rate: int) -> np.ndarray:
    """(channels, samples) float, full scale 1: a rising tone, another in each channel, under a little noise."""
    time_s = np.arange(num_samples) / sample_rate
    noise = np.random.default_rng(0).normal(0, 0.02, (num_channels, num_samples))
    base_hz = 200 * (1 + np.arange(num_channels))[:, None]
    return (noise + 0.4 * np.sin(2 * np.pi * (base_hz + 20 * time_s) * time_s)).astype(np.float32)


def picture(number: int) -> np.ndarray:
    """(48, 160, 3) RGB that shows `number`."""
    bits = (number >> np.arange(NUM_BITS)) & 1
    return np.repeat(np.repeat(np.repeat(bits * 255, _BAR)[None], 48, 0)[..., None], 3, 2).astype(np.uint8)


def write_video(
    path: Path,
    seconds: float,
    *,
    sound_seconds: float | None = None,
    sound_codec: str = "aac",
    layout: str = "stereo",
    sample_rate: int = 48_000,
    picture_codec: str = "libx264",
    frame_rate: int = 25,
    gop: int = 50,
    sound_delay: float = 0.0,
    picture_delay: float = 0.0,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a numbered video; returns `path`.

    sound_codec or picture_codec "" leaves that stream out. gop : frames from one key frame to the next. sound_delay,
    picture_delay : seconds by which a stream starts late.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as file:
        packets = []
        if picture_codec:
            packets += _delayed(_pictures(file, seconds, picture_codec, frame_rate, gop), picture_delay)
        if sound_codec:
            sound_seconds = seconds if sound_seconds is None else sound_seconds
            packets += _delayed(_sounds(file, sound_seconds, sound_codec, layout, sample_rate), sound_delay)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            file.mux(packet)
    return path


def _delayed(packets, seconds):
    for packet in packets:
        packet.pts += round(seconds / packet.time_base)
        packet.dts += round(seconds / packet.time_base)
    return packets


def _pictures(file, seconds, codec, frame_rate, gop):
    stream = file.add_stream(codec, rate=frame_rate)
    stream.width, stream.height, stream.pix_fmt = NUM_BITS * _BAR, 48, "yuv420p"
    stream.gop_size = gop
    stream.codec_context.thread_count = 1
    # Key frames where `gop` says, and nowhere else.
    stream.codec_context.options = {"sc_threshold": "0", "x265-params": "scenecut=0:log-level=none"}
    packets = []
    for number in range(round(seconds * frame_rate)):
        frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, frame_rate)
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


def _sounds(file, seconds, codec, layout, sample_rate):
    stream = file.add_stream(codec, rate=sample_rate, layout=layout)
    # FFmpeg calls its Vorbis encoder experimental. AAC's noise substitution is made anew at each decoding.
    stream.codec_context.options = {"vorbis": {"strict": "-2"}, "aac": {"aac_pns": "0"}}.get(codec, {})
    samples = sound(av.AudioLayout(layout).nb_channels, round(seconds * sample_rate), sample_rate)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = sample_rate, 0, Fraction(1, sample_rate)
    resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=sample_rate)
    packets = [packet for block in resampler.resample(frame) for packet in stream.encode(block)]
    return [*packets, *stream.encode(None)]


def frame_numbers(path: Path) -> list[tuple[float, int]]:
    """(time in seconds, number shown) of each frame of a file."""
    numbers = []
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            row = frame.to_ndarray(format="gray")[24, _BAR // 2 :: _BAR][:NUM_BITS]
            numbers.append((frame.time, int(((row > 127) << np.arange(NUM_BITS)).sum())))
    return numbers


def lag_samples(waveform: np.ndarray, clip: np.ndarray, start: int, reach: int = 200) -> tuple[int, float]:
    """Where `clip` (samples) lies in `waveform` around sample `start`: (offset, rms of what differs there)."""
    middle = slice(1000, 13_000)
    errors = {
        lag: float(np.sqrt(np.mean((waveform[start + lag :][middle] - clip[middle]) ** 2)))
        for lag in range(max(-reach, -start), reach)
    }
    best = min(errors, key=errors.__getitem__)
    return best, errors[best]
