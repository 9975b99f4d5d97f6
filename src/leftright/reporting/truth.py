"""What a simulated world lets us check: the filter's verdicts, the model's answers and its sight against what was planted.

Nothing before the report reads the truth; nothing here changes what the stages measured. Rows of one video belong together,
so intervals are over videos.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from leftright.metrics.bootstrap import bootstrap
from leftright.reporting.shares import Resampling, share
from leftright.results import Value

KEPT = "kept"

EXPECTED: Mapping[str, str] = {
    "mono": "not_stereo",
    "dual_mono": "dual_mono",
    "silent": "silent",
    "still": "still",
    "centred": "centred",
    "no_face": "no_face",
}
"""The reason by which the filter names each fault that is its to name."""

WHOLE_FILE: Mapping[str, str] = {"corrupt": "unreadable", "truncated": "truncated", "short": "short"}
"""Faults of a whole file: the ledger names them as they are called, or else the filter by this reason, clip by clip."""

VALID = ("none", "second_face")
"""Videos whose sound and picture agree. `swapped` and `mirrored` ones pass the filter, as they should: the flip audit, not
the filter, finds them."""

TURNED = ("swapped", "mirrored")
PASSING = (*VALID, *TURNED)
"""What the filter must keep."""


@dataclass(frozen=True)
class Score:
    """How well one fault was named: counts of `unit` ("clips", or "videos" for a fault of a whole file), and two shares.

    precision : of those named, the share that was planted. recall : of those planted, the share that was named.
    """

    fault: str
    outcome: str
    unit: str
    num_planted: int
    num_named: int
    num_both: int
    precision: Value
    recall: Value


@dataclass(frozen=True)
class Audit:
    """Which videos the model takes for swapped.

    videos : one row a video: `video`, `fault`, `evidence` (mean logit of "swapped" for the video as it was recorded).
    auc : the chance that a planted video has more evidence than an unplanted one. num_planted : swapped or mirrored videos.
    """

    videos: pd.DataFrame
    auc: Value
    num_planted: int


def filter_scores(
    truth: pd.DataFrame, clips: pd.DataFrame, videos: pd.DataFrame, resampling: Resampling
) -> list[Score]:
    """Precision and recall of every planted fault, and of being kept.

    truth : `video`, `fault`. clips : the filter's table, with `video`, `verdict`, `reason`. videos : the ledger, one row a
    video, with `video` and `status`. A share of nothing is a Value of None. The last score is that of being kept. Clips of
    videos that the truth does not know, such as a simulated world's 360 ones, count for nothing.
    """
    clips = clips[clips["video"].isin(truth["video"])]
    fault = clips["video"].map(truth.set_index("video")["fault"]).to_numpy()
    outcome = np.where(clips["verdict"] == KEPT, KEPT, clips["reason"])
    owners = clips["video"].to_numpy()
    named = [
        _score((name, reason, "clips"), fault == name, outcome == reason, owners, resampling)
        for name, reason in EXPECTED.items()
        if np.any(fault == name)
    ]
    kept = _score((KEPT, KEPT, "clips"), np.isin(fault, PASSING), outcome == KEPT, owners, resampling)
    return [*_file_scores(truth, clips, videos, resampling), *named, kept]


def _score(
    names: tuple[str, str, str],
    planted: NDArray[np.bool_],
    named: NDArray[np.bool_],
    videos: NDArray[np.object_],
    resampling: Resampling,
) -> Score:
    return Score(
        *names,
        num_planted=int(planted.sum()),
        num_named=int(named.sum()),
        num_both=int((planted & named).sum()),
        precision=share(planted[named], videos[named].tolist(), resampling),
        recall=share(named[planted], videos[planted].tolist(), resampling),
    )


def _file_scores(truth: pd.DataFrame, clips: pd.DataFrame, videos: pd.DataFrame, resampling: Resampling) -> list[Score]:
    """Faults of whole files, counted in videos: named by the ledger, or by the filter in clips none of which it kept."""
    fault = truth["fault"].to_numpy()
    owners = truth["video"].to_numpy()
    status = truth["video"].map(videos.set_index("video")["status"]).to_numpy()
    is_kept = np.isin(owners, clips.loc[clips["verdict"] == KEPT, "video"].unique())
    scores = []
    for name, reason in WHOLE_FILE.items():
        by_filter = np.isin(owners, clips.loc[clips["reason"] == reason, "video"].unique())
        named = ((status == name) | by_filter) & ~is_kept
        if np.any(fault == name):
            scores.append(_score((name, name, "videos"), fault == name, named, owners, resampling))
    return scores


def valid_test_predictions(predictions: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The stereo predictions of the test split's valid videos: those whose own channels and picture agree."""
    valid = truth.loc[truth["fault"].isin(VALID), "video"]
    chosen = (
        (predictions["split"] == "test") & (predictions["condition"] == "stereo") & predictions["video"].isin(valid)
    )
    return predictions[chosen]


