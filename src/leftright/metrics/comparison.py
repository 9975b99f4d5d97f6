"""Is the challenger better than the champion? The paired difference on the same clips, and the decision.

The decision is for performers that neither model has met, so whole *channels* are resampled, not videos: videos of one channel
share a performer, a room and a pair of microphones, and where one is hard, or recorded with its channels swapped, so are the
others. The interval is as wide as that makes it. Pairing takes out what both models find hard.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from leftright.metrics import flip
from leftright.metrics.bootstrap import bootstrap_mean, bootstrap_share
from leftright.results import Collector, Value

PROMOTE: Final = "promote"
KEEP: Final = "keep"
_NUM_RESAMPLES = 4000


@dataclass(frozen=True)
class Demands:
    """How many held-out videos and channels a decision needs at least; with fewer the champion stays."""

    min_videos: int
    min_channels: int


@dataclass(frozen=True)
class Verdict:
    """What is to be done, why in words, and on which numbers."""

    decision: Literal["promote", "keep"]
    reason: str
    values: Mapping[str, Value]


def judge(challenger: pd.DataFrame, champion: pd.DataFrame | None, seed: int, demands: Demands) -> Verdict:
    """Decide between two models by their predictions (`leftright.metrics.flip`) of the same clips, of condition stereo.

    champion : None where there is none yet; then the challenger is the first, whatever its numbers. seed : draws the
    orientation in which a clip is presented, the same for both.
    """
    values = Collector("compare")
    _add_model(values, "challenger", challenger, seed)
    values.add("videos", challenger["video"].nunique())
    values.add("channels", challenger["channel"].nunique())
    if champion is None:
        return _verdict(values, PROMOTE, "the first model: there is no champion to compare with")
    _add_model(values, "champion", champion, seed)
    answers = [flip.clip_answers(table, seed) for table in (challenger, champion)]
    values.add("difference", _difference(*(table.assign(value=table["is_right"].astype(float)) for table in answers)))
    values.add("loss_difference", _difference(*(_clip_losses(table) for table in (challenger, champion))))
    return _decide(values, demands)


def _add_model(values: Collector, name: str, predictions: pd.DataFrame, seed: int) -> None:
    answers, losses = flip.clip_answers(predictions, seed), _clip_losses(predictions)
    values.add(f"{name}.accuracy", bootstrap_share(answers["is_right"].to_numpy(np.bool_), answers["channel"].tolist()))
    values.add(f"{name}.loss", bootstrap_mean(losses["value"].tolist(), losses["channel"].tolist()))


def _clip_losses(predictions: pd.DataFrame) -> pd.DataFrame:
    """One row a clip, ordered by clip: the mean cross-entropy in nats of its windows, over both orientations."""
    sign = np.where(predictions["is_flipped"], -1.0, 1.0)
    losses = np.logaddexp(0.0, sign * predictions["logit"].to_numpy(np.float64))
    return predictions.assign(value=losses).groupby(["clip", "channel"])["value"].mean().reset_index()


def _difference(challenger: pd.DataFrame, champion: pd.DataFrame) -> Value:
    """The mean over clips of challenger minus champion, in the column `value`; the interval is over channels."""
    if challenger["clip"].tolist() != champion["clip"].tolist():
        raise ValueError("the two models were asked about different clips")
    differences = (challenger["value"] - champion["value"]).tolist()
    return bootstrap_mean(differences, challenger["channel"].tolist(), num_resamples=_NUM_RESAMPLES)


def _decide(values: Collector, demands: Demands) -> Verdict:
    found = {name: values.values[f"compare.{name}"] for name in ("videos", "channels", "difference")}
    for name, least in (("videos", demands.min_videos), ("channels", demands.min_channels)):
        if (number := int(found[name].value or 0)) < least:
            return _verdict(values, KEEP, f"too few held-out {name} to decide: {number} of at least {least}")
    difference = found["difference"]
    if difference.value is None or difference.low is None or difference.high is None:
        return _verdict(values, KEEP, "too few held-out channels to decide: one alone has no interval")
    span = f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f}) of {difference.n} clips"
    if difference.low > 0:
        return _verdict(values, PROMOTE, f"better beyond the interval: accuracy differs by {span}")
    return _verdict(values, KEEP, f"not better beyond the interval: accuracy differs by {span}")


def _verdict(values: Collector, decision: Literal["promote", "keep"], reason: str) -> Verdict:
    values.add("promoted", int(decision == PROMOTE))
    return Verdict(decision, reason, values.values)
