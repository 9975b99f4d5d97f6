"""Runs of finetune on a small world, and what they are compared by."""

from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import torch

from leftright import results
from leftright.models import AudioVisualNetwork, WindowGeometry, save_model
from leftright.models.downstream import load_downstream
from leftright.stages import finetune, pretrain
from leftright.training.variants import PRETEXTS, variants
from tests.packed_world import FRAME_RATE
from tests.pretrain_runs import CONFIG as PRETRAINED

CONFIG = finetune.Config(
    tasks=("track", "spatialize", "separate"),
    initialisations=("scratch", "supervised", "mismatch", "shift", "flip"),
    ablations="all",
    supervised_weights="torchvision",
    seed=0,
    split="channel",
    window_s=0.5,
    frame_step=1,
    track_window_s=1.0,
    track_anchors=2,
    track_width=4,
    min_agreement=0.5,
    unet_width=2,
    spatialize_loss="l1",
    spatialize_overlap=0.5,
    separate_loss="l1",
    track_steps=4,
    spatialize_steps=4,
    separate_steps=4,
    track_batch_size=4,
    spatialize_batch_size=4,
    separate_batch_size=2,
    learning_rate=0.01,
    warmup_share=0.25,
    weight_decay=0.0,
    max_gradient_norm=0.0,
    average_decay=0.9,
    contrast=0.1,
    brightness=0.1,
    colour=0.1,
    eval_rounds=2,
    eval_windows=1,
    eval_targets=2,
    eval_clips=1,
    num_examples=0,
    num_resamples=20,
    checkpoint_steps=100,
    accelerator="cpu",
    precision="float32",
    memory_format="contiguous",
    num_threads=1,
    num_variants_at_once=1,
    num_workers=0,
    cache_mb=16,
)
SHORT = replace(CONFIG, initialisations=("scratch", "flip"))
"""Two starts of each task, and the ablations: ten variants."""
FEW = replace(CONFIG, tasks=("track", "spatialize"), initialisations=("flip",))
"""Five variants: flip without one of its inputs, and with both."""


def write_pretext_models(directory: Path, tasks=PRETEXTS, **sizes: int) -> Path:
    """As `pretrain` leaves them, untrained."""
    geometry = WindowGeometry(duration_s=1.0, frame_rate=FRAME_RATE, frame_step=3, crop=20)
    for number, task in enumerate(tasks):
        torch.manual_seed(100 + number)
        architecture = replace(pretrain._architecture(PRETRAINED, task), **sizes)
        save_model(directory / task / "model.pt", AudioVisualNetwork(architecture, geometry), task, asdict(PRETRAINED))
    return directory


def run(config: finetune.Config, packed: Path, models: Path, directory: Path, **given: str):
    paths = {"out": directory / "finetune", "metrics": directory / "finetune.json"}
    return finetune.run(config, shards=(packed,), models=(models,), **paths, **given)


def weights_of(directory: Path, variant: object) -> dict[str, torch.Tensor]:
    path = directory / "finetune" / str(variant) / "model.pt"
    return load_downstream(path, str(variant).split("/")[0])[0].state_dict()


def assert_same_weights(first: Path, second: Path, variant: object) -> None:
    ours, theirs = weights_of(first, variant), weights_of(second, variant)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours), variant


def timeless(directory: Path) -> dict[str, object]:
    return {
        key: value
        for key, value in results.read(directory / "finetune.json").items()
        if not key.endswith("samples_per_second")
    }


def assert_same_result(everything: Path, other: Path, config: finetune.Config) -> None:
    """What `config` makes is the same, to the last bit, as where all the others were made beside it."""
    whole, part = timeless(everything), timeless(other)
    assert part == {key: whole[key] for key in part}
    for variant in variants(config.tasks, config.initialisations, config.ablations):
        assert any(key.startswith(f"finetune.{variant.task}.{variant.name}.") for key in part)
        folders = [directory / "finetune" / str(variant) for directory in (everything, other)]
        assert_same_weights(everything, other, variant)
        pd.testing.assert_frame_equal(*(pd.read_parquet(folder / "predictions.parquet") for folder in folders))
        assert (folders[0] / "curves.csv").read_text() == (folders[1] / "curves.csv").read_text()
