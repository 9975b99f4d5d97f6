"""Ten faults of a clip, made from one valid clip of the simulated world: what the filter must name."""

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from leftright.data.clip_measures import Sampling
from leftright.data.verdict import Limits
from leftright.simulation.world import Video, make_video
from leftright.video import decode_audio, decode_frames
from tests.tiny_world import tiny_world

DURATION_S = 3.0
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 6: "5.1"}

LIMITS = Limits(
    truncated_tolerance_s=0.5,
    silent_db=-65.0,
    dual_mono_db=-50.0,
    near_mono_correlation=0.9995,
    inverted_correlation=-0.3,
    length_tolerance_s=0.5,
    still_motion=5.0,
    offcentre_threshold_db=0.75,
    offcentre_share_min=0.6,
    face_confidence=0.8,
    face_share_min=0.25,
)
SAMPLING = Sampling(
    offcentre_bin_s=0.25,
    offcentre_lowest_hz=300.0,
    frame_rate=2.0,
    motion_steps_s=(0.5, 1.0),
    led_window_s=0.5,
    detector="uniface",
    detector_weights="default",
    detector_size=256,
)


@dataclass(frozen=True)
class Clip:
    """A clip's sound, (channels, samples) float, and picture, (time, height, width, 3) RGB; None leaves that stream out."""

    waveform: NDArray[np.float32] | None
    sample_rate: int
    frames: NDArray[np.uint8] | None
    frame_rate: int


@functools.cache
def valid_clip() -> Clip:
    """Three seconds of a performer who speaks off-centre."""
    world = tiny_world(
        width=256, height=192, frame_rate=8, min_duration_s=DURATION_S, max_duration_s=DURATION_S, instrument_share=0.0
    )
    with tempfile.TemporaryDirectory() as directory:
        make_video(world, Video(0, 0, "none"), Path(directory))
        path = next(Path(directory).rglob("*.mp4"))
        waveform, sample_rate = decode_audio(path)
        frames = decode_frames(path, (np.arange(round(DURATION_S * 8)) + 0.5) / 8)
    return Clip(waveform[:, : round(DURATION_S * sample_rate)], sample_rate, frames, 8)


def write_clip(
    path: Path, clip: Clip, *, sound_codec: str = "pcm_s16le", options: dict[str, str] | None = None
) -> Path:
    """Write a clip with H.264, as a container of the path's suffix; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as container:
        sound = picture = None
        if clip.frames is not None:
            picture = container.add_stream("libx264", rate=clip.frame_rate, options={"crf": "20", "preset": "veryfast"})
            picture.height, picture.width, picture.pix_fmt = *clip.frames.shape[1:3], "yuv420p"
        if clip.waveform is not None:
            layout = _LAYOUTS[len(clip.waveform)]
            sound = container.add_stream(sound_codec, rate=clip.sample_rate, layout=layout)
        if picture is not None:
            for number, pixels in enumerate(clip.frames):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, clip.frame_rate)
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        if sound is not None:
            samples = np.round(np.clip(clip.waveform.T, -1, 1) * 32767).astype(np.int16).reshape(1, -1)
            block = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
            block.sample_rate = clip.sample_rate
            container.mux([packet for part in _fitted(block, sound) for packet in sound.encode(part)])
            container.mux(sound.encode(None))
    return path


def _fitted(block: av.AudioFrame, stream: av.AudioStream) -> list[av.AudioFrame]:
    resampler = av.AudioResampler(stream.format, stream.layout, stream.rate, frame_size=stream.frame_size or None)
    return [*resampler.resample(block), *resampler.resample(None)]


def with_sound(change: Callable[[NDArray[np.float32]], NDArray[np.floating]]) -> Clip:
    """The valid clip with its waveform changed."""
    clip = valid_clip()
    return replace(clip, waveform=np.asarray(change(clip.waveform), np.float32))


def with_picture(change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Clip:
    """The valid clip with its frames changed."""
    clip = valid_clip()
    return replace(clip, frames=change(clip.frames))


def centred(waveform: NDArray[np.float32]) -> NDArray[np.floating]:
    """The sound straight ahead: the same in both ears, and a little noise of their own."""
    middle = waveform.mean(axis=0)
    return middle + 0.05 * middle.std() * np.random.default_rng(0).standard_normal(waveform.shape)


def faceless(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A bright square that crosses an empty room."""
    empty = np.full_like(frames, 90)
    for number, frame in enumerate(empty):
        frame[60:120, 6 * number : 6 * number + 50] = 220
    return empty


FAULTY: dict[str, Callable[[], Clip]] = {
    "no_picture": lambda: replace(valid_clip(), frames=None),
    "no_sound": lambda: replace(valid_clip(), waveform=None),
    "not_stereo": lambda: with_sound(lambda waveform: waveform[:1]),
    "silent": lambda: with_sound(lambda waveform: 1e-4 * waveform),
    "dual_mono": lambda: with_sound(lambda waveform: waveform[[0, 0]]),
    "near_mono": lambda: with_sound(lambda waveform: waveform[[0, 0]] * [[1.0], [0.5]]),
    "inverted": lambda: with_sound(lambda waveform: waveform * [[1], [-1]]),
    "length_mismatch": lambda: with_sound(lambda waveform: waveform[:, : waveform.shape[1] // 2]),
    "still": lambda: with_picture(lambda frames: np.repeat(frames[:1], len(frames), axis=0)),
    "centred": lambda: with_sound(centred),
    "no_face": lambda: with_picture(faceless),
}
"""How to make a clip that the filter rejects, by the reason that it must give."""
