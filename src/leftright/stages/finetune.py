"""Train the downstream tasks from several initialisations, and judge each on held-out channels.

Sounding-face tracking, audio spatialization and source separation (supplement, sections B to D), each from a network at random
(`scratch`), from each pretext model, and from ImageNet's (`supervised`); beside them each task without one of its inputs. Every
combination is a *variant*, with a folder of its own. What cannot be run is said in `not_run.json`, with the reason.
docs/finetune.md says what the numbers mean.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from leftright import files, lineage, results, tracking
from leftright.clips import write_table
from leftright.data.shards import INDEX, ShardReader
from leftright.data.splits import PARTS, rows_of_parts
from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.results import MODEL, Outcome, Value
from leftright.training.recipe import CIRCUMSTANCES, Recipe
from leftright.training.variants import INITIALISATIONS, PRETEXTS, TASKS, Variant, variants

if TYPE_CHECKING:  # the stage's help must not wait for torch
    from leftright.models.downstream import Head
    from leftright.training.face_tracking import FaceTracking
    from leftright.training.fit import Course
    from leftright.training.loop import Optimisation
    from leftright.training.materials import Material
    from leftright.training.processes import Processes
    from leftright.training.separation import Separation
    from leftright.training.spatialization import Spatialization

    Task = FaceTracking | Spatialization | Separation

PREDICTIONS, CURVES, EXAMPLES, NOT_RUN = "predictions.parquet", "curves.csv", "examples", "not_run.json"
_POSITIVE = (
    "window_s",
    "track_window_s",
    "frame_step",
    "track_anchors",
    "track_width",
    "unet_width",
    "track_steps",
    "spatialize_steps",
    "separate_steps",
    "track_batch_size",
    "spatialize_batch_size",
    "separate_batch_size",
    "eval_rounds",
    "eval_windows",
    "eval_targets",
)

_CIRCUMSTANCES = (*CIRCUMSTANCES, "num_variants_at_once")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config(Recipe):
    """Parameters of `finetune`. Sizes of the sub-networks are those of the pretext models."""

    tasks: tuple[str, ...]
    """What is learnt: "track", "spatialize", "separate"."""
    initialisations: tuple[str, ...]
    """What each task begins with: "scratch", "supervised", and the pretext tasks "mismatch", "shift" and "flip"."""
    ablations: Literal["all", "none"]
    """Whether each task is also trained without one of its inputs, from the flip model, or else as the last initialisation."""
    supervised_weights: str
    """ResNet-18's ImageNet weights: "torchvision", which fetches them, or a file."""
    window_s: float
    """Length of a window of spatialize and separate in seconds."""
    frame_step: int
    """Use every so many of the stored frames in those."""
    track_window_s: float
    """Length of the sound of track in seconds."""
    track_anchors: int
    """Anchor boxes of a cell."""
    track_width: int
    """Channels of the tracker's head."""
    min_agreement: float
    """Correlation of a face's place with the level difference over its clip from which the face is what sounds."""
    unet_width: int
    """Channels of the U-Nets' first level; the others have 2, 4, 8 and 8 times as many."""
    spatialize_loss: Literal["l1", "mse"]
    """Distance of the predicted from the true spectrogram."""
    spatialize_overlap: float
    """Share of a window that neighbours have in common where a whole clip is made stereo."""
    separate_loss: Literal["l1", "mse"]
    """Distance of the masked from the asked clip's magnitude."""
    track_steps: int
    """Steps of the optimiser, of track."""
    spatialize_steps: int
    """Of spatialize."""
    separate_steps: int
    """Of separate."""
    track_batch_size: int
    """Items a step, over all processes, of track."""
    spatialize_batch_size: int
    """Windows a step of spatialize."""
    separate_batch_size: int
    """Mixtures a step of separate, each asked for both of its clips."""
    warmup_share: float
    """Share of the steps in which the learning rate rises; it falls to 0 in a cosine afterwards."""
    eval_rounds: int
    """How many times a variant is validated on its way, evenly; the best weights are kept."""
    eval_windows: int
    """Windows of each validation clip that are looked at."""
    eval_targets: int
    """Faces of each validation and test clip that track is asked about."""
    eval_clips: int
    """Test clips that spatialize and separate are judged on, at most; 0 for all."""
    num_examples: int
    """Test clips of which sounds and pictures are kept."""
    num_resamples: int
    """Bootstrap resamples of each interval."""
    num_variants_at_once: int
    """Variants that are trained at the same time, a process each; 1 under torchrun."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_positive(*_POSITIVE)
        self.check_choice("tasks", TASKS)
        self.check_choice("initialisations", INITIALISATIONS)
        self.check_shares("spatialize_overlap", "warmup_share")


@dataclass(frozen=True)
class Plan:
    """What every variant is made from, in any process. starts : model files by pretext task. sizes : one of them."""

    config: Config
    shards: tuple[Path, ...]
    starts: Mapping[str, Path]
    sizes: Path
    made_from: Lineage


def run(
    config: Config,
    *,
    shards: tuple[Path, ...],
    models: tuple[Path, ...],
    out: Path,
    metrics: Path,
    part: str = "0/1",
) -> Outcome:
    """Train and judge; writes a folder a variant, `<task>/<variant>/`, to `out`, and the metrics file.

    shards : directories that `pack` wrote. models : what `pretrain` wrote, part by part. part : which of the variants,
    "index/count". Under torchrun every process takes part and the first one writes. Raises InputError where a pretext model
    is missing, a split has too few clips, or sizes do not agree.
    """
    from leftright.training import campaign
    from leftright.training.processes import joined

    rows_of_parts(ShardReader(shards).index, config.split, shards[0] / INDEX)  # complains before anything is done
    mine = files.Part.parse(part).of(variants(config.tasks, config.initialisations, config.ablations))
    plan = _plan(config, shards, models, mine)
    with joined(config.accelerator) as processes:
        for task in config.tasks:
            if (size := _of_task(config, task, "batch_size")) % processes.count:
                raise InputError(f"{task}_batch_size {size}: not a multiple of the {processes.count} processes")
        fingerprint = _fingerprint(plan, part)
        begun = files.resume_directory(out, fingerprint) if processes.is_first else nullcontext(out)
        with begun as directory:
            shared, names = processes.from_first(directory), [str(variant) for variant in mine]
            work = partial(train_variant, plan=plan, directory=shared, processes=processes)
            campaign.work_all("finetune", names, work, shared, processes, config.num_variants_at_once)
            if not processes.is_first:
                return Outcome({})
            values = campaign.gather("finetune", names, directory)
            results.write(metrics, values)
            campaign.tidy(directory)
    ran = [out / str(variant) for variant in mine if (out / str(variant) / MODEL).is_file()]
    figures = tuple(sorted(path for folder in ran for path in (folder / EXAMPLES).glob("*.png")))
    return Outcome(values, figures, tuple(folder / name for folder in ran for name in (PREDICTIONS, CURVES)))


def _plan(config: Config, shards: tuple[Path, ...], models: tuple[Path, ...], mine: Sequence[Variant]) -> Plan:
    """Raises InputError where a variant's pretext model is not among the models."""
    from leftright.models import find_model

    starts = {name: find_model(models, name) for name in PRETEXTS if name in {variant.start for variant in mine}}
    sizes = next(iter(starts.values()), None) or _any_model(models)
    return Plan(config, shards, starts, sizes, lineage.current(tracking.current().run_id, shards))


