"""Table 1: does the model know where sounds are? Correlations with the log energy difference, beside the priors'.

The model is judged on videos of the test split and fitted to none of them: the projections come from videos of the other
splits, and the priors of a video from its channel's other videos. docs/localize.md has the definitions, and says where and
why they differ from the paper's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from leftright.audio import from_pcm, log_energy_difference, swap_channels
from leftright.baselines.priors import channel_priors, motion_columns, salience_columns, strongest_window
from leftright.clips import write_table
from leftright.data.augmentation import Augmentation
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, Window, evenly_spaced
from leftright.errors import InputError
from leftright.figures import localization as figures
from leftright.files import replace_directory
from leftright.metrics.correlation import KINDS, correlation, correlation_difference
from leftright.metrics.projection import fit_cca, fit_pca
from leftright.metrics.regions import scaled_px, window_starts
from leftright.metrics.roi import MaskGrid, Region, importance_map, predicted_region
from leftright.models import AudioVisualNetwork, find_model, load_model
from leftright.results import Collector, Outcome, Value, write

Item = TypeVar("Item")

WINDOWS = "windows.parquet"
_PAPER_CROP = 224  # the size of picture to which the paper's 32 pixels refer
_WINDOWS_PER_BATCH = 64


@dataclass(frozen=True)
class Config:
    """Parameters of `localize`."""

    split: Literal["channel", "video", "scene"]
    """Which of the splits decides what is held out: the one that the model was trained under."""
    windows_per_clip: int
    """Windows judged in each clip of the test split, spread evenly over it."""
    fit_windows: int
    """Windows of the other splits to which the projections are fitted, at most."""
    cca_ridge: float
    """Added to the variances of the standardised embedding when CCA is fitted; 0 is plain CCA."""
    mask_px: int
    """Side of the mask, and width of the priors' window, in pixels of a 224 pixel picture."""
    mask_stride_px: int
    """Distance between masks, and between the priors' windows, likewise."""
    mask_shape: Literal["square", "column"]
    """Masks as high as wide, or of the picture's full height, which are fewer."""
    frames_per_batch: int
    """Masked frames that the visual network sees at once."""
    num_threads: int
    """Threads of the computation on a CPU; 0 takes as many as there are cores. In small networks more wait than help."""
    num_examples: int
    """Videos on the sheet of predicted regions."""
    num_resamples: int
    """Bootstrap resamples of each interval."""
    seed: int
    """Of the bootstrap."""


@dataclass(frozen=True)
class Sounds:
    """The sound of some windows. embeddings : (windows, features), the mean over time. led_db : (windows,)."""

    embeddings: NDArray[np.float64]
    led_db: NDArray[np.float64]


@dataclass(frozen=True)
class Sight:
    """What the model makes of one window's picture. logit, logit_swapped : with the channels as they are, and exchanged."""

    region: Region
    logit: float
    logit_swapped: float


def run(config: Config, *, shards: tuple[Path, ...], models: tuple[Path, ...], out: Path, metrics: Path) -> Outcome:
    """Judge a model; writes `windows.parquet` (one row a judged window) and `figures/` to `out`, and the metrics file.

    shards : directories that `pack` wrote. models : what `pretrain` wrote, part by part, or a model file; the flip task's is
    judged. Raises InputError where no clip is left to judge or to fit on, or there is no model of the flip task.
    """
    if config.num_threads:
        torch.set_num_threads(config.num_threads)
    network, _ = load_model(find_model(models, "flip"))
    findings = examine(Judge(network, ShardReader(shards), config), shards[0])
    values = measure(findings.table, config)
    values["localize.fit_windows"] = Value(findings.num_fit_windows)
    with replace_directory(out) as directory:
        write_table(directory / WINDOWS, findings.table)
        drawn = _draw(directory / "figures", findings, values)
    write(metrics, values)
    return Outcome(values, tuple(out / path.relative_to(directory) for path in drawn))


@dataclass(frozen=True)
class Findings:
    """What was found on the judged windows, before any statistic.

    table : one row a window, as `windows.parquet` has it. explained : share of the embeddings' variance in each of the two
    principal components. num_fit_windows : how many windows of other videos the projections were fitted to.
    """

    table: pd.DataFrame
    explained: tuple[float, float]
    examples: tuple[figures.RegionExample, ...]
    num_fit_windows: int


