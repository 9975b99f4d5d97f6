"""Which channels are kept: by what people decided about their videos, or, where nobody has, by evidence.

Decisions are a CSV file under version control, one line a video and reviewer, so that a person's work survives every run and
can be reviewed itself. Evidence is the correlation between where the face is and where the sound comes from, with an interval
over the channel's videos.
"""

import csv
import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from leftright.data.splits import position
from leftright.errors import InputError
from leftright.metrics.correlation import correlation
from leftright.results import Value

COLUMNS = ("video", "verdict", "reviewer", "time", "note")
ACCEPT, REJECT = "accept", "reject"
CONTESTED = "contested"
"""What reviewers who are evenly divided say together: no decision."""


@dataclass(frozen=True)
class Decision:
    """What one reviewer said about one video. time : ISO 8601."""

    video: str
    verdict: str
    reviewer: str
    time: str
    note: str


def read_decisions(path: Path) -> list[Decision]:
    """Read a decisions file. Raises InputError with the line's number for what is not a decision, or is one twice."""
    try:
        lines = csv.reader(io.StringIO(path.read_text("utf-8-sig")), strict=True)
        numbered = [(lines.line_num, line) for line in lines]
    except FileNotFoundError:
        raise InputError(f"{path}: no such decisions file; make one with the line {','.join(COLUMNS)}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}); save it as such") from None
    if not numbered or tuple(numbered[0][1]) != COLUMNS:
        raise InputError(f"{path}, line 1: is not the header {','.join(COLUMNS)}; write that line first")
    seen: dict[tuple[str, str], int] = {}
    decisions = []
    for number, line in numbered[1:]:
        if not line:
            continue
        decision = _decision(f"{path}, line {number}", line)
        first = seen.setdefault((decision.video, decision.reviewer), number)
        if first != number:
            raise InputError(
                f"{path}, line {number}: {decision.reviewer} has decided about {decision.video} in line {first}; keep one"
            )
        decisions.append(decision)
    return decisions


def _decision(where: str, line: Sequence[str]) -> Decision:
    if len(line) != len(COLUMNS):
        raise InputError(f"{where}: has {len(line)} fields and not {len(COLUMNS)}; quote a note that holds a comma")
    decision = Decision(*(field.strip() for field in line))
    if decision.verdict not in (ACCEPT, REJECT):
        raise InputError(f"{where}: the verdict {decision.verdict!r} is unknown; write {ACCEPT} or {REJECT}")
    if not decision.video or not decision.reviewer:
        raise InputError(f"{where}: lacks the video or the reviewer; name both")
    try:
        datetime.fromisoformat(decision.time)
    except ValueError:
        raise InputError(f"{where}: the time {decision.time!r} is not ISO 8601; write it as 2026-01-31T12:00") from None
    return decision


def video_verdicts(decisions: Iterable[Decision]) -> dict[str, str]:
    """What the majority of its reviewers says about each decided video: ACCEPT, REJECT, or CONTESTED where there is none."""
    balance: Counter[str] = Counter()
    for decision in decisions:
        balance[decision.video] += 1 if decision.verdict == ACCEPT else -1
    return {video: ACCEPT if sign > 0 else REJECT if sign < 0 else CONTESTED for video, sign in balance.items()}


def agreement(decisions: Iterable[Decision]) -> dict[str, Value]:
    """How far reviewers agree on videos that more than one has judged.

    Returns `share`, the share of pairs of verdicts that are equal, and `kappa`, Cohen's kappa (Cohen 1960): that share beyond
    what each reviewer's own rate of acceptance would give by chance. With more than two reviewers it is the mean over pairs of
    reviewers, weighted by how many videos they share; a pair that agrees by its rates alone (both accept everything) has none.
    `n` is the number of pairs of verdicts.
    """
    by_reviewer: dict[str, dict[str, bool]] = defaultdict(dict)
    for decision in decisions:
        by_reviewer[decision.reviewer][decision.video] = decision.verdict == ACCEPT
    num_pairs, num_equal, kappas, weights = 0, 0, [], []
    for one, other in combinations(sorted(by_reviewer), 2):
        shared = sorted(set(by_reviewer[one]) & set(by_reviewer[other]))
        first = np.array([by_reviewer[one][video] for video in shared], bool)
        second = np.array([by_reviewer[other][video] for video in shared], bool)
        num_pairs += len(shared)
        num_equal += int((first == second).sum())
        if math.isfinite(kappa := cohen_kappa(first, second)):
            kappas.append(kappa)
            weights.append(len(shared))
    share = Value(num_equal / num_pairs if num_pairs else None, n=num_pairs)
    return {
        "share": share,
        "kappa": Value(float(np.average(kappas, weights=weights)) if kappas else None, n=sum(weights)),
    }


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Agreement of two reviewers beyond chance, at most 1. first, second : (videos,) bool. NaN where chance alone is 1."""
    if not len(first):
        return math.nan
    by_chance = first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean())
    observed = float((first == second).mean())
    return math.nan if by_chance == 1 else float((observed - by_chance) / (1 - by_chance))


def offered_for_review(videos: Iterable[str], share: float, seed: int) -> list[str]:
    """The seeded share of a channel's videos that a person is asked to look at, rounded up, in the order of asking."""
    # Drawn apart from the splits, or else the reviewed videos would be those of the test part.
    order = sorted(set(videos), key=lambda video: position(seed, f"review {video}"))
    return order[: math.ceil(len(order) * share - 1e-9)]