def _any_model(models: tuple[Path, ...]) -> Path:
    for name in PRETEXTS:
        for place in models:
            if (path := results.model_file(place, name)).is_file():
                return path
    raise InputError(f"models {' '.join(map(str, models))}: hold no pretext model, whose sizes all take; run pretrain")


def _fingerprint(plan: Plan, part: str) -> dict[str, object]:
    decisive = {name: value for name, value in asdict(plan.config).items() if name not in _CIRCUMSTANCES}
    weights = Path(plan.config.supervised_weights)
    made_of = {**plan.starts, "sizes": plan.sizes, **({"supervised": weights} if weights.is_file() else {})}
    models = {name: files.sha256(path) for name, path in made_of.items()}
    return {**decisive, "part": part, "shards": [files.sha256(each / INDEX) for each in plan.shards], "models": models}


def train_variant(name: str, *, plan: Plan, directory: Path, processes: "Processes") -> None:
    """Train one variant into its folder and leave its numbers, or the reason why it cannot be trained."""
    from leftright.training.campaign import settle
    from leftright.training.checkpoint import CHECKPOINT

    config, folder = plan.config, directory / name
    known = variants(config.tasks, config.initialisations, config.ablations)
    variant = next(each for each in known if str(each) == name)
    settle("finetune", name, directory, processes, lambda: _trained(variant, plan, folder, processes))
    if processes.is_first:
        (folder / CHECKPOINT).unlink(missing_ok=True)


