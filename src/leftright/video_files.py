"""Picture and sound as a file that players and browsers play: H.264 and AAC in MP4.

Everything that could vary from run to run is pinned (one encoder thread, no dates, no version strings), so that equal pixels
and samples make equal files.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_MP4 = {"movflags": "+faststart", "fflags": "+bitexact"}
_H264 = {"preset": "ultrafast", "threads": "1", "flags": "+bitexact"}
# Intensity stereo and noise substitution would throw the interaural phase away; the slow coder gains nothing at this rate.
_AAC = {"aac_coder": "fast", "aac_is": "0", "aac_pns": "0", "flags": "+bitexact"}
# By number of channels; none has a channel for low frequencies alone, which the coder would cut down to bass.
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 6: "hexagonal"}


def write_mp4(
    path: Path, frames: Iterator[Pixels], waveform: NDArray[np.floating], *, frame_rate: int, sample_rate: int,
    quality: int, audio_bit_rate: int,
) -> None:  # fmt: skip
    """Write picture and sound.

    frames : (height, width, 3) RGB each, of even sides. waveform : (channels, samples) with 1 to 4 or 6 channels, full scale 1.
    quality : x264's constant rate factor; less is better. audio_bit_rate : bits a second.
    """
    with av.open(str(path), "w", format="mp4", options=_MP4) as container:
        first = next(frames)
        # A key frame every two seconds, as published videos have about, so that clips can be cut without encoding anew.
        options = {**_H264, "crf": str(quality), "g": str(2 * frame_rate)}
        picture = container.add_stream("libx264", rate=frame_rate, options=options)
        picture.height, picture.width = first.shape[:2]
        picture.pix_fmt = "yuv420p"
        layout = _LAYOUTS[len(waveform)]
        sound = container.add_stream("aac", rate=sample_rate, layout=layout, options=_AAC)
        sound.bit_rate = audio_bit_rate
        samples = np.clip(waveform, -1, 1).astype(np.float32)
        second = 0
        remaining = _chain(first, frames)
        # A second of each in turn, so that a file cut anywhere has as much of the one as of the other.
        while batch := list(islice(remaining, frame_rate)):
            for number, frame in enumerate(batch, start=second * frame_rate):
                container.mux(picture.encode(_video_frame(frame, number, frame_rate)))
            part = samples[:, second * sample_rate : (second + 1) * sample_rate]
            container.mux(sound.encode(_audio_frame(part, second * sample_rate, sample_rate, layout)))
            second += 1
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))


def _chain(first: Pixels, rest: Iterator[Pixels]) -> Iterator[Pixels]:
    yield first
    yield from rest


def _video_frame(pixels: Pixels, number: int, frame_rate: int) -> av.VideoFrame:
    planes = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420).astype(np.uint8, copy=False)
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, frame_rate)
    return frame


def _audio_frame(samples: NDArray[np.float32], start: int, sample_rate: int, layout: str) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
    return frame
