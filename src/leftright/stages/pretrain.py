"""Train the audio-visual model to tell swapped channels from unswapped ones, or on a baseline's task, and judge it.

Each task makes a model of its own. The best weights are chosen on the split's validation clips and judged, once, on its test
clips. A killed run goes on at its last checkpoint and ends with the same models; on SIGTERM it writes a checkpoint and exits
with status 143. docs/pretrain.md says what the numbers mean.
"""

import logging
import shutil
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
from leftright.data.splits import PARTS, rows_of_parts
from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.metrics import flip
from leftright.results import MODEL, Collector, Outcome, Value
from leftright.training.recipe import CIRCUMSTANCES, Recipe
from leftright.training.variants import PRETEXTS

if TYPE_CHECKING:  # the stage's help must not wait for torch
    from leftright.data.windows import Window
    from leftright.models import Architecture, AudioVisualNetwork
    from leftright.training.pretext import Pretext, PretextMaterial
    from leftright.training.processes import Processes
    from leftright.training.progress import Record

PREDICTIONS, CURVES = "predictions.parquet", "curves.csv"
_DONE = ".done"  # the numbers of each finished task, while the stage runs

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config(Recipe):
    """Parameters of `pretrain`. The paper's sizes are in docs/pretrain.md."""

    tasks: tuple[str, ...]
    """What is learnt, a model each: "flip", the channels swapped; the baselines "mismatch", the sound of another video, and
    "shift", the sound of another time."""
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
    fusion: Literal["by_task", "flatten", "average_pool"]
    """Keep where in the picture a feature is, or forget it; "by_task" keeps it for flip alone, as the paper does."""
    fusion_features: int
    """Channels of the two layers that see sound and picture together."""
    num_steps: int
    """Steps of the optimiser."""
    batch_size: int
    """Windows a step, over all processes."""
    orientations: Literal["paired", "drawn"]
    """Of flip: "paired" looks at each window in all four ways, picture mirrored or not, channels swapped or not; "drawn" at
    one."""
    min_shift_s: float
    """Of shift: how far away in its clip a wrong sound is at least, in seconds."""
    warmup_steps: int
    """Steps in which the learning rate rises; it falls to 0 in a cosine afterwards."""
    eval_steps: int
    """Validate every so many steps."""
    eval_windows: int
    """Windows judged in each clip, spread evenly over it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_positive("window_s", "frame_step", "crop", "num_steps", "batch_size", "eval_steps", "eval_windows")
        self.check_choice("tasks", PRETEXTS)


def run(config: Config, *, shards: tuple[Path, ...], out: Path, metrics: Path, part: str = "0/1") -> Outcome:
    """Train and judge; writes `<task>/model.pt`, `predictions.parquet` and `curves.csv` to `out`, and the metrics file.

    shards : directories that `pack` wrote. part : which of the tasks, "index/count". Under torchrun every process takes part
    and the first one writes. Raises InputError where a split has no clip, no window fits, or sizes do not agree.
    """
    from leftright.training.processes import joined

    reader = ShardReader(shards)
    rows = rows_of_parts(reader.index, config.split, shards[0] / INDEX)
    made_from = lineage.current(tracking.current().run_id, shards)
    tasks = files.Part.parse(part).of(config.tasks)
    with joined(config.accelerator) as processes:
        if config.batch_size % processes.count:
            raise InputError(f"batch_size {config.batch_size}: not a multiple of the {processes.count} processes")
        material = _material(config, reader, rows)
        begun = (
            files.resume_directory(out, _fingerprint(config, shards, part)) if processes.is_first else nullcontext(out)
        )
        with begun as directory:
            shared = processes.from_first(directory)
            for task in tasks:
                _work(Job(config, task, shared, made_from), material, processes)
            if not processes.is_first:
                return Outcome({})
            values = {key: each for task in tasks for key, each in results.read(_numbers(directory, task)).items()}
            results.write(metrics, values)
            shutil.rmtree(directory / _DONE, ignore_errors=True)
    tables = tuple(out / task / name for task in tasks for name in (PREDICTIONS, CURVES))
    return Outcome(values, tables=tables, model=out / tasks[0] / MODEL if tasks else None)


@dataclass(frozen=True)
class Job:
    """One task to be trained. directory : the stage's, in which the task has its own. made_from : what the model will carry."""

    config: Config
    task: str
    directory: Path
    made_from: Lineage

    @property
    def folder(self) -> Path:
        """What the task leaves."""
        return self.directory / self.task


def _numbers(directory: Path, task: str) -> Path:
    return directory / _DONE / f"{task}.json"


def _work(job: Job, material: "PretextMaterial", processes: "Processes") -> None:
    """Train and judge one task, unless that has been done before the run was killed."""
    from leftright.training.checkpoint import CHECKPOINT

    if processes.from_first(_numbers(job.directory, job.task).exists()):
        return
    setting = _set(job.config, job.task, material)
    if processes.is_first:
        job.folder.mkdir(exist_ok=True)
    checkpoint = job.folder / CHECKPOINT
    record = _train(job.config, setting, processes, checkpoint)
    if processes.is_first:
        values = _judge(job, setting, record)
        results.write(_numbers(job.directory, job.task), values)
        checkpoint.unlink()


