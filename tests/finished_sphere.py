"""What `evaluate360` leaves behind, in small: numbers that are known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from leftright import results
from leftright.clips import write_table
from leftright.figures import sphere
from leftright.results import Value

ACCURACIES = {"full": 0.781, "no_w": 0.772, "no_xyz": 0.503}
ERRORS = {"full": (31.5, 21.25, 8.125), "short": (45.0, 33.5, 20.75), "harder": (24.0, 15.5, 6.5)}
"""Alignment at low, medium and high confidence, in degrees."""
NUM_CLIPS, NUM_USABLE, NUM_TEST = 40, 37, 10


def make(directory: Path, metrics: Path) -> None:
    """Write a result to `directory` and its numbers to the file `metrics`."""
    videos = [f"sp{number:03d}" for number in range(NUM_CLIPS)]
    is_usable = np.arange(NUM_CLIPS) < NUM_USABLE
    table = {
        "clip": [f"{video}_0_10000" for video in videos],
        "video": videos,
        "verdict": np.where(is_usable, "kept", "rejected"),
        "reason": np.where(is_usable, "", "mono_copied"),
        "split_video": np.where(is_usable, np.where(np.arange(NUM_CLIPS) < NUM_TEST, "test", "train"), ""),
    }
    write_table(directory / "checked.parquet", pd.DataFrame(table))
    (directory / "not_run.json").write_text(json.dumps({"supervised": "no network"}))
    angles = np.arange(-180.0, 180.0, 20.0)
    events = {"first": np.cos(np.radians(angles)), "second": np.sin(np.radians(angles))}
    events |= {"azimuth_deg": angles, "heard_deg": angles}
    sphere.azimuth_figure(directory / "azimuth.png", pd.DataFrame(events), (0.5, 0.4))
    sphere.strip(
        directory / "overlays" / "sp001_0_10000.png", [np.full((32, 64, 3), 90, np.uint8)] * 2, [1, 2], "sp001"
    )
    results.write(metrics, _values())


def _values() -> dict[str, Value]:
    values = {f"{name}.accuracy": Value(value, value - 0.05, value + 0.05, 300) for name, value in ACCURACIES.items()}
    for name, errors in ERRORS.items():
        for group, error, count in zip(("low", "medium", "high"), errors, (NUM_TEST, 5, 1), strict=True):
            values[f"{name}.alignment_{group}_deg"] = Value(error, error - 5, error + 5, count)
    values["azimuth.correlation"] = Value(0.953, 0.91, 0.98, 72)
    values["azimuth.error_deg"] = Value(12.34, 10.0, 15.0, 72)
    return {f"evaluate360.{key}": value for key, value in values.items()}
