"""Does a network know whether a sound field fits its 360-degree picture, and where in it? (Supplement, section E.)

The clips that hold first-order ambisonics are checked, packed and split by video. The network of the rotation task, its
ablations and comparisons are trained (table 2), asked to align whole videos (table 3), and the audio embedding's plane of
azimuth is judged on sound events with known directions (figure 2) and laid over videos. docs/evaluate360.md says what the
numbers mean.
"""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from leftright import files, lineage, results, tracking
from leftright.clips import write_table
from leftright.data import sphere_clips
from leftright.data.shards import INDEX, ShardReader
from leftright.data.sound_field import Limits
from leftright.data.splits import PARTS, rows_of_parts
from leftright.errors import InputError
from leftright.lineage import Lineage
from leftright.metrics import alignment, flip
from leftright.metrics.bootstrap import bootstrap_mean
from leftright.results import MODEL, Collector, Outcome, Value
from leftright.training.recipe import CIRCUMSTANCES, Recipe
from leftright.training.sphere_variants import KNOWN, SphereVariant, variant_of

if TYPE_CHECKING:  # the stage's help must not wait for torch
    from leftright.models import WindowGeometry
    from leftright.models.sphere_network import SphereNetwork
    from leftright.training.processes import Processes
    from leftright.training.rotation import Rotation

CHECKED, PACK = "checked.parquet", "pack"
PREDICTIONS, ALIGNMENT, CURVES = "predictions.parquet", "alignment.parquet", "curves.csv"
AZIMUTH, AZIMUTH_FIGURE, OVERLAYS = "azimuth.parquet", "azimuth.png", "overlays"
_CIRCUMSTANCES = (*CIRCUMSTANCES, "num_variants_at_once")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config(Limits, sphere_clips.Packing360, Recipe):
    """Parameters of `evaluate360`."""

    variants: tuple[str, ...]
    """What is trained: "full", "supervised" (ImageNet's visual network), "no_w", "no_xyz", "short" (short windows), "harder"
    (smaller turns)."""
    supervised_weights: str
    """ResNet-18's ImageNet weights: "torchvision", which fetches them, or a file."""
    val_share: float
    """Share of the videos for choosing the best weights."""
    test_share: float
    """Share of the videos that are judged."""
    window_s: float
    """Length of a window in seconds."""
    short_window_s: float
    """Of the variant "short"."""
    frame_step: int
    """Use every so many of the stored frames."""
    num_bands: int
    """Bands of the spectrum; a multiple of 16. 256 are all bins, as in the paper; fewer are mel bands."""
    audio_width: int
    """Channels of the audio network's first block."""
    audio_features: int
    """Size of the audio embedding."""
    audio_norm: Literal["batch", "none"]
    """"batch" normalises the audio embedding over the batch, "none" takes it as it is."""
    visual_width: int
    """Channels of the visual network's first stage; 64 make a ResNet-18."""
    visual_blocks: int
    """Residual blocks a stage; 2 make a ResNet-18."""
    visual_stem: Literal["pool", "conv"]
    """"pool" halves the picture twice before the first stage, as ResNet does; "conv" once."""
    visual_reduced: int
    """Channels to which the visual features are reduced before they are laid out flat."""
    fusion_features: int
    """Channels of the two layers that see sound and picture together."""
    edges: Literal["meet", "apart"]
    """"meet" lets the visual network look over the picture's left and right edge, "apart" takes them for edges."""
    min_turn: float
    """A sound that is turned away is turned by at least this share of pi."""
    max_turn: float
    """And by at most this one."""
    min_turn_harder: float
    """Of the variant "harder"."""
    max_turn_harder: float
    """Likewise."""
    orientations: Literal["paired", "drawn"]
    """"paired" looks at each window in all four ways, picture turned or not, sound turned or not; "drawn" at one, as the
    paper.
    """
    mirror: Literal["half", "none"]
    """"half" mirrors half of the training windows, picture and sound together; "none" mirrors none, as the paper."""
    num_steps: int
    """Steps of the optimiser."""
    batch_size: int
    """Windows a step, over all processes."""
    warmup_steps: int
    """Steps in which the learning rate rises; it falls to 0 in a cosine afterwards."""
    eval_steps: int
    """Validate every so many steps."""
    windows_per_clip: int
    """Windows judged in each clip, spread evenly over it."""
    num_rotations: int
    """Rotations of the sound at which the alignment is asked for, evenly over the circle."""
    consensus: alignment.Consensus
    """How the windows of a video come to one answer: the product of their "odds", the "product" of their probabilities, or
    their "mean".
    """
    min_event_s: float
    """The shortest sound event that is judged, in seconds."""
    num_overlays: int
    """Test videos over which the heard azimuth is drawn."""
    overlay_window_s: float
    """How much sound decides the azimuth of each of their pictures, in seconds."""
    num_resamples: int
    """Bootstrap resamples of each interval."""
    num_variants_at_once: int
    """Variants that are trained at the same time, a process each; 1 under torchrun."""

    def __post_init__(self) -> None:
        Recipe.__post_init__(self)
        sphere_clips.Packing360.__post_init__(self)
        self.check_positive("window_s", "short_window_s", "frame_step", "num_steps", "batch_size", "eval_steps")
        self.check_positive("windows_per_clip", "num_rotations", "min_event_s", "overlay_window_s")
        self.check_shares("val_share", "test_share")
        self.check_choice("variants", tuple(variant.name for variant in KNOWN))
        for low, high in (("min_turn", "max_turn"), ("min_turn_harder", "max_turn_harder")):
            if not 0 < getattr(self, low) <= getattr(self, high) < 2:
                raise InputError(f"{low} {getattr(self, low)}, {high} {getattr(self, high)}: must rise within 0 and 2")


