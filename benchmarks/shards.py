"""How much faster training windows come from shards than from the clips themselves.

    python benchmarks/shards.py --shards data/pack --clips data/collect

Both read the same windows, in the same random order, in this one process, with one thread each. A clip is decoded from its
start to the window's end, as a stage would.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from leftright import audio, video
from leftright.clips import MANIFEST, locate, read_tables
from leftright.data.shards import ShardReader

WINDOW_S = 2.87
NUM_FRAMES = 18


def main() -> None:
    arguments = _arguments()
    reader = ShardReader(arguments.shards)
    paths = read_tables(arguments.clips, MANIFEST, ["path"]).set_index("clip")["path"]
    windows = _windows(reader, arguments.windows)

    start = time.perf_counter()
    packed = [_from_shard(reader, row, first) for row, first in windows]
    shard_s = (time.perf_counter() - start) / len(windows)

    start = time.perf_counter()
    decoded = [
        _from_clip(reader, row, first, locate(paths[reader.index["clip"][row]], arguments.clips))
        for row, first in windows
    ]
    clip_s = (time.perf_counter() - start) / len(windows)

    errors = [np.abs(one[1].astype(float) - other[1]).mean() for one, other in zip(packed, decoded, strict=True)]
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(packed, decoded, strict=True))
    print(f"{len(windows)} windows of {WINDOW_S} s, {NUM_FRAMES} frames of {reader.index['height'][0]} pixels")
    print(f"from shards {shard_s * 1e3:8.2f} ms a window")
    print(f"from clips  {clip_s * 1e3:8.2f} ms a window")
    print(f"ratio       {clip_s / shard_s:8.1f}")
    print(f"the sound is the same; frames differ by {np.mean(errors):.2f} of 255 through JPEG")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="directories of pack")
    parser.add_argument("--clips", type=Path, nargs="+", required=True, help="directories of collect")
    parser.add_argument("--windows", type=int, default=100, help="windows to read (default: %(default)s)")
    return parser.parse_args()


def _windows(reader: ShardReader, count: int) -> list[tuple[int, int]]:
    """Random windows, each as (row, first frame), from clips that are long enough."""
    generator = np.random.default_rng(0)
    index = reader.index
    long_enough = np.flatnonzero(
        (index["num_frames"] > NUM_FRAMES) & (index["num_samples"] > (WINDOW_S + 1) * audio.SAMPLE_RATE)
    )
    if not len(long_enough):
        raise SystemExit(f"no clip in the shards is longer than {WINDOW_S + 1} s; pack longer ones")
    rows = generator.choice(long_enough, count)
    return [(int(row), int(generator.integers(_last_start(reader, row) + 1))) for row in rows]


def _last_start(reader: ShardReader, row: int) -> int:
    """The last frame at which a window may begin."""
    spare_s = reader.index["num_samples"][row] / audio.SAMPLE_RATE - WINDOW_S
    return min(int(spare_s * reader.index["frame_rate"][row]), reader.index["num_frames"][row] - NUM_FRAMES)


def _from_shard(reader: ShardReader, row: int, first: int) -> tuple[np.ndarray, np.ndarray]:
    start = round(first / reader.index["frame_rate"][row] * audio.SAMPLE_RATE)
    waveform = reader.waveform(row, start, round(WINDOW_S * audio.SAMPLE_RATE))
    return waveform, reader.frames(row, first, NUM_FRAMES)


def _from_clip(reader: ShardReader, row: int, first: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    frame_rate = reader.index["frame_rate"][row]
    size = (int(reader.index["height"][row]), int(reader.index["width"][row]))
    start = round(first / frame_rate * audio.SAMPLE_RATE)
    waveform = audio.to_pcm(audio.resample(*video.decode_audio(path)))
    # A thousandth later, since a time stamp may be rounded to it.
    frames = video.decode_frames(path, (first + np.arange(NUM_FRAMES)) / frame_rate + 0.001, size)
    return waveform[:, start : start + round(WINDOW_S * audio.SAMPLE_RATE)], frames.transpose(0, 3, 1, 2)


if __name__ == "__main__":
    main()
