"""Train the audio-visual model to tell swapped channels from unswapped ones, and judge it on held-out channels.

The best weights are chosen on the split's validation clips and judged, once, on its test clips. A killed run goes on at its
last checkpoint and ends with the same model; on SIGTERM it writes a checkpoint and exits with status 143. docs/pretrain.md
says what the numbers mean.
"""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from leftright import files, lineage, results, tracking
from leftright.clips import write_table
from leftright.data.shards import INDEX, ShardReader
from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.metrics import flip
from leftright.results import MODEL, Collector, Outcome, Value

if TYPE_CHECKING:  # the stage's help must not wait for torch
    from leftright.data.windows import ClipStore, Window
    from leftright.models import Architecture, AudioVisualNetwork
    from leftright.training.loop import Hardware, Optimisation
    from leftright.training.processes import Processes
    from leftright.training.progress import Record

PREDICTIONS, CURVES = "predictions.parquet", "curves.csv"
SPLITS = ("train", "val", "test")

_log = logging.getLogger(__name__)

_POSITIVE = ("window_s", "frame_step", "crop", "num_steps", "batch_size", "learning_rate", "eval_steps", "eval_windows")

# What does not decide the result: a run may be resumed with other values of these.
_CIRCUMSTANCES = ("num_workers", "cache_mb", "checkpoint_steps")


@dataclass(frozen=True)
class Config:
    """Parameters of `pretrain`. The paper's sizes are in docs/pretrain.md."""

    seed: int
    """Of the weights, the order of clips, the windows, their variations and the coins of the evaluation."""
    split: Literal["channel", "video", "scene"]
    """Which of the splits decides what is held out."""
    window_s: float
    """Length of a window in seconds."""
    frame_step: int
    """Use every so many of the stored frames."""
    crop: int
    """Side of the picture that the network sees, in pixels; cropped at random from the stored frames."""
    n_mels: int
    """Bands of the spectrogram; a multiple of 16."""
    audio_width: int
    """Channels of the audio network's first block; the other three have 2, 4 and 8 times as many."""
    audio_features: int
    """Size of the audio embedding."""
    visual_width: int
    """Channels of the visual network's first stage; the other three have 2, 4 and 8 times as many."""
    visual_blocks: int
    """Residual blocks a stage; 2 make a ResNet-18."""
    visual_stem: Literal["pool", "conv"]
    """"pool" halves the picture twice before the first stage, as ResNet does; "conv" once."""
    visual_reduced: int
    """Channels to which the visual features are reduced before they are laid out flat."""
    fusion: Literal["flatten", "average_pool"]
    """Keep where in the picture a feature is, or forget it."""
    fusion_features: int
    """Channels of the two layers that see sound and picture together."""
    num_steps: int
    """Steps of the optimiser."""
    batch_size: int
    """Windows a step, over all processes."""
    orientations: Literal["paired", "drawn"]
    """"paired" looks at each window in all four ways: picture mirrored or not, channels swapped or not; "drawn" at one."""
    learning_rate: float
    """AdamW's, at its highest."""
    warmup_steps: int
    """Steps in which the learning rate rises; it falls to 0 in a cosine afterwards."""
    weight_decay: float
    """AdamW's, of convolutions and linear layers."""
    max_gradient_norm: float
    """Larger gradients are scaled down to this norm; 0 leaves them."""
    average_decay: float
    """Weight of the past in the moving average of the weights, which is what is judged and kept; 0 keeps the weights."""
    contrast: float
    """Contrast varies by up to this share."""
    brightness: float
    """Brightness varies by up to this share of white."""
    colour: float
    """Each of red, green and blue varies by up to this share."""
    eval_steps: int
    """Validate every so many steps."""
    eval_windows: int
    """Windows judged in each clip, spread evenly over it."""
    checkpoint_steps: int
    """Write a checkpoint every so many steps."""
    accelerator: Literal["auto", "cpu", "gpu"]
    """Where to compute; "auto" takes a GPU where there is one. torchrun decides how many."""
    precision: Literal["float32", "bfloat16"]
    """"bfloat16" computes in mixed precision, for GPUs."""
    memory_format: Literal["contiguous", "channels_last"]
    """"channels_last" is faster on GPUs."""
    num_threads: int
    """Threads of the computation on a CPU; 0 takes as many as there are cores."""
    num_workers: int
    """Processes that read windows beside each computing one; 0 reads in the computing one."""
    cache_mb: int
    """Decoded frames that each reading process keeps, in megabytes."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise InputError(f"{name} {getattr(self, name)}: must be above 0")
        if not 0 <= self.average_decay < 1:
            raise InputError(f"average_decay {self.average_decay}: must be at least 0 and below 1")


def run(config: Config, *, shards: tuple[Path, ...], out: Path, metrics: Path) -> Outcome:
    """Train and judge; writes `model.pt`, `predictions.parquet` and `curves.csv` to `out`, and the metrics file.

    shards : directories that `pack` wrote. Under torchrun every process takes part and the first one writes.
    Raises InputError where a split has no clip, no window fits, or sizes do not agree.
    """
    from leftright.training.checkpoint import CHECKPOINT
    from leftright.training.processes import joined

    reader = ShardReader(shards)
    rows = _rows_of_splits(reader.index, config.split, shards[0])
    made_from = lineage.current(tracking.current().run_id, shards)
    with joined(config.accelerator) as processes:
        if config.batch_size % processes.count:
            raise InputError(f"batch_size {config.batch_size}: not a multiple of the {processes.count} processes")
        setting = _set(config, reader, rows)
        begun = files.resume_directory(out, _fingerprint(config, shards)) if processes.is_first else nullcontext(out)
        with begun as directory:
            checkpoint = processes.from_first(directory) / CHECKPOINT
            record = _train(config, setting, processes, checkpoint)
            if not processes.is_first:
                return Outcome({})
            values = _judge(config, setting, record, made_from, directory)
            results.write(metrics, values)
            checkpoint.unlink()
    return Outcome(values, tables=(out / PREDICTIONS, out / CURVES), model=out / MODEL)


def _fingerprint(config: Config, shards: tuple[Path, ...]) -> dict[str, object]:
    decisive = {name: value for name, value in asdict(config).items() if name not in _CIRCUMSTANCES}
    return {**decisive, "shards": [files.sha256(directory / INDEX) for directory in shards]}


def _rows_of_splits(index: pd.DataFrame, split: str, shards: Path) -> dict[str, list[int]]:
    """The rows of each split's clips. Raises InputError where the column is missing or a split is empty."""
    if (column := f"split_{split}") not in index.columns:
        raise InputError(f"{shards / INDEX}: lacks the column {column}; run curate and pack again")
    rows = {name: np.flatnonzero(index[column] == name).tolist() for name in SPLITS}
    if empty := [name for name in SPLITS if not rows[name]]:
        raise InputError(
            f"{shards / INDEX}: no clip has {column} {empty[0]}; curate more videos, or choose another split"
        )
    return rows


