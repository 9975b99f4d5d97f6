"""The moving world as the downstream tasks take it: by split, with a window that fits."""

from pathlib import Path

import numpy as np

from leftright.data.augmentation import AugmentationRange
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, window_geometry
from leftright.training.materials import Judging, Material
from tests.packed_world import write_moving_world

JUDGING = Judging(windows=2, targets=3, clips=0, num_resamples=50)


def material_of(directory: Path, *, window_s: float = 1.0, frame_step: int = 2, num_channels: int = 5) -> Material:
    """Frames of 24 px, cropped to 20."""
    reader = ShardReader([write_moving_world(directory / "pack", num_channels=num_channels)])
    store = ClipStore(reader, window_geometry(reader, window_s, frame_step, crop=20), cache_mb=8)
    splits = reader.index["split_channel"]
    rows = {name: np.flatnonzero(splits == name).tolist() for name in ("train", "val", "test")}
    return Material(store, rows, AugmentationRange(0.1, 0.1, 0.1), seed=0, num_workers=0)
