"""Collected 360 clips of a world so plain that the answer is known: media files of a bright square that sounds, and a
manifest.
"""

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright import ambisonics, video
from leftright.clips import CLIP_COLUMNS, MANIFEST, clip_id, write_table
from leftright.files import sha256
from tests.sphere_world import FRAME_RATE, HEIGHT, picture

RATE = 16_000


def write_media(path: Path, frames: list[NDArray[np.uint8]], waveform: NDArray[np.floating]) -> None:
    """H.264 at FRAME_RATE and FLAC at RATE, in Matroska. waveform : (3, 4 or 6, samples)."""
    layout = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 6: "hexagonal"}[len(waveform)]
    with av.open(str(path), "w", format="matroska") as container:
        seen = container.add_stream("libx264", rate=round(FRAME_RATE), options={"crf": "10", "preset": "ultrafast"})
        seen.height, seen.width = frames[0].shape[:2]
        seen.pix_fmt = "yuv420p"
        heard = container.add_stream("flac", rate=RATE, layout=layout, format="s16")
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, round(FRAME_RATE))
            container.mux(seen.encode(frame))
        container.mux(seen.encode(None))
        samples = np.clip(np.round(waveform * 32767), -32768, 32767).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="s16", layout=layout)
        sound.sample_rate, sound.pts, sound.time_base = RATE, 0, Fraction(1, RATE)
        container.mux([*heard.encode(sound), *heard.encode(None)])


def write_collected(directory: Path, *, num_videos: int, duration_s: float = 4.0, seed: int = 0) -> Path:
    """What `collect` would leave of as many videos, a clip each; the directory. Of some the height is missing, one is
    silent.
    """
    (directory / "clips").mkdir(parents=True)
    generator, rows = np.random.default_rng(seed), []
    for number in range(num_videos):
        azimuth = float(generator.uniform(-180, 180))
        noise = generator.normal(0, 0.0 if number == 1 else 0.1, round(duration_s * RATE))
        waveform = ambisonics.encode(noise, azimuth, 5.0)
        waveform = waveform[[0, 1, 3]] if number % 4 == 2 else waveform
        name, end_ms = f"sp{number:03d}", round(duration_s * 1000)
        clip = clip_id(name, 0, end_ms)
        path = directory / "clips" / f"{clip}.mkv"
        write_media(path, [picture(azimuth, generator) for _ in range(round(duration_s * FRAME_RATE))], waveform)
        said = {"clip": clip, "video": name, "channel": f"ch{number // 2}", "start_ms": 0, "end_ms": end_ms}
        place = {"path": f"clips/{path.name}", "sha256": sha256(path), "source": "folder", "url": "", "title": name}
        rows.append({**dict.fromkeys(CLIP_COLUMNS, ""), **asdict(video.probe(path)), **said, **place})
    write_table(directory / MANIFEST, pd.DataFrame(rows)[list(CLIP_COLUMNS)].astype(CLIP_COLUMNS))
    return directory


__all__ = ["HEIGHT", "write_collected", "write_media"]
