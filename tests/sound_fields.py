"""Sound fields made in code, and films that hold them."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from leftright import ambisonics
from leftright.data.sound_field import Limits
from leftright.spherical import Metadata, write_metadata

RATE = 16_000

LIMITS = Limits(
    silent_db=-65.0,
    copied_db=-8.0,
    absent_db=-50.0,
    order_db=-10.0,
    strong_db=-10.0,
    fuma_db=1.5,
    n3d_db=3.9,
    impossible_db=7.0,
)


def noise(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """(samples,) of white noise at -26 dB of full scale."""
    return np.random.default_rng(seed).normal(0, 0.05, round(seconds * RATE))


def scene(*directions_deg: tuple[float, float], seconds: float = 2.0) -> np.ndarray:
    """(4, samples) ambiX at RATE: independent noise from each (azimuth, elevation)."""
    return np.sum(
        [
            ambisonics.encode(noise(seconds, seed), azimuth_deg, elevation_deg)
            for seed, (azimuth_deg, elevation_deg) in enumerate(directions_deg)
        ],
        axis=0,
    )


def around(seconds: float = 2.0, num_directions: int = 400) -> np.ndarray:
    """(4, samples) ambiX at RATE: sound from everywhere alike, as late reverberation is."""
    up = (2 * np.arange(num_directions) + 1) / num_directions - 1
    azimuths_deg = 360 * 0.618034 * np.arange(num_directions)
    elevations_deg = np.degrees(np.arcsin(up))
    return scene(*zip(azimuths_deg, elevations_deg, strict=True), seconds=seconds) / np.sqrt(num_directions)


def write_film(
    path: Path,
    channels: np.ndarray,
    codec: str = "flac",
    layout: str = "quad",
    sample_rate: int = RATE,
    declared: Metadata | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A film of `channels` (of the layout, samples) at `sample_rate` under grey pictures; returns `path`.

    options : of the sound's codec.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as film:
        is_webm = path.suffix == ".webm"
        picture = film.add_stream(
            "libvpx" if is_webm else "libx264", rate=10, options={} if is_webm else {"preset": "ultrafast", "g": "10"}
        )
        picture.width, picture.height, picture.pix_fmt = 64, 32, "yuv420p"
        sound = film.add_stream(codec, rate=sample_rate, layout=layout)
        sound.codec_context.options = options or {}
        if codec == "aac":
            sound.codec_context.options = {"aac_pns": "0", "aac_is": "0"}
            sound.bit_rate = 64_000 * len(channels)
        for number in range(round(10 * channels.shape[1] / sample_rate)):
            frame = av.VideoFrame.from_ndarray(np.full((32, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            film.mux(picture.encode(frame))
        film.mux(picture.encode(None))
        resampler = av.AudioResampler(format=sound.codec_context.format, layout=layout, rate=sample_rate)
        for start in range(0, channels.shape[1], 1024):  # as long as AAC's frames
            packed = channels[:, start : start + 1024].T.astype(np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
            for part in resampler.resample(frame):
                film.mux(sound.encode(part))
        film.mux(sound.encode(None))
    if declared is not None:
        write_metadata(path, declared)
    return path
