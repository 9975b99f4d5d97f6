"""Shards of a world so plain that the answer is known: a bright square, and noise that is louder on the square's side."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.audio import SAMPLE_RATE, log_energy_difference, to_pcm
from leftright.clips import write_table
from leftright.data import shards

FRAME_RATE, SIDE, SQUARE = 6.0, 24, 8
SPLITS = ("train", "train", "train", "val", "test")
TONES_HZ = (500, 3000)
STAY = 3  # stored frames for which something that moves stays on a side: half a second

Made: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int16], dict[str, object]]
"""Frames (time, height, width, 3), sound (2, samples) and further columns of the index."""


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
    return frames, to_pcm(gains * noise)


def moving_clip(
    generator: np.random.Generator, *, num_frames: int
) -> tuple[NDArray[np.uint8], NDArray[np.int16], dict[str, object]]:
    """A square that changes sides at random, heard where it is, whose colour is its tone's; and the columns of its "face".

    So the picture agrees with no other video's sound, and with its own at its own time alone.
    """
    kind, num_samples = int(generator.integers(len(TONES_HZ))), round(num_frames / FRAME_RATE * SAMPLE_RATE)
    sides = np.repeat(generator.integers(0, 2, -(-num_frames // STAY)), STAY)[:num_frames]
    lefts = sides * (SIDE // 2) + int(generator.integers(0, SIDE // 2 - SQUARE + 1))
    top = int(generator.integers(0, SIDE - SQUARE))
    frames = np.full((num_frames, SIDE, SIDE, 3), 60, np.uint8)
    for frame, left in zip(frames, lefts, strict=True):
        frame[top : top + SQUARE, left : left + SQUARE] = (240, 120, 40) if kind == 0 else (40, 120, 240)
    times_s = np.arange(num_samples) / SAMPLE_RATE
    sound = np.sin(2 * np.pi * TONES_HZ[kind] * times_s) + 0.3 * generator.normal(size=num_samples)
    is_right = sides[np.minimum((times_s * FRAME_RATE).astype(int), num_frames - 1)] == 1
    waveform = np.stack([np.where(is_right, 0.02, 0.08), np.where(is_right, 0.08, 0.02)]) * sound
    return frames, to_pcm(waveform), _face(lefts, top, waveform)


def _face(lefts: NDArray[np.int64], top: int, waveform: NDArray[np.float64]) -> dict[str, object]:
    """What the filter would say of the square, at every stored frame but the last."""
    edges = [
        edge / SIDE for edge in (lefts, np.full_like(lefts, top), lefts + SQUARE, np.full_like(lefts, top + SQUARE))
    ]
    per_frame = np.split(waveform, (np.arange(1, len(lefts)) / FRAME_RATE * SAMPLE_RATE).round().astype(int), axis=1)
    columns = {"face_times_s": np.arange(len(lefts)) / FRAME_RATE, "face_xs": (edges[0] + edges[2]) / 2}
    columns["face_led_db"] = np.array([float(log_energy_difference(sound)) for sound in per_frame])
    names = ("face_lefts", "face_tops", "face_rights", "face_bottoms")
    return {name: values[:-1].tolist() for name, values in {**columns, **dict(zip(names, edges, strict=True))}.items()}


def write_packed_world(directory: Path, *, num_channels: int = 10, num_frames: int = 12, seed: int = 0) -> Path:
    """Two clips a channel, of `num_frames` / 6 seconds; three of five channels are for training, then val, then test."""

    def still(name: str, generator: np.random.Generator) -> Made:
        return *packed_clip(name, generator, num_frames=num_frames, is_right=bool(generator.integers(2))), {}

    return _write(directory, still, num_channels, num_frames, seed)


def write_moving_world(directory: Path, *, num_channels: int = 5, num_frames: int = 18, seed: int = 0) -> Path:
    """As `write_packed_world`, of clips in which something moves and has the columns of a face."""

    def moving(name: str, generator: np.random.Generator) -> Made:
        return moving_clip(generator, num_frames=num_frames)

    return _write(directory, moving, num_channels, num_frames, seed)


def _write(
    directory: Path, make: Callable[[str, np.random.Generator], Made], num_channels: int, num_frames: int, seed: int
) -> Path:
    directory.mkdir(parents=True)
    generator, rows = np.random.default_rng(seed), []
    path = directory / "shard-00000.tar"
    with path.open("wb") as stream, shards.ShardWriter(stream) as writer:
        for number in range(2 * num_channels):
            channel = f"ch{number // 2:03d}"
            name = f"{channel}v{number % 2:02d}_0_{round(num_frames / FRAME_RATE * 1000)}"
            frames, waveform, columns = make(name, generator)
            clip = shards.PackedClip(
                name, {"clip": name}, waveform, [shards.encode_jpeg(frame, 95) for frame in frames]
            )
            split = SPLITS[number // 2 % len(SPLITS)]
            rows.append({**writer.add(clip), **_description(name, channel, split), **columns})
    size = path.stat().st_size
    write_table(directory / shards.INDEX, _index([{**row, "shard_bytes": size} for row in rows]))
    return directory


def _description(name: str, channel: str, split: str) -> dict[str, object]:
    splits = {f"split_{kind}": split for kind in ("video", "channel", "scene")}
    sizes = {"frame_rate": FRAME_RATE, "height": SIDE, "width": SIDE, "sample_rate": SAMPLE_RATE}
    return {"video": name.split("_")[0], "channel": channel, "shard": "shard-00000.tar", **sizes, **splits}


def _index(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows).sort_values("clip", ignore_index=True)
