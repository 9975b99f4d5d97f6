"""Measure every clip and keep those with off-centre stereo sound and a moving face.

Clips go in, the same rows come out with their measures, a verdict and a reason. A clip is rejected for the first of these that
holds: it cannot be read, is truncated, has no picture, no sound, not two channels, a silent channel, the same or nearly
the same sound in both, one channel turned over, sound and picture of unequal length, a still image, centred sound, no face.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from leftright import contracts, results
from leftright.clips import CLIP_COLUMNS, FILTERED, MANIFEST, MEASURE_COLUMNS, REASONS, locate, read_tables, write_table
from leftright.data.clip_measures import Sampling
from leftright.data.clip_workers import measure_clips
from leftright.data.verdict import Limits
from leftright.errors import InputError
from leftright.files import Part, replace_directory
from leftright.metrics.bootstrap import bootstrap_mean
from leftright.results import Collector, Outcome


@dataclass(frozen=True)
class Config(Sampling, Limits):
    """Parameters of `filter`."""

    num_workers: int
    """processes that measure clips at the same time"""

    def __post_init__(self) -> None:
        for name in ("offcentre_bin_s", "frame_rate", "led_window_s", "detector_size", "num_workers"):
            if getattr(self, name) <= 0:
                raise InputError(f"filter.{name} is {getattr(self, name)}; it must be positive")
        for name in ("offcentre_share_min", "face_confidence", "face_share_min"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"filter.{name} is {getattr(self, name)}; it must be in 0 to 1")


def run(config: Config, *, clips: tuple[Path, ...], out: Path, metrics: Path, part: str = "0/1") -> Outcome:
    """Measure and judge the clips.

    clips : the directories of `collect`. out : gets `filtered.parquet`. part : which clips to judge, "index/count".
    Raises InputError where a manifest breaks its contract, a clip's file is missing, or the face detector cannot be had.
    """
    table = read_tables(clips, MANIFEST, list(CLIP_COLUMNS))
    contracts.check("clips", table, clips[-1] / MANIFEST)
    share = table.iloc[Part.parse(part).of(range(len(table)))].reset_index(drop=True)
    filtered = pd.concat([share, _measure(share, clips, config)], axis="columns")
    contracts.check("filtered", filtered, out / FILTERED)
    with replace_directory(out) as directory:
        write_table(directory / FILTERED, filtered)
    values = _summarise(filtered)
    results.write(metrics, values)
    return Outcome(values)


def _measure(table: pd.DataFrame, directories: tuple[Path, ...], config: Config) -> pd.DataFrame:
    """The added columns, in the order of the table's rows."""
    declared_s = ((table["end_ms"] - table["start_ms"]) / 1000).clip(lower=table["duration_s"])
    jobs = [(locate(path, directories), length_s) for path, length_s in zip(table["path"], declared_s, strict=True)]
    measured = measure_clips(jobs, config, config, config.num_workers)
    rows = list(tqdm(measured, total=len(jobs), desc="filter", unit="clip", disable=None))
    return pd.DataFrame(rows, columns=list(MEASURE_COLUMNS)).astype(MEASURE_COLUMNS)


def _summarise(filtered: pd.DataFrame) -> dict[str, results.Value]:
    values = Collector("filter")
    num_clips, kept = len(filtered), filtered["verdict"] == "kept"
    values.add("clips", num_clips)
    values.add("kept", int(kept.sum()), n=num_clips)
    values.add("kept_share", bootstrap_mean(kept.to_list(), filtered["video"].to_list()))
    for reason in REASONS:
        values.add(f"reason.{reason}", int((filtered["reason"] == reason).sum()), n=num_clips)
    return values.values
