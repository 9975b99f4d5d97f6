"""Shards of a world so plain that the answer is known: a bright square, and noise that is louder on the square's side."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.clips import write_table
from leftright.data import shards

FRAME_RATE, SIDE, SQUARE = 6.0, 24, 8
SPLITS = ("train", "train", "train", "val", "test")


def packed_clip(
    name: str, generator: np.random.Generator, *, num_frames: int, is_right: bool
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Frames (time, height, width, 3) with a square in the left or right half, and sound 12 dB louder on that side."""
    frames = np.full((num_frames, SIDE, SIDE, 3), generator.integers(30, 90), np.uint8)
    left = int(generator.integers(0, SIDE // 2 - SQUARE + 1)) + (SIDE // 2 if is_right else 0)
    top = int(generator.integers(0, SIDE - SQUARE))
    frames[:, top : top + SQUARE, left : left + SQUARE] = generator.integers(180, 250, 3)
    noise = generator.normal(size=round(num_frames / FRAME_RATE * 16_000))
    gains = np.array([[0.025], [0.1]] if is_right else [[0.1], [0.025]])
    return frames, shards.to_pcm(gains * noise)


def write_packed_world(directory: Path, *, num_channels: int = 10, num_frames: int = 12, seed: int = 0) -> Path:
    """Two clips a channel, of `num_frames` / 6 seconds; three of five channels are for training, then val, then test."""
    directory.mkdir(parents=True)
    generator, rows = np.random.default_rng(seed), []
    path = directory / "shard-00000.tar"
    with path.open("wb") as stream, shards.ShardWriter(stream) as writer:
        for number in range(2 * num_channels):
            channel = f"ch{number // 2:03d}"
            name = f"{channel}v{number % 2:02d}_0_{round(num_frames / FRAME_RATE * 1000)}"
            frames, waveform = packed_clip(name, generator, num_frames=num_frames, is_right=bool(generator.integers(2)))
            clip = shards.PackedClip(
                name, {"clip": name}, waveform, [shards.encode_jpeg(frame, 95) for frame in frames]
            )
            split = SPLITS[number // 2 % len(SPLITS)]
            rows.append({**writer.add(clip), **_description(name, channel, split)})
    size = path.stat().st_size
    write_table(directory / shards.INDEX, _index([{**row, "shard_bytes": size} for row in rows]))
    return directory


def _description(name: str, channel: str, split: str) -> dict[str, object]:
    splits = {f"split_{kind}": split for kind in ("video", "channel", "scene")}
    sizes = {"frame_rate": FRAME_RATE, "height": SIDE, "width": SIDE, "sample_rate": 16_000}
    return {"video": name.split("_")[0], "channel": channel, "shard": "shard-00000.tar", **sizes, **splits}


def _index(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values("clip", ignore_index=True)