def examine(judge: "Judge", shards: Path) -> Findings:
    """Ask a judge about the test split. shards : named in an InputError, raised where there is nothing to judge or fit on."""
    config = judge.config
    judged, fitting = _split(judge.reader.index, config.split, shards)
    windows = judge.windows(judged, config.windows_per_clip)
    fit_windows = _evenly(judge.windows(fitting, -(-config.fit_windows // len(fitting))), config.fit_windows)
    if not windows or len(fit_windows) < 2:
        needed = f"windows of {judge.geometry.duration_s} s, as the model sees, fit into too few clips"
        raise InputError(f"{shards}: {needed}; pack longer clips, or more")
    sights = [judge.look(window) for window in tqdm(windows, "masking", disable=None)]
    table, explained = _project(judge, windows, fit_windows)
    table = table.assign(**_sight_columns(judge, windows, sights)).join(_priors(judge, judged), on="video")
    return Findings(table, explained, tuple(_examples(judge, table, windows, sights)), len(fit_windows))


def _split(clips: pd.DataFrame, split: str, shards: Path) -> tuple[list[int], list[int]]:
    """Rows of the clips to judge, and of those of other videos to fit on. Raises InputError where either is empty."""
    if (column := f"split_{split}") not in clips.columns:
        raise InputError(f"{shards}: its index lacks the column {column}; run curate and pack again")
    is_judged = clips[column] == "test"
    is_fit = clips[column].isin(["train", "val"]) & ~clips["video"].isin(clips.loc[is_judged, "video"])
    for name, rows in (("test", is_judged), ("train or val", is_fit)):
        if not rows.any():
            raise InputError(f"{shards}: no clip has {column} {name}; pack more clips, or choose another split")
    return np.flatnonzero(is_judged).tolist(), np.flatnonzero(is_fit).tolist()


def _evenly(items: Sequence[Item], count: int) -> list[Item]:
    """`count` of the items, or all where there are fewer, evenly spaced."""
    chosen = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[number] for number in chosen]


class Judge:
    """A model, asked about windows of packed clips."""

    def __init__(self, model: AudioVisualNetwork, reader: ShardReader, config: Config) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.eval().to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.geometry = model.geometry
        self.reader = reader
        self.store = ClipStore(reader, self.geometry, cache_mb=0)
        self.config = config
        crop = self.geometry.crop
        self.mask_px = scaled_px(config.mask_px, crop, _PAPER_CROP)
        self.stride_px = scaled_px(config.mask_stride_px, crop, _PAPER_CROP)
        self.grid = MaskGrid.over(crop, crop, self.mask_px, self.stride_px, config.mask_shape)

    def windows(self, rows: Sequence[int], per_clip: int) -> list[Window]:
        """Up to `per_clip` windows of each clip that is long enough, spread evenly over it."""
        return evenly_spaced(self.store, self.store.long_enough(rows), per_clip)

    def waveform(self, window: Window) -> NDArray[np.float32]:
        """Sound of a window (2, samples), full scale 1."""
        return from_pcm(self.store.waveform(window))

    def frames(self, window: Window) -> NDArray[np.uint8]:
        """The frames of a window that the model sees, cropped in the middle: (time, 3, crop, crop)."""
        frames = self.store.frames(window)
        height, width = frames.shape[-2:]
        return Augmentation.none(height, width, self.geometry.crop).crop(frames, self.geometry.crop)

    def hear(self, windows: Sequence[Window]) -> Sounds:
        """Embeddings and level differences of windows."""
        embeddings, levels = [], []
        for first in range(0, len(windows), _WINDOWS_PER_BATCH):
            waveforms = np.stack([self.waveform(window) for window in windows[first : first + _WINDOWS_PER_BATCH]])
            embeddings.append(self._audio_embedding(waveforms).mean(dim=-1).double().cpu().numpy())
            levels.append(log_energy_difference(waveforms))
        return Sounds(np.concatenate(embeddings), np.concatenate(levels))

    @torch.inference_mode()
    def _audio_embedding(self, waveforms: NDArray[np.float32]) -> Tensor:
        return self.model.audio_embedding(torch.from_numpy(waveforms).to(self.device))

    @torch.inference_mode()
    def look(self, window: Window) -> Sight:
        """The region of a window on which the model's answer rests.

        The answer is half the difference of the logits for the two orientations, the channels exchanged and as they are:
        what depends on the sound's side, without what speaks for either whatever is heard. The sound's network runs once.
        """
        waveform = self.waveform(window)
        audio = self._audio_embedding(np.stack([waveform, swap_channels(waveform)]))
        frames = torch.from_numpy(self.frames(window)).to(self.device) / 255

        def logits(batch: Tensor) -> Tensor:
            visual = self.model.visual_embedding(batch)
            return torch.stack([self.model.fusion(sound.expand(len(batch), -1, -1), visual) for sound in audio])

        def answer(batch: Tensor) -> Tensor:
            logit, logit_swapped = logits(batch)
            return (logit_swapped - logit) / 2

        region = predicted_region(answer, frames, self.grid, frames_per_batch=self.config.frames_per_batch)
        return Sight(region, *logits(frames.unsqueeze(0)).flatten().tolist())


def _project(
    judge: Judge, windows: Sequence[Window], fit_windows: Sequence[Window]
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """The judged windows with their sound's projections, and the share of variance of the two principal components."""
    fit, sounds = judge.hear(fit_windows), judge.hear(windows)
    components = fit_pca(fit.embeddings, fit.led_db, 2)(sounds.embeddings)
    canonical = fit_cca(fit.embeddings, fit.led_db, judge.config.cca_ridge)(sounds.embeddings)
    clips = judge.reader.index[["clip", "video", "channel", "frame_rate"]]
    table = clips.iloc[[window.row for window in windows]].reset_index(drop=True)
    start_s = [window.first_frame for window in windows] / table.pop("frame_rate")
    table = table.assign(start_s=start_s, duration_s=judge.geometry.duration_s, led_db=sounds.led_db)
    table = table.assign(pca=components[:, 0], pca_second=components[:, 1], cca=canonical[:, 0])
    total = max(float(sounds.embeddings.var(axis=0).sum()), np.finfo(np.float64).tiny)
    first, second = components.var(axis=0) / total
    return table, (float(first), float(second))


def _sight_columns(judge: Judge, windows: Sequence[Window], sights: Sequence[Sight]) -> dict[str, NDArray[np.float64]]:
    """Logits, and the predicted region's place as a fraction of the whole picture, of which the model saw the middle."""
    crop = judge.geometry.crop
    width = judge.reader.index["width"].to_numpy()[[window.row for window in windows]]
    left = (width - crop) // 2
    return {
        "logit": np.array([sight.logit for sight in sights]),
        "logit_swapped": np.array([sight.logit_swapped for sight in sights]),
        "roi_x": (left + crop * np.array([sight.region.x for sight in sights])) / width,
        "roi_soft_x": (left + crop * np.array([sight.region.soft_x for sight in sights])) / width,
    }


def _priors(judge: Judge, judged: Sequence[int]) -> pd.DataFrame:
    """Each judged video's priors, by video."""
    index, split = judge.reader.index, judge.config.split
    is_judged = index.index.isin(judged)
    # A held-out channel has no training clips: its other held-out videos are asked instead, which know its habits as well.
    is_asked = is_judged if split == "channel" else index[f"split_{split}"] == "train"
    reference = index[is_asked & index["channel"].isin(index.loc[is_judged, "channel"])]
    habits = [_habits(judge, row) for row in tqdm(reference.index, "priors", disable=None)]
    columns = pd.DataFrame(habits, columns=["led_db", "salience_x", "motion_x"], index=reference.index)
    return channel_priors(index[is_judged], reference[["video", "channel"]].join(columns))


def _habits(judge: Judge, row: int) -> tuple[float, float, float]:
    """Of one whole clip: the level difference, and where it stands out and moves most, as fractions of the picture."""
    frames = judge.reader.frames(row)
    width = frames.shape[-1]
    starts = window_starts(width, judge.mask_px, judge.stride_px)
    centres = (starts + judge.mask_px / 2) / width
    columns = (salience_columns(frames), motion_columns(frames))
    salience_x, motion_x = (strongest_window(scores, starts, judge.mask_px, centres) for scores in columns)
    return float(log_energy_difference(from_pcm(judge.reader.waveform(row)))), salience_x, motion_x


def measure(table: pd.DataFrame, config: Config) -> dict[str, Value]:
    """The correlations, their differences and what they were counted on, from the table of judged windows."""
    target, videos = table["led_db"].to_numpy(), table["video"].tolist()
    settings = {"num_resamples": config.num_resamples, "seed": config.seed}
    result = Collector("localize")
    result.add("windows", len(table))
    result.add("videos", table["video"].nunique())
    result.add("channels", table["channel"].nunique())
    columns = {prediction.name: prediction.column for prediction in figures.PREDICTIONS} | {"roi_soft": "roi_soft_x"}
    for name, column in columns.items():
        for kind in KINDS:
            result.add(f"{name}.{kind}", correlation(kind, table[column], target, videos, **settings))
    for rival in ("sound_prior", "salience_prior", "motion_prior"):
        for kind in KINDS:
            pair = table["roi_x"], table[columns[rival]]
            result.add(f"roi_minus_{rival}.{kind}", correlation_difference(kind, *pair, target, videos, **settings))
    return result.values


def _examples(
    judge: Judge, table: pd.DataFrame, windows: Sequence[Window], sights: Sequence[Sight]
) -> list[figures.RegionExample]:
    """One window a video, from as many videos as asked for, evenly over the ranks of the level difference: nobody chose."""
    ranked = table.drop_duplicates("video").sort_values("led_db", kind="stable").index.tolist()
    examples = []
    for number in _evenly(ranked, judge.config.num_examples):
        row, frames, region = table.loc[number], judge.frames(windows[number]), sights[number].region
        examples.append(
            figures.RegionExample(
                video=row["video"],
                start_s=row["start_s"],
                frame=frames[len(frames) // 2],
                importance=importance_map(region, judge.grid, frames.shape[-2]),
                box=region.box,
                led_db=row["led_db"],
                roi_x=row["roi_x"],
            )
        )
    return examples


def _draw(directory: Path, findings: Findings, values: Mapping[str, Value]) -> list[Path]:
    """Draw all figures; returns their paths."""
    names = ("embeddings", "correlations", "predictions", "regions")
    embeddings, correlations, predictions, regions = paths = [directory / f"{name}.png" for name in names]
    figures.embedding_figure(embeddings, findings.table, findings.explained)
    figures.correlation_figure(correlations, values)
    figures.prediction_figure(predictions, findings.table, values)
    figures.region_figure(regions, findings.examples)
    return paths