@dataclass(frozen=True)
class Plan:
    """What every variant is made from, in any process.

    pack : the packed clips. made_from : what the models will carry. why_not : why nothing can be trained, "" where it can.
    """

    config: Config
    pack: Path
    made_from: Lineage
    why_not: str


def run(config: Config, *, clips: tuple[Path, ...], out: Path, metrics: Path, events: tuple[Path, ...] = ()) -> Outcome:
    """Check, pack, train and judge; writes a folder a variant, the checks and the figures to `out`, and the metrics file.

    clips : directories that `collect` wrote; those of their clips are used that have three, four or six channels. Where these
    are of too few videos to part, nothing is trained, and `not_run.json` says so. events : sets of sound events with
    directions, in TAU's form, or directories that hold one as `tau`; none leaves figure 2 out. Under torchrun every process
    takes part and the first one writes.
    """
    from leftright.training import campaign
    from leftright.training.processes import joined

    table = sphere_clips.candidates(clips)
    made_from = lineage.current(tracking.current().run_id, clips)
    with joined(config.accelerator) as processes:
        if config.batch_size % processes.count:
            raise InputError(f"batch_size {config.batch_size}: not a multiple of the {processes.count} processes")
        fingerprint = _fingerprint(config, table)
        begun = files.resume_directory(out, fingerprint) if processes.is_first else nullcontext(out)
        with begun as directory:
            shared = processes.from_first(directory)
            why_not = processes.from_first(_prepare(config, table, clips, directory) if processes.is_first else "")
            plan = Plan(config, shared / PACK, made_from, why_not)
            work = partial(train_variant, plan=plan, directory=shared, processes=processes)
            campaign.work_all("evaluate360", config.variants, work, shared, processes, config.num_variants_at_once)
            if not processes.is_first:
                return Outcome({})
            values = _account(directory) | campaign.gather("evaluate360", config.variants, directory)
            values |= _azimuth(plan, events, clips, directory)
            results.write(metrics, values)
            campaign.tidy(directory)
            sphere_clips.forget(directory / PACK)
    return _outcome(config, values, out)


def _fingerprint(config: Config, table: pd.DataFrame) -> dict[str, object]:
    decisive = {name: value for name, value in asdict(config).items() if name not in _CIRCUMSTANCES}
    return {**decisive, "clips": dict(zip(table["clip"], table["sha256"], strict=True))}


def _prepare(config: Config, table: pd.DataFrame, clips: tuple[Path, ...], directory: Path) -> str:
    """Check the clips' sound fields, split their videos, and pack those that are usable. Returns why that is of no use, or
    "".
    """
    if not (directory / CHECKED).exists():
        checked = sphere_clips.check(table, clips, config, config)
        write_table(directory / CHECKED, sphere_clips.split(checked, config.val_share, config.test_share, config.seed))
    checked = pd.read_parquet(directory / CHECKED)
    num_videos = checked.loc[checked["verdict"] == "kept", "video"].nunique()
    if num_videos < len(PARTS):
        return f"{num_videos} of the collected videos hold a usable sound field, and training asks for {len(PARTS)} at least"
    sphere_clips.pack(checked, clips, config, directory / PACK)
    return ""


