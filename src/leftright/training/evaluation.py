"""What a model says of windows that it is not trained on, as a table."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from leftright.data.contrast import FixedContrasts, Others
from leftright.data.windows import ClipStore, FixedWindows, Window
from leftright.models import AudioVisualNetwork
from leftright.training import contrast, flip

_WINDOWS_PER_BATCH = 32


def predict(
    network: AudioVisualNetwork,
    store: ClipStore,
    windows: list[Window],
    split: str,
    *,
    num_workers: int = 0,
) -> pd.DataFrame:
    """Judge every window in both orientations and as mono; `leftright.metrics.flip` says what the columns are.

    split : the name that the rows carry. Runs in evaluation mode and in full precision; the network's mode is restored.
    """
    logits = judged(network, flip.judge, FixedWindows(store, windows), num_workers)
    places = describe(store, windows, split)
    rows = [
        places.assign(is_flipped=is_flipped, logit=logits[name], condition=condition)
        for condition, is_flipped, name in (
            ("stereo", 0, "original"),
            ("stereo", 1, "flipped"),
            ("mono", 0, "mono"),
            ("mono", 1, "mono"),
        )
    ]
    return pd.concat(rows, ignore_index=True)


def predict_contrast(
    network: AudioVisualNetwork,
    store: ClipStore,
    windows: list[Window],
    split: str,
    others: Others,
    *,
    seed: int,
    num_workers: int = 0,
) -> pd.DataFrame:
    """Judge every window with its own sound and with a wrong one: the rows' `is_wrong`, `logit`, and where they are from.

    others : the wrong sounds, drawn by the seed. Otherwise as `predict`.
    """
    logits = judged(network, contrast.judge, FixedContrasts(store, windows, others, seed), num_workers)
    places = describe(store, windows, split)
    rows = [places.assign(is_wrong=int(name == "wrong"), logit=logits[name]) for name in ("original", "wrong")]
    return pd.concat(rows, ignore_index=True)


def judged(
    network: Any, judge: Callable[[Any, Any], dict[str, Tensor]], items: Dataset[Any], num_workers: int = 0
) -> dict[str, Any]:
    """What `judge` says of all items, batch by batch, as arrays by name.

    Runs in evaluation mode; the network's mode is restored.
    """
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    loader = DataLoader(items, batch_size=_WINDOWS_PER_BATCH, num_workers=num_workers)
    parts = [judge(network, type(batch)(*(field.to(device) for field in batch))) for batch in loader]
    network.train(was_training)
    return {name: torch.cat([part[name] for part in parts]).cpu().numpy() for name in parts[0]}


def describe(store: ClipStore, windows: list[Window], split: str) -> pd.DataFrame:
    """Where windows are from: clip, video, channel, split, and start_s in the clip."""
    described = store.reader.index.iloc[[window.row for window in windows]][["clip", "video", "channel"]]
    starts = [window.first_frame / store.geometry.frame_rate for window in windows]
    return described.reset_index(drop=True).assign(split=split, start_s=starts)
