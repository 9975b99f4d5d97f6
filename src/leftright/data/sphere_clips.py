"""Clips of 360-degree video, from the manifest of `collect` to shards: chosen by their channels, checked, split and packed."""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from leftright import audio, equirectangular, video
from leftright.clips import CLIP_COLUMNS, MANIFEST, locate, read_tables
from leftright.data import packing, sound_field
from leftright.data.packing import DESCRIPTION_COLUMNS, FACE_COLUMNS, Packing
from leftright.data.splits import KINDS, Shares, assign
from leftright.errors import InputError
from leftright.parallel import process_map

MEASURES = ("rms_db", "left_db", "up_db", "ahead_db", "velocity_db", "copy_db", "directedness")
"""What is measured of each sound field; see `leftright.data.sound_field_measures`."""

_CLIPS_PER_SHARD = 16


@dataclass(frozen=True)
class Packing360:
    """How 360 clips are read and packed."""

    layout: sound_field.ReadAs
    """How four channels are ordered and normalised: as the file declares, else as ambiX; or as said here."""
    sphere_frame_rate: float
    """Frames a second that are kept (paper: 5)."""
    sphere_height: int
    """Height to which the equirectangular pictures are scaled; they are twice as wide (paper: 240)."""
    sphere_jpeg_quality: int
    """JPEG quality of the frames, 1 to 100."""
    sphere_workers: int
    """Processes that check and decode at the same time."""

    def __post_init__(self) -> None:
        for name in ("sphere_frame_rate", "sphere_height", "sphere_workers"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} {getattr(self, name)}: must be above 0")
        if not 1 <= self.sphere_jpeg_quality <= 100:
            raise InputError(f"sphere_jpeg_quality {self.sphere_jpeg_quality}: must be in 1 to 100")


@dataclass(frozen=True)
class _Equirectangular(Packing):
    @property
    def frame_shape(self) -> tuple[int, int]:
        return self.frame_size, equirectangular.ASPECT * self.frame_size


def candidates(directories: Sequence[Path]) -> pd.DataFrame:
    """The rows of `collect`'s manifests whose sound may be first-order ambisonics, by its channels."""
    table = read_tables(directories, MANIFEST, list(CLIP_COLUMNS))
    return table[table["num_channels"].isin(sound_field.NUM_CHANNELS)].reset_index(drop=True)


def check(
    table: pd.DataFrame, directories: Sequence[Path], packing_360: Packing360, limits: sound_field.Limits
) -> pd.DataFrame:
    """The rows with what was measured of each sound field, `verdict` (kept or rejected) and `reason`."""
    jobs = [str(locate(path, directories)) for path in table["path"]]
    ask = partial(_examined, layout=packing_360.layout, limits=limits)
    measured = process_map(ask, jobs, packing_360.sphere_workers, preload=("scipy.signal",))
    rows = list(tqdm(measured, total=len(jobs), desc="check", unit="clip", disable=None))
    columns = [*MEASURES, "verdict", "reason", "doubts"]
    return pd.concat([table, pd.DataFrame(rows, columns=columns)], axis="columns")


def _examined(path: str, *, layout: sound_field.ReadAs, limits: sound_field.Limits) -> dict[str, Any]:
    found, _ = sound_field.examine(Path(path), layout, limits)
    verdict = "rejected" if found.reason else "kept"
    measures = dict.fromkeys(MEASURES, math.nan) | dict(found.measures)
    return {**measures, "verdict": verdict, "reason": found.reason, "doubts": list(found.doubts)}


def split(checked: pd.DataFrame, val_share: float, test_share: float, seed: int) -> pd.DataFrame:
    """The rows with the split of each kind; scenes are not told apart: their split is the videos'."""
    shares = Shares(val_share, test_share)
    groups = {"video": "video", "channel": "channel", "scene": "video"}
    is_kept = checked["verdict"] == "kept"
    for kind in KINDS:
        parts = assign(checked.loc[is_kept, groups[kind]].tolist(), shares, seed)
        checked = checked.assign(**{f"split_{kind}": checked[groups[kind]].map(parts).fillna("")})
    return checked


def pack(checked: pd.DataFrame, directories: Sequence[Path], packing_360: Packing360, out: Path) -> None:
    """Pack the kept clips into the shards of `leftright.data.packing`, once."""
    if out.exists():
        return
    kept = checked[checked["verdict"] == "kept"]
    how = _Equirectangular(
        frame_rate=packing_360.sphere_frame_rate,
        frame_size=packing_360.sphere_height,
        jpeg_quality=packing_360.sphere_jpeg_quality,
        clips_per_shard=_CLIPS_PER_SHARD,
        num_workers=packing_360.sphere_workers,
    )
    read = partial(_read, directories=tuple(directories), layout=packing_360.layout)
    rows: Any = kept.to_dict("records")
    packing.write_shards(rows, read, how, out, {"clips": kept["sha256"].tolist(), "layout": packing_360.layout}, "0/1")


def _read(row: Mapping[str, Any], *, directories: tuple[Path, ...], layout: sound_field.ReadAs) -> packing.Source:
    path = locate(row["path"], directories)
    waveform = audio.to_pcm(sound_field.read_sound_field(path, layout))
    description = {**dict.fromkeys(DESCRIPTION_COLUMNS, ""), **row, "log_energy_difference_db": float("nan")}
    faces = dict.fromkeys(FACE_COLUMNS, ())
    return packing.Source(description, faces, waveform, path, video.probe(path).video_duration_s)


def forget(out: Path) -> None:
    """Remove the shards: they are a way, and no result."""
    shutil.rmtree(out, ignore_errors=True)
