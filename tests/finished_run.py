"""What the stages before the report leave behind, in small: tables and metrics of a made-up run whose numbers are known.

What a test expects is planted here: which clips are rejected and why, how often the model is right, where it looks.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from leftright import results
from leftright.clips import CLIP_COLUMNS, clip_id, write_table
from leftright.data import curation, splits
from leftright.figures import style
from leftright.results import Value
from leftright.simulation import faults
from leftright.sources.base import Clip, Harvest, Status, Video
from leftright.sources.ledger import LEDGER, Ledger
from tests import finished_finetune, finished_sphere

NUM_CHANNELS, VIDEOS_PER_CHANNEL, CLIPS_PER_VIDEO = 30, 4, 2
CLIP_MS, WINDOW_S = 10_000, 2.87

REASONS = {
    faults.MONO: "not_stereo",
    faults.DUAL_MONO: "dual_mono",
    faults.SILENT: "silent",
    faults.STILL: "still",
    faults.CENTRED: "centred",
    faults.NO_FACE: "no_face",
}
STATUSES = {faults.CORRUPT: Status.CORRUPT, faults.TRUNCATED: Status.TRUNCATED, faults.SHORT: Status.SHORT}


@dataclass(frozen=True)
class Run:
    """Where everything lies below `root`, by the names that the report's flags have."""

    root: Path

    @property
    def flags(self) -> dict[str, object]:
        """The report's inputs."""
        return {
            "stage_metrics": (self.root / "metrics",),
            "clips": (self.root / "collect",),
            "filtered": (self.root / "filter",),
            "curated": self.root / "curate",
            "models": (self.root / "pretrain",),
            "localized": (self.root / "localize",),
            "finetuned": (self.root / "finetune",),
            "evaluated360": (self.root / "evaluate360",),
            "truth": (self.root / "simulate",),
        }


def make(root: Path, *, accuracy: float = 0.94, seed: int = 0) -> Run:
    """Write a whole run below `root`. accuracy : how often the model is right on valid test videos, exactly."""
    generator = np.random.default_rng(seed)
    truth = _truth(generator)
    clips = _collect(root / "collect", truth)
    curated = _curate(root, _filter(root / "filter", clips, truth), generator)
    tracks = _simulate(root / "simulate", truth, generator)
    _pretrain(root / "pretrain" / "flip", curated, truth, accuracy, generator)
    _localize(root, curated, truth, generator)
    _metrics(root / "metrics", curated)
    finished_finetune.make(root / "finetune", root / "metrics" / "finetune.json", curated, tracks)
    finished_sphere.make(root / "evaluate360", root / "metrics" / "evaluate360.json")
    return Run(root)


def _truth(generator: np.random.Generator) -> pd.DataFrame:
    num_videos = NUM_CHANNELS * VIDEOS_PER_CHANNEL
    planted = [fault for fault in faults.FAULTS for _ in range(4)]
    names = np.array([faults.NONE] * (num_videos - len(planted)) + planted)
    channels = [f"ch{number:03d}" for number in range(NUM_CHANNELS) for _ in range(VIDEOS_PER_CHANNEL)]
    videos = [f"{channel}v{number % VIDEOS_PER_CHANNEL:02d}" for number, channel in enumerate(channels)]
    return pd.DataFrame({"video": videos, "channel": channels, "fault": generator.permutation(names)})


def _collect(directory: Path, truth: pd.DataFrame) -> pd.DataFrame:
    directory.mkdir(parents=True)
    with Ledger(directory / LEDGER) as ledger:
        known = [Video(row.video, row.channel, "", "", f"{row.video}.mp4") for row in truth.itertuples()]
        ledger.finish("list", known)
        for video, fault in zip(known, truth["fault"], strict=True):
            status = STATUSES.get(fault, Status.KEPT)
            tried = tuple(_clip(video, number) for number in range(CLIPS_PER_VIDEO)) if status is Status.KEPT else ()
            ledger.record(Harvest(video, status, "", tried))
        table = ledger.manifest()
    write_table(directory / "clips.parquet", table)
    return table


def _clip(video: Video, number: int) -> Clip:
    start_ms = number * CLIP_MS
    name = clip_id(video.video, start_ms, start_ms + CLIP_MS)
    row = {column: "" if kind == "str" else 0 for column, kind in CLIP_COLUMNS.items()}
    row |= {
        "clip": name,
        "video": video.video,
        "channel": video.channel,
        "source": "folder",
        "path": f"clips/{name}.mp4",
    }
    row |= {"start_ms": start_ms, "end_ms": start_ms + CLIP_MS, "duration_s": CLIP_MS / 1000}
    return Clip(name, start_ms, start_ms + CLIP_MS, Status.KEPT, "", row)