def _trained(variant: Variant, plan: Plan, folder: Path, processes: "Processes") -> dict[str, Value]:
    from leftright.training.campaign import on_point
    from leftright.training.checkpoint import CHECKPOINT
    from leftright.training.fit import fit

    config = plan.config
    task, network = _set(variant, plan)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    how = (_optimisation(config, variant.task), config.hardware(), _course(config, variant.task))
    record = fit(f"finetune {variant}", network, task, *how, processes, checkpoint, on_point(str(variant)))
    if not processes.is_first:
        return {}
    values = _judge(variant, plan, task, network, folder)
    with files.replace_file(folder / CURVES) as temporary:
        pd.DataFrame(record.points).to_csv(temporary, index=False)
    steps, batch_size = how[0].num_steps, how[0].batch_size
    history = {
        "best_step": record.best_step,
        "samples_seen": steps * batch_size,
        "samples_per_second": steps * batch_size / record.train_s,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }
    return {**values, **{name: Value(number) for name, number in history.items()}}


def _set(variant: Variant, plan: Plan) -> tuple["Task", Any]:
    """The task and the network that begins it. Raises NotRunError where its start cannot be had."""
    import torch

    from leftright.models import load_model
    from leftright.models.downstream import build
    from leftright.training.initialisation import take_over
    from leftright.training.supervised import imagenet_weights

    config = plan.config
    config.use_threads()
    _, meta = load_model(plan.sizes)
    architecture = meta.architecture.flattened()
    material = _material(variant.task, plan, meta.geometry.crop)
    task, head = _task(variant, config, material)
    torch.manual_seed(config.seed)
    network = build(variant.task, architecture, material.store.geometry, head)
    if variant.start == "supervised":
        take_over(network, imagenet_weights(config.supervised_weights, network))
    elif variant.start != "scratch":
        take_over(network, load_model(plan.starts[variant.start])[0].state_dict())
    return task, network


def _material(task: str, plan: Plan, crop: int) -> "Material":
    from leftright.data.windows import ClipStore, window_geometry
    from leftright.training.materials import Material

    config, reader = plan.config, ShardReader(plan.shards)
    window_s, frame_step = (config.track_window_s, 1) if task == "track" else (config.window_s, config.frame_step)
    store = ClipStore(reader, window_geometry(reader, window_s, frame_step, crop), config.cache_mb)
    parts = rows_of_parts(reader.index, config.split, plan.shards[0] / INDEX)
    rows = {part: store.long_enough(candidates) for part, candidates in parts.items()}
    if short := [part for part in PARTS if not rows[part]]:
        raise InputError(f"{task}: a window of {window_s} s is longer than every clip of the {short[0]} split")
    return Material(store, rows, config.ranges(), config.seed, config.num_workers)


def _task(variant: Variant, config: Config, material: "Material") -> tuple["Task", "Head"]:
    from leftright.models.downstream import Head
    from leftright.training.face_tracking import FaceTracking, anchor_sizes
    from leftright.training.materials import Judging
    from leftright.training.separation import Separation
    from leftright.training.spatialization import Spatialization

    judging = Judging(config.eval_windows, config.eval_targets, config.eval_clips, config.num_resamples)
    if variant.task == "track":
        tracking_task = FaceTracking(material, judging, config.min_agreement)
        sizes = anchor_sizes(tracking_task.targets["train"], config.track_anchors, config.seed)
        return tracking_task, Head(variant.inputs, config.track_width, sizes)
    head = Head(variant.inputs, config.unet_width)
    if variant.task == "spatialize":
        return Spatialization(material, judging, config.spatialize_loss, config.spatialize_overlap), head
    return Separation(material, judging, config.separate_loss), head


def _judge(variant: Variant, plan: Plan, task: "Task", network: Any, folder: Path) -> dict[str, Value]:
    """Save the model, judge it on the test split, and keep examples."""
    from leftright.models.downstream import Head
    from leftright.models.saved import ModelMeta, save_network
    from leftright.training.examples import write_examples

    geometry, architecture = network.geometry, network.architecture
    head = Head.of(network)
    meta = ModelMeta(variant.task, architecture, geometry, asdict(plan.config), plan.made_from, head.as_plain())
    save_network(folder / MODEL, network, meta)
    table = task.examine(network)
    write_table(folder / PREDICTIONS, table)
    write_examples(task, network, folder / EXAMPLES, plan.config.num_examples)
    return task.summary(table)


def _of_task(config: Config, task: str, name: str) -> int:
    return int(getattr(config, f"{task}_{name}"))


def _optimisation(config: Config, task: str) -> "Optimisation":
    num_steps = _of_task(config, task, "steps")
    batch_size, warmup_steps = _of_task(config, task, "batch_size"), round(config.warmup_share * num_steps)
    return config.optimisation(num_steps, batch_size, warmup_steps)


def _course(config: Config, task: str) -> "Course":
    from leftright.training.fit import Course

    every = max(1, -(-_of_task(config, task, "steps") // config.eval_rounds))
    return Course(config.average_decay, every, config.checkpoint_steps)