def _account(directory: Path) -> dict[str, Value]:
    checked = pd.read_parquet(directory / CHECKED)
    collector = Collector("evaluate360")
    is_kept = checked["verdict"] == "kept"
    collector.add("clips", int(is_kept.sum()), n=len(checked))
    collector.add("videos", int(checked.loc[is_kept, "video"].nunique()), n=int(checked["video"].nunique()))
    for reason, count in checked.loc[~is_kept, "reason"].value_counts().items():
        collector.add(f"reason.{reason}", int(count), n=len(checked))
    return collector.values


def train_variant(name: str, *, plan: Plan, directory: Path, processes: "Processes") -> None:
    """Train one variant into its folder and leave its numbers, or the reason why it cannot be trained."""
    from leftright.training.campaign import settle
    from leftright.training.checkpoint import CHECKPOINT

    variant, folder = variant_of(name), directory / name
    settle("evaluate360", name, directory, processes, lambda: _trained(variant, plan, folder, processes))
    if processes.is_first:
        (folder / CHECKPOINT).unlink(missing_ok=True)


def _trained(variant: SphereVariant, plan: Plan, folder: Path, processes: "Processes") -> dict[str, Value]:
    from leftright.training.campaign import on_point
    from leftright.training.checkpoint import CHECKPOINT
    from leftright.training.fit import Course, fit

    config = plan.config
    task, network = _set(variant, plan)
    folder.mkdir(parents=True, exist_ok=True)
    optimisation = config.optimisation(config.num_steps, config.batch_size, config.warmup_steps)
    course = Course(config.average_decay, config.eval_steps, config.checkpoint_steps)
    how = optimisation, config.hardware(), course
    name = f"evaluate360 {variant.name}"
    record = fit(name, network, task, *how, processes, folder / CHECKPOINT, on_point(variant.name))
    if not processes.is_first:
        return {}
    values = _judge(variant, plan, task, network, folder)
    with files.replace_file(folder / CURVES) as temporary:
        pd.DataFrame(record.points).to_csv(temporary, index=False)
    num_samples = config.num_steps * config.batch_size
    history = {
        "best_step": record.best_step,
        "samples_seen": num_samples,
        "samples_per_second": num_samples / record.train_s,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }
    return {**values, **{key: Value(number) for key, number in history.items()}}


def _set(variant: SphereVariant, plan: Plan) -> tuple["Rotation", "SphereNetwork"]:
    """The task and the network that begins it. Raises NotRunError where its clips or its start cannot be had."""
    import torch

    from leftright.data.sphere_windows import Rotations
    from leftright.training.initialisation import take_over
    from leftright.training.rotation import Rotation
    from leftright.training.supervised import NotRunError, imagenet_weights

    config = plan.config
    if plan.why_not:
        raise NotRunError(plan.why_not)
    config.use_threads()
    material = _material(variant, plan)
    low, high = (
        (config.min_turn_harder, config.max_turn_harder) if variant.is_hard else (config.min_turn, config.max_turn)
    )
    task = Rotation(material, Rotations(low, high), config.orientations, mirrors=config.mirror == "half")
    torch.manual_seed(config.seed)
    network = network_of(config, variant, material.store.geometry)
    if variant.start == "supervised":
        take_over(network, imagenet_weights(config.supervised_weights, network))
    return task, network


def _material(variant: SphereVariant, plan: Plan) -> Any:
    from leftright.data.windows import ClipStore, evenly_spaced
    from leftright.models import WindowGeometry
    from leftright.training.rotation import SphereMaterial

    config, reader = plan.config, ShardReader((plan.pack,))
    window_s = config.short_window_s if variant.is_short else config.window_s
    geometry = WindowGeometry(window_s, config.sphere_frame_rate, config.frame_step, config.sphere_height)
    store = ClipStore(reader, geometry, config.cache_mb)
    parts = rows_of_parts(reader.index, config.split, plan.pack / INDEX)
    rows = {part: store.long_enough(candidates) for part, candidates in parts.items()}
    if short := [part for part in PARTS if not rows[part]]:
        raise InputError(f"{variant.name}: a window of {window_s} s is longer than every clip of the {short[0]} split")
    windows = {part: evenly_spaced(store, rows[part], config.windows_per_clip) for part in PARTS}
    return SphereMaterial(store, rows, config.ranges(), config.seed, config.num_workers, windows)


