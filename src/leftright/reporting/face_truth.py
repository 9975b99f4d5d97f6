"""The tracked faces of a simulated world against where the performer's face truly was.

The task itself can be judged by the detector's boxes alone, which may be wrong, and asks about faces that may not be what
sounds. Here the truth says both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.metrics.bootstrap import bootstrap_mean
from leftright.metrics.correlation import correlation
from leftright.metrics.detection import intersection_over_union
from leftright.reporting.downstream import BOX, TRACK, TRUE_BOX, Box, Finetuned
from leftright.reporting.shares import Resampling, share
from leftright.results import Value

FACE: Box = ("face_left", "face_top", "face_right", "face_bottom")
COLUMNS = (*FACE, "is_face_sounding")
DETECTOR = "detector"


@dataclass(frozen=True)
class Agreement:
    """Boxes against the true face's: their mean overlap, and the correlation of their centres' x."""

    iou: Value
    centre_x: Value


@dataclass(frozen=True)
class FaceTruth:
    """By variant, and for the detector itself, how its boxes agree with the true ones.

    sounding : of the faces that were asked about, the share that truly is what sounds.
    """

    agreements: Mapping[str, Agreement]
    sounding: Value


def check(
    finetuned: Finetuned, clips: pd.DataFrame, trajectories: pd.DataFrame, resampling: Resampling
) -> FaceTruth | None:
    """Compare the tracked boxes of every variant with the true ones; None where none was run.

    clips : `clip`, `start_ms`. trajectories : `video`, `time_s`, and COLUMNS.
    """
    tables = {name: table for (task, name), table in finetuned.predictions.items() if task == TRACK.key}
    if not tables:
        return None
    known = {name: with_truth(table, clips, trajectories) for name, table in tables.items()}
    asked = next(iter(known.values()))
    agreements = {name: agreement(table, BOX, resampling) for name, table in known.items()}
    agreements[DETECTOR] = agreement(asked, TRUE_BOX, resampling)
    return FaceTruth(agreements, share(asked["is_face_sounding"], asked["video"].tolist(), resampling))


def with_truth(table: pd.DataFrame, clips: pd.DataFrame, trajectories: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of tracked faces, with COLUMNS of the nearest frame; rows without a true face are left out."""
    rows = table.reset_index(drop=True)
    times_s = (rows["clip"].map(clips.set_index("clip")["start_ms"]) / 1000 + rows["time_s"]).to_numpy()
    truth = np.full((len(rows), len(COLUMNS)), np.nan)
    of_video: dict[Any, pd.DataFrame] = dict(list(trajectories.groupby("video")))
    for video, places in rows.groupby("video").indices.items():
        if (known := of_video.get(video)) is not None:
            apart_s = np.abs(known["time_s"].to_numpy()[:, np.newaxis] - times_s[places])
            truth[places] = known[list(COLUMNS)].to_numpy("float64")[apart_s.argmin(axis=0)]
    joined = rows.join(pd.DataFrame(truth, columns=list(COLUMNS)))
    return joined[joined[list(FACE)].notna().all(axis=1)].astype({"is_face_sounding": bool})


def agreement(table: pd.DataFrame, edges: Box, resampling: Resampling) -> Agreement:
    """Boxes with the columns `edges` against those of FACE."""
    boxes, truth = (table[list(names)].to_numpy("float64") for names in (edges, FACE))
    videos = table["video"].tolist()
    settings = {"num_resamples": resampling.num_resamples, "seed": resampling.seed}
    overlaps = [intersection_over_union(*pair)[0, 0] for pair in zip(boxes[:, None], truth[:, None], strict=True)]
    return Agreement(
        bootstrap_mean(overlaps, videos, **settings),
        correlation("pearson", _centre_x(boxes), _centre_x(truth), videos, **settings),
    )


def _centre_x(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return (boxes[:, 0] + boxes[:, 2]) / 2


def values(truth: FaceTruth) -> dict[str, Value]:
    """The checks as metrics, by key."""
    found = {f"report.finetune.{TRACK.key}.true_sounding": truth.sounding}
    for name, checked in truth.agreements.items():
        found[f"report.finetune.{TRACK.key}.{name}.true_iou"] = checked.iou
        found[f"report.finetune.{TRACK.key}.{name}.true_centre_x"] = checked.centre_x
    return found
