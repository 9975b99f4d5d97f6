"""What became of every video and every clip, so that each number can say "on N of M".

The ledger accounts for videos and for clips that were never written; the curated table for every clip that was. The outcomes
of an account add up to its total, or `Account` refuses to be made.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from leftright.data.curation import BASES
from leftright.data.splits import PARTS

KEPT = "kept"
SCHEMES = ("channel", "video", "scene")
"""The kinds of split, the one by which the model is judged first."""

MEANINGS: Mapping[str, str] = {
    # of a video or clip, by the ledger
    "pending": "not tried yet",
    "short": "shorter than one clip",
    "no_stream": "no picture in the file",
    "corrupt": "cannot be decoded",
    "truncated": "ends before its headers say",
    "gone": "removed, private, or never there",
    "blocked": "not available to us",
    "refused": "the server refused to serve it",
    "error": "failed for another reason, to be tried again",
    # of a clip, by the filter
    "unreadable": "cannot be decoded",
    "no_picture": "no picture",
    "no_sound": "no sound",
    "not_stereo": "one channel, or more than two",
    "silent": "too quiet to hear",
    "dual_mono": "two channels that are the same",
    "near_mono": "two channels that are almost the same",
    "inverted": "one channel is the other, inverted",
    "length_mismatch": "sound and picture differ in length",
    "still": "the picture does not move",
    "centred": "the sound is in the middle for too long",
    "no_face": "no face seen with confidence",
    # of a clip, by curation
    "channel_not_top": "its channel is not among the largest",
    "channel_rejected": "its channel was left out, by decisions or by evidence",
    "video_rejected": "a person rejected its video",
}
"""What an outcome means, in words."""


@dataclass(frozen=True)
class Outcome:
    """An outcome of `num` items, decided by a stage. A name without a meaning in MEANINGS explains itself."""

    stage: str
    name: str
    num: int

    @property
    def meaning(self) -> str:
        """The outcome in words; empty where its name says it all."""
        return MEANINGS.get(self.name, "")


@dataclass(frozen=True)
class Account:
    """What became of `total` items: those that went on, and the outcomes of the others.

    Raises ValueError where they do not add up: an item unaccounted for is a defect, not a remainder.
    """

    total: int
    num_kept: int
    lost: tuple[Outcome, ...]

    def __post_init__(self) -> None:
        if self.num_kept + sum(outcome.num for outcome in self.lost) != self.total:
            raise ValueError(f"{self.total} items, but the outcomes {self} do not add up to it")


def videos(ledger_videos: pd.DataFrame) -> Account:
    """The account of all videos. ledger_videos : one row a video with `status`."""
    return _account(len(ledger_videos), ledger_videos["status"], "collect")


def clips(ledger_clips: pd.DataFrame, curated: pd.DataFrame) -> Account:
    """The account of all clips that were tried, in the order in which the stages decide.

    ledger_clips : one row a clip with `clip`, `status`. curated : one row a clip with `verdict`, `reason`, `kept`,
    `kept_reason`. A clip that the ledger calls kept stands in the curated table.
    """
    rejected = curated["verdict"] != KEPT
    dropped = ~rejected & ~curated["kept"]
    unwritten = ledger_clips.loc[~ledger_clips["clip"].isin(curated["clip"]), "status"]
    lost = [
        *_outcomes(unwritten, "collect"),
        *_outcomes(curated.loc[rejected, "reason"], "filter"),
        *_outcomes(curated.loc[dropped, "kept_reason"], "curate"),
    ]
    return Account(len(unwritten) + len(curated), int((~rejected & curated["kept"]).sum()), tuple(lost))


def _account(total: int, names: Iterable[str], stage: str) -> Account:
    outcomes = _outcomes(names, stage)
    kept = sum(outcome.num for outcome in outcomes if outcome.name == KEPT)
    return Account(total, kept, tuple(outcome for outcome in outcomes if outcome.name != KEPT))


def _outcomes(names: Iterable[str], stage: str) -> list[Outcome]:
    """Outcomes, the most frequent first; equal ones by name, so that the report is the same each time."""
    counted = sorted(Counter(map(str, names)).items(), key=lambda item: (-item[1], item[0]))
    return [Outcome(stage, name, num) for name, num in counted]


@dataclass(frozen=True)
class Curation:
    """What decided about the channels.

    total : all channels. num_judged : the largest, which were judged. judged, kept : how many of those, by what decided.
    """

    total: int
    num_judged: int
    judged: Mapping[str, int]
    kept: Mapping[str, int]

    @property
    def num_kept(self) -> int:
        """Channels kept, whatever decided."""
        return sum(self.kept.values())


def curation(channels: pd.DataFrame) -> Curation:
    """Count the channels by what decided about them. channels : one row a channel with `is_top`, `kept`, `basis`."""
    top = channels[channels["is_top"]]
    judged = {basis: int((top["basis"] == basis).sum()) for basis in BASES}
    kept = {basis: int((top.loc[top["kept"], "basis"] == basis).sum()) for basis in BASES}
    return Curation(len(channels), len(top), judged, kept)


@dataclass(frozen=True)
class SplitCount:
    """How much one split of one scheme holds."""

    scheme: str
    split: str
    num_clips: int
    num_videos: int
    num_channels: int


def splits(curated: pd.DataFrame) -> list[SplitCount]:
    """The sizes of every split, scheme by scheme. curated : one row a clip with `kept` and a column `split_<scheme>` each."""
    kept = curated[curated["kept"]]
    return [
        SplitCount(scheme, split, len(rows), rows["video"].nunique(), rows["channel"].nunique())
        for scheme in SCHEMES
        for split in PARTS
        for rows in [kept[kept[f"split_{scheme}"] == split]]
    ]
