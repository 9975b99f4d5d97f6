"""Collected 360 clips of a world so plain that the answer is known: media files of a bright square that sounds, and a
manifest.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from leftright import ambisonics, video
from leftright.clips import CLIP_COLUMNS, MANIFEST, clip_id, write_table
from leftright.files import sha256
from tests.sphere_world import FRAME_RATE, HEIGHT, picture
from tests.stereo_clips import Clip, write_clip

RATE = 16_000


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
        frames = np.stack([picture(azimuth, generator) for _ in range(round(duration_s * FRAME_RATE))])
        write_clip(path, Clip(waveform.astype(np.float32), RATE, frames, round(FRAME_RATE)))
        said = {"clip": clip, "video": name, "channel": f"ch{number // 2}", "start_ms": 0, "end_ms": end_ms}
        place = {"path": f"clips/{path.name}", "sha256": sha256(path), "source": "folder", "url": "", "title": name}
        rows.append({**dict.fromkeys(CLIP_COLUMNS, ""), **asdict(video.probe(path)), **said, **place})
    write_table(directory / MANIFEST, pd.DataFrame(rows)[list(CLIP_COLUMNS)].astype(CLIP_COLUMNS))
    return directory


__all__ = ["HEIGHT", "write_collected"]