def _fingerprint(config: Config, shards: tuple[Path, ...], part: str) -> dict[str, object]:
    decisive = {name: value for name, value in asdict(config).items() if name not in CIRCUMSTANCES}
    return {**decisive, "part": part, "shards": [files.sha256(directory / INDEX) for directory in shards]}


@dataclass(frozen=True)
class Setting:
    """What is trained, and for what."""

    network: "AudioVisualNetwork"
    pretext: "Pretext"


def _material(config: Config, reader: ShardReader, rows: Mapping[str, list[int]]) -> "PretextMaterial":
    """What all tasks share. Raises InputError where no window fits into a split's clips, or the crop not into the frames."""
    from leftright.data.windows import ClipStore, evenly_spaced, window_geometry
    from leftright.training.pretext import PretextMaterial

    config.use_threads()
    geometry = window_geometry(reader, config.window_s, config.frame_step, config.crop)
    store = ClipStore(reader, geometry, config.cache_mb)
    fitting = {name: store.long_enough(candidates) for name, candidates in rows.items()}
    for name, candidates in rows.items():
        _account(name, len(candidates), len(fitting[name]), config.window_s)
    windows = {name: evenly_spaced(store, fitting[name], config.eval_windows) for name in PARTS}
    windows["train"] = _some(windows["train"], len(windows["test"]), config.seed)
    return PretextMaterial(store, fitting, config.ranges(), config.seed, config.num_workers, windows)


def _set(config: Config, task: str, material: "PretextMaterial") -> Setting:
    import torch

    from leftright.models import AudioVisualNetwork
    from leftright.training.pretext import pretext

    torch.manual_seed(config.seed)
    network = AudioVisualNetwork(_architecture(config, task), material.store.geometry)
    return Setting(network, pretext(task, material, config.orientations, config.min_shift_s))  # type: ignore[arg-type]


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
    from leftright.training.fit import Course, fit

    task = setting.pretext

    def on_point(step: int, numbers: Mapping[str, float]) -> None:
        tracking.current().step(step, {f"{task.name}.{key}": number for key, number in numbers.items()})

    course = Course(config.average_decay, config.eval_steps, config.checkpoint_steps)
    how = (config.optimisation(config.num_steps, config.batch_size, config.warmup_steps), config.hardware(), course)
    return fit(f"pretrain {task.name}", setting.network, task, *how, processes, checkpoint, on_point)


def _judge(job: Job, setting: Setting, record: "Record") -> dict[str, Value]:
    """Save the best model, judge it, and write its predictions and the curves."""
    from leftright.models import save_model

    config, folder = job.config, job.folder
    save_model(folder / MODEL, setting.network, job.task, asdict(config), job.made_from)
    tables = {name: setting.pretext.predict(setting.network, name) for name in PARTS}
    write_table(folder / PREDICTIONS, pd.concat([tables["val"], tables["test"]], ignore_index=True))
    with files.replace_file(folder / CURVES) as temporary:
        pd.DataFrame(record.points).to_csv(temporary, index=False)
    return {**_accuracies(job.task, tables, config.seed), **_history(config, setting, record)}


def _accuracies(task: str, tables: Mapping[str, pd.DataFrame], seed: int) -> dict[str, Value]:
    from leftright.training.pretext import as_flip

    collector = Collector(task)
    answers = {name: as_flip(table) for name, table in tables.items()}
    stereo = {name: table[table["condition"] == "stereo"] for name, table in answers.items()}
    mono = answers["test"][answers["test"]["condition"] == "mono"]
    collector.add("accuracy", flip.accuracy(stereo["test"], seed))
    collector.add("accuracy_clip", flip.clip_accuracy(stereo["test"], seed))
    if len(mono):
        collector.add("accuracy_mono", flip.accuracy(mono, seed))
    collector.add("accuracy_val", flip.accuracy(stereo["val"], seed))
    collector.add("accuracy_train", flip.accuracy(stereo["train"], seed))
    collector.add("loss", flip.cross_entropy(stereo["test"]))
    return collector.values


def _history(config: Config, setting: Setting, record: "Record") -> dict[str, Value]:
    from leftright.training.progress import plateau_end

    collector = Collector(setting.pretext.name)
    num_samples = config.num_steps * config.batch_size
    collector.add("samples_seen", num_samples)
    collector.add("samples_per_second", num_samples / record.train_s)
    collector.add("plateau_end_samples", plateau_end(record.points))
    collector.add("best_step", record.best_step)
    collector.add("parameters", sum(weight.numel() for weight in setting.network.parameters()))
    return collector.values


def _architecture(config: Config, task: str) -> "Architecture":
    from leftright.models import Architecture

    by_task: Literal["flatten", "average_pool"] = "flatten" if task == "flip" else "average_pool"
    return Architecture(
        audio_channels=2,
        n_mels=config.n_mels,
        audio_width=config.audio_width,
        audio_features=config.audio_features,
        visual_width=config.visual_width,
        visual_blocks=config.visual_blocks,
        visual_stem=config.visual_stem,
        visual_reduced=config.visual_reduced,
        fusion=by_task if config.fusion == "by_task" else config.fusion,
        fusion_features=config.fusion_features,
    )