@dataclass(frozen=True)
class Setting:
    """What is trained, on what, and what it is judged on. windows : of each split, those that are judged."""

    network: "AudioVisualNetwork"
    store: "ClipStore"
    train_rows: list[int]
    windows: Mapping[str, list["Window"]]


def _set(config: Config, reader: ShardReader, rows: Mapping[str, list[int]]) -> Setting:
    """Raises InputError where no window fits into any clip of a split, or the crop does not fit into the frames."""
    import torch

    from leftright.data.windows import ClipStore, evenly_spaced, window_geometry
    from leftright.models import AudioVisualNetwork

    if config.num_threads:
        torch.set_num_threads(config.num_threads)
    geometry = window_geometry(reader, config.window_s, config.frame_step, config.crop)
    store = ClipStore(reader, geometry, config.cache_mb)
    fitting = {name: store.long_enough(candidates) for name, candidates in rows.items()}
    for name, candidates in rows.items():
        _account(name, len(candidates), len(fitting[name]), config.window_s)
    windows = {name: evenly_spaced(store, fitting[name], config.eval_windows) for name in SPLITS}
    windows["train"] = _some(windows["train"], len(windows["test"]), config.seed)
    torch.manual_seed(config.seed)
    return Setting(AudioVisualNetwork(_architecture(config), geometry), store, fitting["train"], windows)


def _account(split: str, num_clips: int, num_fitting: int, window_s: float) -> None:
    if not num_fitting:
        raise InputError(
            f"window_s {window_s}: longer than every clip of the {split} split; choose less, or longer clips"
        )
    if num_fitting < num_clips:
        left_out = num_clips - num_fitting
        _log.warning("pretrain: %d of %d clips of the %s split are shorter than a window", left_out, num_clips, split)


def _some(windows: list["Window"], count: int, seed: int) -> list["Window"]:
    """At most `count` of the windows, drawn without repetition."""
    chosen = np.random.default_rng(seed).permutation(len(windows))[:count]
    return [windows[number] for number in sorted(chosen)]


