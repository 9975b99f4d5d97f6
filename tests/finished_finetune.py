"""What `finetune` leaves behind, in small: tables of made-up variants whose differences are known, and examples to play.

Flip is better than scratch by OVERLAP_GAIN in overlap, by STFT_GAIN in STFT distance and by SDR_GAIN in dB on every clip, and
no better than without the picture. `supervised` was not run.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from leftright import results
from leftright.clips import write_table
from leftright.figures import style
from leftright.results import Value
from leftright.sound_files import write_flac

OVERLAP_GAIN, STFT_GAIN, SDR_GAIN, TOLD_GAIN = 0.3, 0.1, 3.0, 1.5
REASON = "no weights of ImageNet can be had here"
VARIANTS = {
    "track": ("scratch", "mismatch", "shift", "flip", "sound_only", "picture_only"),
    "spatialize": ("scratch", "mismatch", "shift", "flip", "sound_only"),
    "separate": ("scratch", "mismatch", "shift", "flip", "sound_only"),
}
"""Of each task, what was run."""

_AS_FLIP = ("flip", "sound_only")
_TIMES_S = (2.0, 6.0)
_WIDTH = 0.2  # of a face's box


def faces(source_x: np.ndarray, *, is_speaking: bool) -> dict[str, object]:
    """The truth's columns of a face around the source, which sounds if its performer speaks."""
    box = {"face_left": source_x - _WIDTH / 2, "face_top": 0.3, "face_right": source_x + _WIDTH / 2, "face_bottom": 0.6}
    return {"is_face_sounding": is_speaking, **box}


def make(directory: Path, metrics: Path, curated: pd.DataFrame, tracks: pd.DataFrame) -> None:
    """Write the variants of all tasks to `directory` and their numbers to `metrics`. tracks : the truth's trajectories."""
    clips = curated[curated["split_channel"] == "test"].reset_index(drop=True)
    tables = {"track": _track(clips, tracks), "spatialize": _spatialize(clips), "separate": _separate(clips)}
    numbers: dict[str, Value] = {}
    for task, by_variant in tables.items():
        for name in VARIANTS[task]:
            table = by_variant[name]
            write_table(directory / task / name / "predictions.parquet", table)
            numbers |= _numbers(f"finetune.{task}.{name}", table)
        _examples(directory / task / "flip" / "examples", task, clips)
    (directory / "not_run.json").write_text(json.dumps({f"{task}/supervised": REASON for task in VARIANTS}))
    results.write(metrics, numbers)


def _track(clips: pd.DataFrame, tracks: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The detector sees the true face. Flip's box overlaps it by 0.8, the others' by 0.5: a shift of d leaves (w-d)/(w+d)."""
    rows = []
    for clip in clips.itertuples():
        of_video = tracks[tracks["video"] == clip.video]
        for time_s in _TIMES_S:
            row = of_video.iloc[(of_video["time_s"] - clip.start_ms / 1000 - time_s).abs().argmin()]
            true = {f"true_{edge}": row[f"face_{edge}"] for edge in ("left", "top", "right", "bottom")}
            rows.append({"clip": clip.clip, "video": clip.video, "channel": clip.channel, "time_s": time_s, **true})
    asked = pd.DataFrame(rows)
    tables = {}
    for name in VARIANTS["track"]:
        overlap = 0.8 if name in _AS_FLIP else 0.8 - OVERLAP_GAIN
        shift = _WIDTH * (1 - overlap) / (1 + overlap)
        edges = {"left": shift, "top": 0.0, "right": shift, "bottom": 0.0}
        boxes = {edge: asked[f"true_{edge}"] + by for edge, by in edges.items()}
        tables[name] = asked.assign(**boxes, iou=overlap)
    return tables


def _spatialize(clips: pd.DataFrame) -> dict[str, pd.DataFrame]:
    described = clips[["clip", "video", "channel"]]
    hard = np.random.default_rng(0).uniform(0.2, 0.8, len(clips))
    tables = {}
    for name in VARIANTS["spatialize"]:
        worse = 0.0 if name in _AS_FLIP else STFT_GAIN
        by_condition = {"predicted": hard + worse, "mirrored": hard + 0.2, "mono": hard + 0.3}
        parts = [
            described.assign(
                condition=condition, stft=stft, env=stft / 4, mag=2 * stft, phase=stft + 0.5, snr_db=5 - stft
            )
            for condition, stft in by_condition.items()
        ]
        tables[name] = pd.concat(parts, ignore_index=True)
    return tables


def _separate(clips: pd.DataFrame) -> dict[str, pd.DataFrame]:
    hard = np.random.default_rng(1).uniform(-2, 2, len(clips))
    others = np.roll(clips["clip"].to_numpy(), 7)
    asked = clips[["clip", "video", "channel"]].assign(mixed_with=others)
    tables = {}
    for name in VARIANTS["separate"]:
        sdr = hard + 4 + (SDR_GAIN if name in _AS_FLIP else 0.0)
        ratios = {"sdr_db": sdr, "sir_db": sdr + 2, "sar_db": sdr + 5}
        table = asked.assign(condition="asked", **ratios, sdr_mixture_db=hard, sdr_improvement_db=sdr - hard)
        told = table.assign(condition="best", sdr_db=table["sdr_db"] + TOLD_GAIN)
        tables[name] = pd.concat([table, told], ignore_index=True) if name == "sound_only" else table
    return tables


def _numbers(prefix: str, table: pd.DataFrame) -> dict[str, Value]:
    """The means of a table's measures; of clips made stereo those of each condition."""
    if "condition" in table:
        return {
            key: value
            for condition, rows in table.groupby("condition")
            for key, value in _means(
                prefix if condition in ("predicted", "asked") else f"{prefix}.{condition}", rows
            ).items()
        }
    found = _means(prefix, table)
    if "iou" in table:
        found |= {f"{prefix}.{name}": Value(0.6, 0.5, 0.7, len(table)) for name in ("ap50", "centre_x")}
        found[f"{prefix}.ap"] = Value(0.4, n=len(table))
    return found


def _means(prefix: str, rows: pd.DataFrame) -> dict[str, Value]:
    measures = [name for name in ("iou", "stft", "env", "mag", "phase") if name in rows]
    measures += [name for name in rows if name.endswith("_db")]
    means = {name: float(rows[name].mean()) for name in measures}
    return {f"{prefix}.{name}": Value(mean, mean - 0.05, mean + 0.05, len(rows)) for name, mean in means.items()}


def _examples(folder: Path, task: str, clips: pd.DataFrame) -> None:
    """One example a task: a picture, and of tasks that can be heard a second of each sound."""
    with style.figure(folder / f"{task}-1.png", 4, 2) as drawing:
        drawing.subplots().plot([0, 1])
    tone = 0.3 * np.sin(np.arange(16_000) / 9)[np.newaxis]
    sounds = []
    for label in () if task == "track" else ("before", "after", "true"):
        write_flac(folder / f"{task}-1-{label}.flac", tone)
        sounds.append({"label": label, "file": f"{task}-1-{label}.flac"})
    clip = clips.iloc[0]
    entry = {"clip": clip["clip"], "video": clip["video"], "title": "A <title>", "sounds": sounds}
    (folder / "examples.json").write_text(json.dumps([{**entry, "picture": f"{task}-1.png"}]))