def network_of(config: Config, variant: SphereVariant, geometry: "WindowGeometry") -> "SphereNetwork":
    """A variant's network before any training."""
    from leftright.models import Architecture
    from leftright.models.sound_field import NUM_INPUTS
    from leftright.models.sphere_network import Sphere, SphereNetwork

    architecture = Architecture(
        audio_channels=NUM_INPUTS[variant.channels],
        n_mels=config.num_bands,
        audio_width=config.audio_width,
        audio_features=config.audio_features,
        visual_width=config.visual_width,
        visual_blocks=config.visual_blocks,
        visual_stem=config.visual_stem,
        visual_reduced=config.visual_reduced,
        fusion="flatten",
        fusion_features=config.fusion_features,
    )
    sphere = Sphere(variant.channels, wraps=config.edges == "meet", normalises=config.audio_norm == "batch")
    return SphereNetwork(architecture, geometry, sphere)


def _judge(
    variant: SphereVariant, plan: Plan, task: "Rotation", network: "SphereNetwork", folder: Path
) -> dict[str, Value]:
    """Save the model, judge it on the test split, and let it align the test split's videos."""
    from leftright.models.sphere_file import save_sphere

    save_sphere(folder / MODEL, network, asdict(plan.config), plan.made_from)
    tables = {part: task.predict(network, part) for part in ("val", "test")}
    write_table(folder / PREDICTIONS, pd.concat(tables.values(), ignore_index=True))
    videos = _aligned(plan.config, task, network)
    write_table(folder / ALIGNMENT, videos)
    seed = plan.config.seed
    values = {
        "accuracy": flip.accuracy(tables["test"], seed),
        "accuracy_val": flip.accuracy(tables["val"], seed),
        "loss": flip.cross_entropy(tables["test"]),
    }
    for group in alignment.GROUPS:
        members = videos.iloc[alignment.group_members(videos["confidence"].tolist(), group)]
        errors = members["error_deg"].tolist(), members["video"].tolist()
        values[f"alignment_{group}_deg"] = bootstrap_mean(*errors, num_resamples=plan.config.num_resamples)
    return values


def _aligned(config: Config, task: "Rotation", network: "SphereNetwork") -> pd.DataFrame:
    """A row a test video: video, error_deg, confidence, best_deg, num_windows."""
    angles = alignment.rotations_deg(config.num_rotations)
    places, logits = task.alignments(network, "test", np.radians(angles))
    rows = []
    for video, members in places.groupby("video").indices.items():
        found = alignment.align(logits[members], angles, config.consensus)
        sizes = {"num_windows": len(members), "best_deg": found.best_deg}
        rows.append({"video": video, "error_deg": found.error_deg, "confidence": found.confidence, **sizes})
    return pd.DataFrame(rows)


def _azimuth(plan: Plan, events: tuple[Path, ...], clips: tuple[Path, ...], directory: Path) -> dict[str, Value]:
    """Figure 2 and the overlays, of the full model where there is one."""
    from leftright.figures.sphere import azimuth_figure
    from leftright.models.sphere_file import load_sphere
    from leftright.training import azimuth, overlays

    config, collector = plan.config, Collector("evaluate360")
    if not (directory / "full" / MODEL).is_file():
        return {}
    network, _ = load_sphere(directory / "full" / MODEL)
    material = _material(variant_of("full"), plan)
    try:
        plane = azimuth.fit_plane(network, material.store, material.windows["train"])
    except ValueError as too_little:
        _log.warning("evaluate360: no azimuth is read off the embeddings: %s", too_little)
        return {}
    if events:
        placed = azimuth.place_events(network, plane, *azimuth.events_of(events, config.min_event_s))
        write_table(directory / AZIMUTH, placed)
        azimuth_figure(directory / AZIMUTH_FIGURE, placed, plane.explained)
        for name, value in azimuth.values(placed, config.num_resamples).items():
            collector.add(f"azimuth.{name}", value)
    checked = pd.read_parquet(directory / CHECKED)
    aligned = pd.read_parquet(directory / "full" / ALIGNMENT)
    chosen: Any = overlays.choose(checked, aligned, config.num_overlays).to_dict("records")
    for row in chosen:
        overlays.write(directory / OVERLAYS, row, clips, network, plane, config.overlay_window_s, config.layout)
    return collector.values


def _outcome(config: Config, values: Mapping[str, Value], out: Path) -> Outcome:
    ran = [out / name for name in config.variants if (out / name / MODEL).is_file()]
    tables = tuple(folder / name for folder in ran for name in (PREDICTIONS, ALIGNMENT, CURVES))
    figures = tuple(sorted([*out.glob("*.png"), *(out / OVERLAYS).glob("*.png")]))
    # No model for tracking, which serves the flip task's alone: these take four channels and the whole sphere.
    return Outcome(values, figures, (out / CHECKED, *tables))