def _filter(directory: Path, clips: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    reason = clips["video"].map(truth.set_index("video")["fault"]).map(REASONS).fillna("")
    filtered = clips.assign(verdict=np.where(reason == "", "kept", "rejected"), reason=reason)
    write_table(directory / "filtered.parquet", filtered)
    return filtered


def _curate(root: Path, filtered: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """The evidence speaks against every tenth channel; the others are split by channel, video and scene."""
    names = sorted(filtered["channel"].unique())
    passed = filtered["verdict"] == "kept"
    kept = passed & ~filtered["channel"].isin(names[::10])
    curated = filtered.assign(kept=kept, scene=("s" + filtered["video"]).where(kept, ""))
    reasons = np.where(passed, np.where(kept, curation.EVIDENCE, "channel_rejected"), "rejected_by_filter")
    curated["kept_reason"] = reasons
    for kind in splits.KINDS:
        groups = sorted(set(curated.loc[kept, kind]))
        parts = dict(zip(groups, generator.permutation(_shares(len(groups))), strict=True))
        curated[f"split_{kind}"] = curated[kind].map(parts).where(kept, "")
    write_table(root / "curate" / "curated.parquet", curated)
    write_table(root / "curate" / "channels.parquet", _channels(filtered[passed], set(names[::10]), generator))
    write_table(root / "curate" / "leakage.parquet", splits.leakage(curated[kept]))
    return curated


def _channels(usable: pd.DataFrame, rejected: set[str], generator: np.random.Generator) -> pd.DataFrame:
    channels = usable.groupby("channel").agg(num_clips=("clip", "size"), num_videos=("video", "nunique")).reset_index()
    out = channels["channel"].isin(rejected)
    evidence = np.where(out, -0.3, generator.uniform(0.2, 0.9, len(channels)))
    counts = dict.fromkeys(("num_accepted", "num_rejected", "num_contested", "num_samples"), 0)
    return channels.assign(
        is_top=True, kept=~out, basis=curation.EVIDENCE, **counts, num_evidence_videos=channels["num_videos"],
        evidence=evidence, evidence_low=evidence - 0.15, evidence_high=np.minimum(evidence + 0.1, 1),
    )  # fmt: skip


def _shares(count: int) -> np.ndarray:
    """Names of splits in the shares 6 : 2 : 2."""
    places = np.arange(count) / count
    return np.select([places < 0.6, places < 0.8], ["train", "val"], "test")


def _simulate(directory: Path, truth: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Every second performer speaks; the others' faces are no source. Returns the trajectories."""
    times_s = np.arange(0, CLIPS_PER_VIDEO * CLIP_MS / 1000, 0.1)
    tracks = []
    for number, row in enumerate(truth.itertuples()):
        azimuth_deg = 25 * np.sin(2 * np.pi * (times_s / generator.uniform(6, 12) + generator.uniform()))
        x = 0.5 - 0.5 * np.tan(np.radians(azimuth_deg)) / np.tan(np.radians(30))
        x = 1 - x if row.fault == faults.MIRRORED else x
        columns = {
            "video": row.video,
            "time_s": times_s,
            "azimuth_deg": azimuth_deg,
            "source_x": x,
            "is_sounding": True,
            **finished_finetune.faces(x, is_speaking=number % 2 == 0),
        }
        tracks.append(pd.DataFrame(columns))
    write_table(directory / "truth.parquet", truth)
    trajectories = pd.concat(tracks, ignore_index=True)
    write_table(directory / "trajectories.parquet", trajectories)
    return trajectories


def _pretrain(
    directory: Path, curated: pd.DataFrame, truth: pd.DataFrame, accuracy: float, generator: np.random.Generator
) -> None:
    """Each evaluated clip once a way round, stereo and mono. Swapped and mirrored videos get the opposite answer."""
    clips = curated[curated["split_channel"].isin(("val", "test"))]
    rows = pd.concat([clips.assign(is_flipped=flipped) for flipped in (0, 1)], ignore_index=True)
    rows = rows[["clip", "video", "channel", "split_channel", "is_flipped"]].rename(columns={"split_channel": "split"})
    fault = rows["video"].map(truth.set_index("video")["fault"])
    turned = fault.isin((faults.SWAPPED, faults.MIRRORED)).to_numpy()
    right = np.ones(len(rows), dtype=bool)
    for split in ("val", "test"):
        valid = np.flatnonzero((rows["split"] == split).to_numpy() & ~turned)
        right[generator.permutation(valid)[: round((1 - accuracy) * len(valid))]] = False
    sign = np.where((rows["is_flipped"] == 1) == (right & ~turned), 1, -1)
    stereo = rows.assign(condition="stereo", start_s=2.0, logit=sign * generator.gamma(4, 0.8, len(rows)))
    mono = rows.assign(condition="mono", start_s=2.0, logit=0.2 * generator.standard_normal(len(rows)))
    write_table(directory / "predictions.parquet", pd.concat([stereo, mono], ignore_index=True))
    _curves(directory / "curves.csv", generator)


def _curves(path: Path, generator: np.random.Generator) -> None:
    steps = np.arange(0, 2400, 20)
    learnt = 1 / (1 + np.exp(-(steps - 900) / 160))
    curves = pd.DataFrame(
        {"step": steps, "train_loss": 0.69 - 0.5 * learnt + 0.02 * generator.standard_normal(len(steps))}
    )
    measured = steps % 240 == 0
    curves["val_loss"] = np.where(measured, 0.69 - 0.42 * learnt, np.nan)
    curves["val_accuracy"] = np.where(measured, 0.5 + 0.43 * learnt, np.nan)
    curves.to_csv(path, index=False)


def _localize(root: Path, curated: pd.DataFrame, truth: pd.DataFrame, generator: np.random.Generator) -> None:
    """Two windows a test clip, whose level difference and predicted place follow the true trajectory, with noise."""
    tracks = pd.read_parquet(root / "simulate" / "trajectories.parquet")
    clips = curated[curated["split_channel"] == "test"]
    rows = [clip._asdict() | {"start_s": start_s} for clip in clips.itertuples() for start_s in (1.0, 6.0)]
    windows = pd.DataFrame(rows)[["clip", "video", "channel", "start_ms", "start_s"]]
    starts_s = windows.pop("start_ms") / 1000 + windows["start_s"]
    places = []
    for video, start_s in zip(windows["video"], starts_s, strict=True):
        inside = tracks[(tracks["video"] == video) & tracks["time_s"].between(start_s, start_s + WINDOW_S)]
        places.append((inside["azimuth_deg"].mean(), inside["source_x"].mean()))
    azimuth_deg, x = np.array(places).T
    swapped = windows["video"].isin(truth.loc[truth["fault"] == faults.SWAPPED, "video"]).to_numpy()
    level_db = np.where(swapped, 1, -1) * 0.35 * azimuth_deg + generator.standard_normal(len(windows))
    windows = windows.assign(led_db=level_db, roi_x=np.clip(x + 0.2 * generator.standard_normal(len(x)), 0, 1))
    windows = windows.assign(duration_s=WINDOW_S)
    write_table(root / "localize" / "windows.parquet", windows)
    for name in ("embeddings", "regions"):
        with style.figure(root / "localize" / "figures" / f"{name}.png", 7.2, 4) as drawing:
            drawing.subplots().scatter(
                windows["led_db"], windows["roi_x"], c=windows["led_db"], cmap=style.SIDE_COLOURS
            )


def _metrics(directory: Path, curated: pd.DataFrame) -> None:
    num_windows = 2 * int((curated["split_channel"] == "test").sum())
    measured = {"sound_prior": (0.31, 0.28), "pca": (0.872, 0.861), "cca": (0.953, 0.947),
                "salience_prior": (-0.021, 0.012), "motion_prior": (0.114, 0.098), "roi": (0.486, 0.471)}  # fmt: skip
    table_1 = {
        f"localize.{name}.{kind}": Value(value, value - 0.061, min(value + 0.054, 1.0), num_windows)
        for name, values in measured.items()
        for kind, value in zip(("pearson", "spearman"), values, strict=True)
    }
    results.write(directory / "localize.json", table_1)
    flip = {
        f"flip.{name}": Value(value, value - 0.04, value + 0.03, 96)
        for name, value in (("accuracy", 0.917), ("accuracy_clip", 0.934), ("accuracy_mono", 0.5),
                            ("accuracy_val", 0.925), ("accuracy_train", 0.957))
    }  # fmt: skip
    others = {f"{name}.accuracy": Value(0.8, 0.75, 0.85, 96) for name in ("mismatch", "shift")}
    results.write(directory / "pretrain.json", {**flip, **others})
    results.write(directory / "collect.json", {"collect.clips": Value(len(curated))})