def _train(config: Config, setting: Setting, processes: "Processes", checkpoint: Path) -> "Record":
    from leftright.data.augmentation import AugmentationRange
    from leftright.data.windows import TrainingWindows
    from leftright.training.averaging import MovingAverage
    from leftright.training.checkpoint import Checkpoints
    from leftright.training.loop import train
    from leftright.training.progress import Progress

    ranges = AugmentationRange(config.contrast, config.brightness, config.colour)
    windows = TrainingWindows(setting.store, setting.train_rows, ranges, config.seed)
    average = MovingAverage(setting.network, config.average_decay)
    progress = Progress(
        average,
        lambda network: _validate(config, setting, network),
        tracking.current().step,
        every_steps=config.eval_steps,
        num_steps=config.num_steps,
        batch_size=config.batch_size,
    )
    checkpoints = Checkpoints(checkpoint, every_steps=config.checkpoint_steps, num_steps=config.num_steps)
    callbacks = (average, progress, checkpoints)
    train(setting.network, windows, _optimisation(config), _hardware(config), processes, callbacks, checkpoint)
    return progress.record


def _validate(config: Config, setting: Setting, network: "AudioVisualNetwork") -> tuple[float, float, float]:
    from leftright.training.evaluation import predict

    predictions = predict(network, setting.store, setting.windows["val"], "val", num_workers=config.num_workers)
    stereo = predictions[predictions["condition"] == "stereo"]
    is_right = (stereo["logit"] > 0) == (stereo["is_flipped"] == 1)
    return float(is_right.mean()), float(flip.cross_entropy(stereo).value or 0.0), flip.expected_error(stereo)


def _judge(config: Config, setting: Setting, record: "Record", made_from: Lineage, directory: Path) -> dict[str, Value]:
    """Save the best model, judge it, and write its predictions and the curves."""
    from leftright.models import save_model
    from leftright.training.evaluation import predict

    setting.network.load_state_dict(record.best_weights)
    save_model(directory / MODEL, setting.network, "flip", asdict(config), made_from)
    tables = {
        name: predict(setting.network, setting.store, windows, name, num_workers=config.num_workers)
        for name, windows in setting.windows.items()
    }
    write_table(directory / PREDICTIONS, pd.concat([tables["val"], tables["test"]], ignore_index=True))
    with files.replace_file(directory / CURVES) as temporary:
        pd.DataFrame(record.points).to_csv(temporary, index=False)
    return {**_accuracies(tables, config.seed), **_history(config, setting, record)}


def _accuracies(tables: Mapping[str, pd.DataFrame], seed: int) -> dict[str, Value]:
    collector = Collector("flip")
    stereo = {name: table[table["condition"] == "stereo"] for name, table in tables.items()}
    mono = tables["test"][tables["test"]["condition"] == "mono"]
    collector.add("accuracy", flip.accuracy(stereo["test"], seed))
    collector.add("accuracy_clip", flip.clip_accuracy(stereo["test"], seed))
    collector.add("accuracy_mono", flip.accuracy(mono, seed))
    collector.add("accuracy_val", flip.accuracy(stereo["val"], seed))
    collector.add("accuracy_train", flip.accuracy(stereo["train"], seed))
    collector.add("loss", flip.cross_entropy(stereo["test"]))
    return collector.values


def _history(config: Config, setting: Setting, record: "Record") -> dict[str, Value]:
    from leftright.training.progress import plateau_end

    collector = Collector("flip")
    num_samples = config.num_steps * config.batch_size
    collector.add("samples_seen", num_samples)
    collector.add("samples_per_second", num_samples / record.train_s)
    collector.add("plateau_end_samples", plateau_end(record.points))
    collector.add("best_step", record.best_step)
    collector.add("parameters", sum(weight.numel() for weight in setting.network.parameters()))
    return collector.values


def _architecture(config: Config) -> "Architecture":
    from leftright.models import Architecture

    return Architecture(
        audio_channels=2,
        n_mels=config.n_mels,
        audio_width=config.audio_width,
        audio_features=config.audio_features,
        visual_width=config.visual_width,
        visual_blocks=config.visual_blocks,
        visual_stem=config.visual_stem,
        visual_reduced=config.visual_reduced,
        fusion=config.fusion,
        fusion_features=config.fusion_features,
    )


def _optimisation(config: Config) -> "Optimisation":
    from leftright.training.loop import Optimisation

    return Optimisation(
        num_steps=config.num_steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_gradient_norm=config.max_gradient_norm,
        orientations=config.orientations,
    )


def _hardware(config: Config) -> "Hardware":
    from leftright.training.loop import Hardware

    return Hardware(config.accelerator, config.precision, config.memory_format, config.num_workers)
