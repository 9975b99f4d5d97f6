"""How well a model tells swapped channels from unswapped ones, from its table of predictions.

The table has one row a window, orientation and condition: clip, video, channel, split, start_s, is_flipped, logit, condition.
Every window was judged both as it is and with its channels swapped. An accuracy counts each once, in an orientation drawn by
the seed. Half of each video's windows are presented flipped, so that an answer which does not depend on the orientation is
right half of the time. The draw of a video depends on that video alone: a part of the table is judged as it was in the whole.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.metrics.bootstrap import bootstrap_mean, bootstrap_share
from leftright.results import Value

PREDICTION_COLUMNS = ("clip", "video", "channel", "split", "start_s", "is_flipped", "logit", "condition")

_WINDOW = ["clip", "start_s"]


def accuracy(predictions: pd.DataFrame, seed: int) -> Value:
    """The share of windows whose orientation is recognised, each judged once; the interval is over videos.

    predictions : rows of one condition. A logit above 0 says that the channels are swapped.
    """
    return _accuracy(_presented(predictions, _WINDOW, seed))


def clip_accuracy(predictions: pd.DataFrame, seed: int) -> Value:
    """The share of clips recognised by the mean logit of their windows, all presented in one orientation a clip."""
    answers = clip_answers(predictions, seed)
    return bootstrap_share(answers["is_right"].to_numpy(np.bool_), answers["video"].tolist())


def clip_answers(predictions: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row a clip, ordered by clip: clip, video, channel, and whether it is recognised as `clip_accuracy` counts it.

    The orientation in which a clip is presented follows from the seed and the clips' names, so that it is the same for two
    models that are asked about the same clips.
    """
    mean_logits = predictions.groupby(["clip", "video", "channel", "is_flipped"])["logit"].mean().reset_index()
    presented = _presented(mean_logits, ["clip"], seed).sort_values("clip", ignore_index=True)
    return presented[["clip", "video", "channel"]].assign(is_right=_is_right(presented))


def cross_entropy(predictions: pd.DataFrame) -> Value:
    """The mean binary cross-entropy in nats over both orientations of every window; the interval is over videos."""
    sign = np.where(predictions["is_flipped"], -1.0, 1.0)
    losses = np.logaddexp(0.0, sign * predictions["logit"].to_numpy(np.float64))
    return bootstrap_mean(losses.tolist(), predictions["video"].tolist())


def expected_error(predictions: pd.DataFrame) -> float:
    """The mean probability given to the wrong orientation, over both orientations of every window: 0 is perfect, 0.5 a toss."""
    sign = np.where(predictions["is_flipped"], 1.0, -1.0)
    return float(np.mean(1 / (1 + np.exp(np.clip(sign * predictions["logit"].to_numpy(np.float64), -50, 50)))))


def _accuracy(presented: pd.DataFrame) -> Value:
    return bootstrap_share(_is_right(presented), presented["video"].tolist())


def _is_right(presented: pd.DataFrame) -> NDArray[np.bool_]:
    return ((presented["logit"] > 0) == presented["is_flipped"].astype(bool)).to_numpy(np.bool_)


def _presented(rows: pd.DataFrame, unit: Sequence[str], seed: int) -> pd.DataFrame:
    """Of every unit's two orientations the one that it was drawn to be presented in."""
    names = ["/".join(map(str, values)) for values in zip(*(rows[column] for column in unit), strict=True)]
    video_of = dict(zip(names, rows["video"], strict=True))
    is_flipped = _draw_orientations(video_of, seed)
    return rows[rows["is_flipped"].astype(bool) == np.array([is_flipped[name] for name in names], np.bool_)]


def _draw_orientations(video_of: Mapping[str, str], seed: int) -> dict[str, bool]:
    """Whether each unit is presented flipped: every other one of its video's, in an order drawn by the seed."""
    units_of: dict[str, list[str]] = defaultdict(list)
    for unit in sorted(video_of, key=lambda name: _drawn(name, seed)):
        units_of[video_of[unit]].append(unit)
    first = {video: _drawn(video, seed)[0] % 2 for video in units_of}
    return {
        unit: bool((place + first[video]) % 2) for video, units in units_of.items() for place, unit in enumerate(units)
    }


def _drawn(name: str, seed: int) -> bytes:
    return blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