def flip_audit(predictions: pd.DataFrame, truth: pd.DataFrame, resampling: Resampling) -> Audit:
    """Does the model find the videos whose channels, or picture, were turned before anyone saw them?

    A flipped window's logit is negated, so that each window says how swapped its video looks as it was recorded.
    predictions : all splits that were evaluated, with `video`, `condition`, `is_flipped`, `logit`.
    """
    judged = predictions[predictions["condition"] == "stereo"]
    recorded = judged["logit"].where(judged["is_flipped"] == 0, -judged["logit"])
    videos = recorded.groupby(judged["video"]).mean().rename("evidence").reset_index()
    videos = videos.merge(truth[["video", "fault"]], on="video")
    videos = videos[videos["fault"].isin(PASSING)].sort_values("evidence", ascending=False, ignore_index=True)
    is_planted = videos["fault"].isin(TURNED).to_numpy()
    return Audit(videos, _area(videos["evidence"].to_numpy(), is_planted, resampling), int(is_planted.sum()))


def _area(evidence: NDArray[np.float64], is_planted: NDArray[np.bool_], resampling: Resampling) -> Value:
    """Area under the ROC curve, one row a video. Without an interval where no resample differs: it would claim too much."""
    rows = [str(row) for row in range(len(evidence))]
    area = bootstrap(
        lambda drawn: _auc(evidence[drawn], is_planted[drawn]),
        rows,
        num_resamples=resampling.num_resamples,
        seed=resampling.seed,
    )
    return area if area.low != area.high else Value(area.value, n=area.n)


def _auc(evidence: NDArray[np.float64], is_planted: NDArray[np.bool_]) -> float:
    """By ranks (Mann and Whitney); NaN without both kinds."""
    num_planted, num_others = int(is_planted.sum()), int((~is_planted).sum())
    if not num_planted or not num_others:
        return float("nan")
    ranks = rankdata(evidence)[is_planted].sum()
    return float((ranks - num_planted * (num_planted + 1) / 2) / (num_planted * num_others))


def source_places(windows: pd.DataFrame, clips: pd.DataFrame, trajectories: pd.DataFrame) -> pd.DataFrame:
    """Where the sounding source truly was during each judged window.

    windows : `clip`, `video`, `start_s` in the clip, `duration_s`. clips : `clip`, `start_ms` in the video.
    trajectories : `video`, `time_s`, `azimuth_deg`, `source_x`, `is_sounding`.
    Returns the windows with `true_x` (0..1, grows to the right) and `true_azimuth_deg` (positive left), means over the time
    that it sounds; NaN where it is silent throughout.
    """
    starts_s = windows["clip"].map(clips.set_index("clip")["start_ms"]) / 1000 + windows["start_s"]
    sounding = trajectories[trajectories["is_sounding"].astype(bool)]
    of_video = dict(list(sounding.groupby("video")))
    places = [
        _mean_place(of_video.get(video), start_s, start_s + duration_s)
        for video, start_s, duration_s in zip(windows["video"], starts_s, windows["duration_s"], strict=True)
    ]
    return windows.assign(true_x=[x for x, _ in places], true_azimuth_deg=[azimuth for _, azimuth in places])


def _mean_place(rows: pd.DataFrame | None, start_s: float, end_s: float) -> tuple[float, float]:
    if rows is None:
        return float("nan"), float("nan")
    inside = rows[rows["time_s"].between(start_s, end_s)]
    return float(inside["source_x"].mean()), float(inside["azimuth_deg"].mean())
