"""What a model says of windows that it is not trained on, as a table."""

import pandas as pd
import torch
from torch.utils.data import DataLoader

from leftright.data.windows import ClipStore, FixedWindows, Window
from leftright.models import AudioVisualNetwork
from leftright.training import flip

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
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    loader = DataLoader(FixedWindows(store, windows), batch_size=_WINDOWS_PER_BATCH, num_workers=num_workers)
    parts = [flip.judge(network, type(batch)(*(field.to(device) for field in batch))) for batch in loader]
    network.train(was_training)
    logits = {name: torch.cat([part[name] for part in parts]).cpu().numpy() for name in parts[0]}
    places = _describe(store, windows, split)
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


def _describe(store: ClipStore, windows: list[Window], split: str) -> pd.DataFrame:
    described = store.reader.index.iloc[[window.row for window in windows]][["clip", "video", "channel"]]
    starts = [window.first_frame / store.geometry.frame_rate for window in windows]
    return described.reset_index(drop=True).assign(split=split, start_s=starts)
