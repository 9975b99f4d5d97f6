"""What the report is made from: the results of the stages before it, read and checked once.

The data of `collect`, `filter` and `curate` must be there. Without a model, a localisation, downstream models or 360 results
the report says "not run" where their numbers would stand; without a truth file it is a report on real videos.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leftright import results
from leftright.clips import FILTERED, MANIFEST, read_table, read_tables
from leftright.errors import InputError
from leftright.metrics.flip import PREDICTION_COLUMNS
from leftright.reporting import downstream, face_truth, sphere
from leftright.reporting.downstream import Finetuned
from leftright.reporting.sphere import Sphere
from leftright.results import Value
from leftright.sources.ledger import LEDGER, read_ledgers
from leftright.training.variants import PRETEXTS

_log = logging.getLogger(__name__)

CURATED, CHANNELS, LEAKAGE = "curated.parquet", "channels.parquet", "leakage.parquet"
FLIP, PREDICTIONS, CURVES = "flip", "predictions.parquet", "curves.csv"
WINDOWS, TRUTH, TRAJECTORIES = "windows.parquet", "truth.parquet", "trajectories.parquet"
SPHERE_TRUTH = "sphere_truth.parquet"

_CURATED_COLUMNS = (
    "clip", "video", "channel", "start_ms", "source", "verdict", "reason", "kept", "kept_reason",
    "split_video", "split_channel", "split_scene",
)  # fmt: skip
_CHANNEL_COLUMNS = (
    "channel", "num_videos", "num_clips", "is_top", "kept", "basis", "num_accepted", "num_rejected",
    "evidence", "evidence_low", "evidence_high", "num_evidence_videos",
)  # fmt: skip


_WINDOW_COLUMNS = ("clip", "video", "start_s", "duration_s", "led_db", "roi_x")


@dataclass(frozen=True)
class Trained:
    """What `pretrain` left of the flip task: its answers on validation and test clips, and its training curves."""

    predictions: pd.DataFrame
    curves: pd.DataFrame


@dataclass(frozen=True)
class Localized:
    """What `localize` left: the judged windows, and its figures by name."""

    windows: pd.DataFrame
    figures: Mapping[str, Path]


@dataclass(frozen=True)
class Truth:
    """What was planted. videos : one row a video with `video`, `fault`. trajectories : where source and face were when."""

    videos: pd.DataFrame
    trajectories: pd.DataFrame


@dataclass(frozen=True)
class Inputs:
    """Everything that the sections read.

    metrics : the numbers of the stages, by key. videos, attempts : the ledger's videos, and clips that were tried. curated :
    every clip with verdict, reason, kept and splits. channels, leakage : as `curate` wrote them.
    """

    metrics: Mapping[str, Value]
    videos: pd.DataFrame
    attempts: pd.DataFrame
    curated: pd.DataFrame
    channels: pd.DataFrame
    leakage: pd.DataFrame
    trained: Trained | None
    localized: Localized | None
    finetuned: Finetuned | None
    sphere: Sphere | None
    truth: Truth | None


def read(
    *,
    stage_metrics: Sequence[Path],
    clips: Sequence[Path],
    filtered: Sequence[Path],
    curated: Path,
    models: Sequence[Path],
    localized: Sequence[Path],
    finetuned: Sequence[Path],
    evaluated360: Sequence[Path],
    truth: Sequence[Path],
) -> Inputs:
    """Read what the stages wrote. Raises InputError for a table that is missing or lacks a column."""
    videos, attempts = _ledger(clips)
    table = read_table(curated / CURATED, _CURATED_COLUMNS)
    _check_same_clips(
        read_tables(clips, MANIFEST, ("clip",)), read_tables(filtered, FILTERED, ("clip",)), table, curated
    )
    metrics = _metrics(stage_metrics)
    given = downstream.read(finetuned) if finetuned else None
    _check_numbers(given, metrics)
    return Inputs(
        metrics=metrics,
        videos=videos,
        attempts=attempts,
        curated=table,
        channels=read_table(curated / CHANNELS, _CHANNEL_COLUMNS),
        leakage=read_table(curated / LEAKAGE, ("split", "group", "num_test", "num_shared")),
        trained=_trained(models),
        localized=_localized(localized[0]) if localized else None,
        finetuned=given,
        sphere=sphere.read(evaluated360[0]) if evaluated360 else None,
        truth=_truth(truth[0], videos) if truth else None,
    )


def _metrics(places: Sequence[Path]) -> dict[str, Value]:
    """The numbers of metrics files, and of all files of a directory but the report's own."""
    paths = [path for place in places for path in _metrics_files(place)]
    return {key: value for path in paths for key, value in results.read(path).items()}