def spatial_evidence(clips: pd.DataFrame, *, num_resamples: int, seed: int) -> Value:
    """Correlation (Pearson) of the face's place with the log energy difference at the same times, over a channel's clips.

    clips : with `video` and the lists `face_xs`, `face_led_db`. Both grow to the right: positive where sound and picture agree.
    The interval is over videos; `n` counts the samples. None where there is nothing to correlate.
    """
    videos = np.repeat(clips["video"].to_numpy(object), [len(values) for values in clips["face_xs"]])
    places, differences = (
        np.concatenate([np.asarray(values, float) for values in clips[name]] or [np.empty(0)])
        for name in ("face_xs", "face_led_db")
    )
    return correlation("pearson", places, differences, videos.tolist(), num_resamples=num_resamples, seed=seed)


@dataclass(frozen=True)
class Rule:
    """When a channel is kept.

    min_accepted_share : of its decided videos. min_evidence : a channel whose whole interval of evidence lies below is out.
    min_evidence_videos : with fewer videos the evidence has no interval, and does not decide.
    """

    min_accepted_share: float
    min_evidence: float
    min_evidence_videos: int


DECISIONS, EVIDENCE, TOO_LITTLE = "decisions", "evidence", "too_little_evidence"
BASES = (DECISIONS, EVIDENCE, TOO_LITTLE)
"""What may decide about a channel. With too little evidence it is kept: nothing speaks against it."""


def judge_channel(
    verdicts: Mapping[str, str], clips: pd.DataFrame, rule: Rule, *, num_resamples: int, seed: int
) -> dict:
    """Judge a channel from its clips.

    verdicts : of decided videos, as `video_verdicts` gives them; those of other channels are passed over. Returns `kept`,
    `basis` and what it rests on: `num_accepted`, `num_rejected`, `num_contested`, `evidence` with `evidence_low`,
    `evidence_high` (None where there is none), `num_samples` and `num_evidence_videos`.
    """
    videos = set(clips["video"])
    counted = Counter(verdict for video, verdict in verdicts.items() if video in videos)
    sampled = clips[[bool(np.isfinite(np.asarray(values, float)).any()) for values in clips["face_xs"]]]
    num_videos = sampled["video"].nunique()
    # The percentile interval over k videos is at most their range, which holds the middle with probability 1 - 2^(1-k):
    # for two videos 0.5 and for four 0.875, whatever level it claims. Below `min_evidence_videos` there is no interval.
    enough = num_videos >= rule.min_evidence_videos
    value = spatial_evidence(sampled, num_resamples=num_resamples if enough else 0, seed=seed)
    kept, basis = _verdict(counted, value, rule)
    return {
        "kept": kept,
        "basis": basis,
        **{f"num_{name}": counted[verdict] for name, verdict in _COUNTED.items()},
        "evidence": value.value,
        "evidence_low": value.low,
        "evidence_high": value.high,
        "num_samples": value.n,
        "num_evidence_videos": num_videos,
    }


_COUNTED = {"accepted": ACCEPT, "rejected": REJECT, "contested": CONTESTED}


def _verdict(counted: Counter[str], evidence: Value, rule: Rule) -> tuple[bool, str]:
    num_decided = counted[ACCEPT] + counted[REJECT]
    if num_decided:
        return counted[ACCEPT] / num_decided >= rule.min_accepted_share, DECISIONS
    if evidence.high is None:
        return True, TOO_LITTLE
    return evidence.high >= rule.min_evidence, EVIDENCE
