"""Shards of a 360 world so plain that the answer is known: a bright square, and noise that comes from where it is seen."""

from pathlib import Path

import numpy as np
import pandas as pd

from leftright import ambisonics, equirectangular
from leftright.audio import SAMPLE_RATE, to_pcm
from leftright.clips import write_table
from leftright.data import shards

FRAME_RATE, HEIGHT, SQUARE = 5.0, 16, 6
SPLITS = ("train", "train", "train", "val", "test")


def write_packed_spheres(directory: Path, *, num_videos: int = 10, num_frames: int = 15, seed: int = 0) -> Path:
    """A clip a video, of `num_frames` / 5 seconds; three of five videos are for training, then val, then test."""
    directory.mkdir(parents=True)
    generator, rows = np.random.default_rng(seed), []
    path = directory / "shard-00000.tar"
    with path.open("wb") as stream, shards.ShardWriter(stream) as writer:
        for number in range(num_videos):
            azimuth = float(generator.uniform(-180, 180))
            video = f"sp{number:03d}"
            clip = f"{video}_0_{round(num_frames / FRAME_RATE * 1000)}"
            jpegs = [shards.encode_jpeg(picture(azimuth, generator), 95) for _ in range(num_frames)]
            noise = generator.normal(0, 0.1, round(num_frames / FRAME_RATE * SAMPLE_RATE))
            packed = shards.PackedClip(clip, {"clip": clip}, to_pcm(ambisonics.encode(noise, azimuth)), jpegs)
            sizes = {"frame_rate": FRAME_RATE, "height": HEIGHT, "width": 2 * HEIGHT, "sample_rate": SAMPLE_RATE}
            split = SPLITS[number % len(SPLITS)]
            splits = {f"split_{kind}": split for kind in ("video", "channel", "scene")}
            said = {"video": video, "channel": video, "shard": path.name, "azimuth_deg": azimuth}
            rows.append({**writer.add(packed), **said, **sizes, **splits})
    index = pd.DataFrame([{**row, "shard_bytes": path.stat().st_size} for row in rows])
    write_table(directory / shards.INDEX, index.sort_values("clip", ignore_index=True))
    return directory


def picture(azimuth_deg: float, generator: np.random.Generator) -> np.ndarray:
    """A bright square around an azimuth, over the picture's edge where it comes to that, on a dark ground."""
    frame = np.full((HEIGHT, 2 * HEIGHT, 3), 60, np.uint8)
    middle = float(equirectangular.x_of(azimuth_deg)) * 2 * HEIGHT
    columns = np.arange(round(middle - SQUARE / 2), round(middle + SQUARE / 2)) % (2 * HEIGHT)
    top = int(generator.integers(4, HEIGHT - SQUARE - 3))
    frame[top : top + SQUARE, columns] = generator.integers(180, 250, 3)
    return frame