def _metrics_files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    paths = [path for path in sorted(place.glob("*.json")) if path.stem != "report"]
    if not paths:
        raise InputError(f"{place}: holds no metrics file; run the stages before the report")
    return paths


def _ledger(directories: Sequence[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    videos, attempts = read_ledgers([directory / LEDGER for directory in directories])
    return videos.sort_values("video", ignore_index=True), attempts.sort_values("clip", ignore_index=True)


def _check_same_clips(manifest: pd.DataFrame, filtered: pd.DataFrame, curated: pd.DataFrame, path: Path) -> None:
    """Every clip that was collected has been filtered and curated, and no other: else counts would not add up."""
    for stage, table in (("collect", manifest), ("filter", filtered)):
        if set(table["clip"]) != set(curated["clip"]):
            raise InputError(f"{path / CURATED}: its clips are not those of {stage}; run the stages between again")


def _check_numbers(finetuned: Finetuned | None, metrics: Mapping[str, Value]) -> None:
    """Each variant's numbers are among the metrics: else it would be called not run beside its own examples."""
    for task, name in finetuned.predictions if finetuned is not None else ():
        if not any(key.startswith(f"finetune.{task}.{name}.") for key in metrics):
            raise InputError(f"finetune.{task}.{name}: in no metrics file; name finetune's metrics among the stages'")


def _trained(models: Sequence[Path]) -> Trained | None:
    """The flip task's, from the part that trained it; None where other tasks alone were trained.

    Raises InputError where a directory holds no task at all, or the flip task's results are incomplete.
    """
    if models and not any((place / name).is_dir() for place in models for name in PRETEXTS):
        raise InputError(f"{models[0]}: holds no pretext task; run pretrain, or correct the path")
    directory = next((place / FLIP for place in models if (place / FLIP).is_dir()), None)
    if directory is None:
        return None
    predictions = read_table(directory / PREDICTIONS, PREDICTION_COLUMNS)
    curves = directory / CURVES
    if not curves.is_file():
        raise InputError(f"{curves}: no such file; run pretrain, or correct the path")
    return Trained(predictions, pd.read_csv(curves))


def _localized(directory: Path) -> Localized:
    figures = {path.stem: path for path in sorted((directory / "figures").glob("*.png"))}
    return Localized(read_table(directory / WINDOWS, _WINDOW_COLUMNS), figures)


def _truth(directory: Path, videos: pd.DataFrame) -> Truth | None:
    """The truth of the collected videos; None where it is of none of them, since a world may lie beside real videos.

    Raises InputError where it is of some: a report on both would call neither by its name.
    """
    path, trajectories = directory / TRUTH, directory / TRAJECTORIES
    columns = ("video", "time_s", "azimuth_deg", "source_x", "is_sounding", *face_truth.COLUMNS)
    planted = read_table(path, ("video", "fault"))
    known = set(planted["video"])
    if (spherical := directory / SPHERE_TRUTH).is_file():
        known |= set(read_table(spherical, ("video",))["video"])
    num_known = int(videos["video"].isin(known).sum())
    if num_known == 0:
        _log.info("report: %s is of none of the collected videos: they are taken for real ones", path)
        return None
    if num_known < len(videos):
        raise InputError(
            f"{path}: is of {num_known} of {len(videos)} collected videos; report on simulated and on real videos apart"
        )
    return Truth(planted, read_table(trajectories, columns))
