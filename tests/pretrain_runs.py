"""Runs of pretrain on small worlds, and what they are compared by."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from leftright import tracking
from leftright.models import load_model
from leftright.stages import pretrain

CONFIG = pretrain.Config(
    tasks=("flip",),
    seed=0,
    split="channel",
    window_s=1.0,
    frame_step=3,
    crop=20,
    n_mels=16,
    audio_width=4,
    audio_features=4,
    visual_width=4,
    visual_blocks=1,
    visual_stem="conv",
    visual_reduced=4,
    fusion="by_task",
    fusion_features=16,
    num_steps=6,
    batch_size=4,
    orientations="paired",
    min_shift_s=0.5,
    learning_rate=0.01,
    warmup_steps=2,
    weight_decay=0.01,
    max_gradient_norm=1.0,
    average_decay=0.9,
    contrast=0.1,
    brightness=0.1,
    colour=0.1,
    eval_steps=2,
    eval_windows=2,
    checkpoint_steps=1,
    accelerator="cpu",
    precision="float32",
    memory_format="contiguous",
    num_threads=1,
    num_workers=0,
    cache_mb=16,
)


def run(config: pretrain.Config, packed: Path, directory: Path, **given: str):
    paths = {"shards": (packed,), "out": directory / "pretrain", "metrics": directory / "pretrain.json"}
    return pretrain.run(config, **paths, **given)


def weights_of(directory: Path, task: str = "flip") -> dict[str, torch.Tensor]:
    return load_model(directory / "pretrain" / task / "model.pt")[0].state_dict()


def assert_same_result(first: Path, second: Path, task: str = "flip") -> None:
    ours, theirs = weights_of(first, task), weights_of(second, task)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    folders = [directory / "pretrain" / task for directory in (first, second)]
    tables = [pd.read_parquet(folder / "predictions.parquet") for folder in folders]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    curves = [(folder / "curves.csv").read_text() for folder in folders]
    assert curves[0] == curves[1]


def files_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def flags_of(config) -> list[str]:
    """A configuration as a command line: a list's items are words of their own."""
    words = []
    for key, value in asdict(config).items():
        words += [f"--{key.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else (value,))]
    return words


class KilledError(Exception):
    """Stands for the end of the process."""


def stop_at(monkeypatch, step: int) -> None:
    class Run:
        run_id = ""

        def step(self, number, numbers):
            if number == step:
                raise KilledError

    monkeypatch.setattr(tracking, "current", Run)
