"""Choose channels by people's decisions or by evidence, and split the clips.

The largest channels are judged (supplement, section A: the top 50, a third of whose videos a person looked at, of which 30
channels stayed). Every row of the filter's table stays; what is out of use says why in `kept_reason`. The clips in use are
split into train, val and test by video, by channel and by scene, side by side, and the leakage between the parts is counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leftright import contracts, results
from leftright.clips import CLIP_COLUMNS, FILTERED, MEASURE_COLUMNS, read_tables, write_table
from leftright.data import curation, splits
from leftright.errors import InputError
from leftright.files import replace_directory
from leftright.results import Collector, Outcome

CURATED, CHANNELS, REVIEW, LEAKAGE = "curated.parquet", "channels.parquet", "review.csv", "leakage.parquet"

NOT_TOP, CHANNEL_REJECTED, VIDEO_REJECTED = "channel_not_top", "channel_rejected", "video_rejected"
FILTER_REJECTED = "rejected_by_filter"


@dataclass(frozen=True)
class Config:
    """Parameters of `curate`."""

    top_channels: int
    """channels that are judged, those with the most clips; the others are out (paper: 50)"""
    review_share: float
    """share of each such channel's videos that is offered for review (paper: a third)"""
    min_accepted_share: float
    """a channel stays if at least this share of its decided videos was accepted"""
    min_evidence: float
    """a channel without decisions is out if its correlation of face and sound lies below this, with its whole interval"""
    min_evidence_videos: int
    """videos with a face that evidence needs before it decides; a channel with fewer stays"""
    num_resamples: int
    """resamples of a channel's videos for the interval"""
    scene_distance: float
    """clips are of one scene up to this root mean square difference of their pictures' colours in 0 to 1"""
    val_share: float
    """share of the videos, channels and scenes that choose the model"""
    test_share: float
    """share of the videos, channels and scenes that judge it"""
    seed: int
    """draws the videos for review and the splits"""

    def __post_init__(self) -> None:
        for name in ("review_share", "min_accepted_share", "scene_distance", "val_share", "test_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"curate.{name} is {getattr(self, name)}; it must be in 0 to 1")
        for name in ("top_channels", "num_resamples"):
            if getattr(self, name) < 1:
                raise InputError(f"curate.{name} is {getattr(self, name)}; it must be at least 1")
        if self.min_evidence_videos < 2:
            raise InputError(f"curate.min_evidence_videos is {self.min_evidence_videos}; an interval needs at least 2")
        if self.val_share + self.test_share >= 1:
            raise InputError("curate.val_share and curate.test_share leave nothing to train on; lower one of them")


def run(config: Config, *, filtered: tuple[Path, ...], decisions: Path, out: Path, metrics: Path) -> Outcome:
    """Curate the filtered clips.

    filtered : the directories of `filter`. decisions : the CSV of people's decisions about videos.
    out : gets `curated.parquet`, `channels.parquet`, `review.csv` and `leakage.parquet`.
    Raises InputError for a decisions file with an error in it, or where no clip passed the filter.
    """
    table = read_tables(filtered, FILTERED, [*CLIP_COLUMNS, *MEASURE_COLUMNS])
    usable = table[table["verdict"] == "kept"]
    if usable.empty:
        raise InputError(f"{filtered[-1] / FILTERED}: no clip passed the filter; see its column `reason`")
    decided = curation.read_decisions(decisions)
    verdicts = curation.video_verdicts(decided)
    channels = _judge(usable, verdicts, config)
    curated = _split(_mark(table, channels, verdicts), config)
    contracts.check("curated", curated, out / CURATED)
    leaks = splits.leakage(curated[curated["kept"]])
    with replace_directory(out) as directory:
        write_table(directory / CURATED, curated)
        write_table(directory / CHANNELS, channels)
        write_table(directory / LEAKAGE, leaks)
        _review(usable, channels, decided, verdicts, config).to_csv(directory / REVIEW, index=False)
    values = _summarise(curated, channels, leaks, decided)
    results.write(metrics, values)
    return Outcome(values, tables=(out / CHANNELS, out / REVIEW, out / LEAKAGE))


def _judge(usable: pd.DataFrame, verdicts: Mapping[str, str], config: Config) -> pd.DataFrame:
    """One row a channel, the largest first: its size, whether it is among the top, and the judgement if it is."""
    sizes = usable.groupby("channel").agg(num_clips=("clip", "size"), num_videos=("video", "nunique")).reset_index()
    sizes = sizes.sort_values(["num_clips", "channel"], ascending=[False, True], ignore_index=True)
    sizes["is_top"] = sizes.index < config.top_channels
    rule = curation.Rule(config.min_accepted_share, config.min_evidence, config.min_evidence_videos)
    clips_of = dict(list(usable.groupby("channel")))
    judged = [
        curation.judge_channel(verdicts, clips_of[name], rule, num_resamples=config.num_resamples, seed=config.seed)
        for name in sizes.loc[sizes["is_top"], "channel"]
    ]
    channels = pd.concat([sizes, pd.DataFrame(judged)], axis="columns")
    numbers = channels.filter(regex="^num_").fillna(0).astype("int64")
    evidence = channels.filter(regex="^evidence").astype("float64")
    kept = channels["kept"].eq(True)
    return channels.assign(**numbers, **evidence, kept=kept, basis=channels["basis"].fillna("").astype("str"))


def _mark(table: pd.DataFrame, channels: pd.DataFrame, verdicts: Mapping[str, str]) -> pd.DataFrame:
    """Add `kept` and `kept_reason`: for a clip in use the basis of its channel's judgement, else why it is out."""
    of_channel = channels.set_index("channel")
    reasons = of_channel["basis"].where(of_channel["kept"], CHANNEL_REJECTED).where(of_channel["is_top"], NOT_TOP)
    reason = table["channel"].map(reasons)
    in_channel = table["channel"].map(of_channel["kept"]).eq(True)
    rejected = table["video"].map(dict(verdicts)).eq(curation.REJECT)
    passed = table["verdict"].eq("kept")
    reason = reason.mask(in_channel & rejected, VIDEO_REJECTED).where(passed, FILTER_REJECTED)
    marked = table.assign(kept=passed & in_channel & ~rejected, kept_reason=reason.astype("str"))
    if not marked["kept"].any():
        raise InputError("no channel is kept; see the decisions file, or lower curate.min_evidence")
    return marked


def _split(table: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Add `scene` and the three split columns, all empty for clips that are out of use."""
    kept = table["kept"]
    names = splits.scenes(
        table.loc[kept, "clip"].tolist(), table.loc[kept, "scene_signature"].tolist(), config.scene_distance
    )
    table = table.assign(scene=pd.Series(names, table.index[kept], dtype="str").reindex(table.index, fill_value=""))
    shares = splits.Shares(val=config.val_share, test=config.test_share)
    for kind in splits.KINDS:
        parts = splits.assign(table.loc[kept, kind].tolist(), shares, config.seed)
        table[f"split_{kind}"] = table[kind].where(kept).map(parts).fillna("").astype("str")
    return table


def _review(
    usable: pd.DataFrame,
    channels: pd.DataFrame,
    decisions: list[curation.Decision],
    verdicts: Mapping[str, str],
    config: Config,
) -> pd.DataFrame:
    """The videos that a person is asked to look at, those not yet decided first within each channel."""
    rows = []
    for channel in channels.loc[channels["is_top"], "channel"]:
        clips = usable[usable["channel"] == channel]
        for video in curation.offered_for_review(clips["video"], config.review_share, config.seed):
            of_video = clips[clips["video"] == video]
            reviewers = " ".join(sorted(item.reviewer for item in decisions if item.video == video))
            title, url = of_video["title"].iloc[0], of_video["url"].iloc[0]
            rows.append((channel, video, title, url, len(of_video), verdicts.get(video, ""), reviewers))
    columns = ["channel", "video", "title", "url", "num_clips", "verdict", "reviewers"]
    review = pd.DataFrame(rows, columns=columns)
    order = review.groupby("channel", sort=False).ngroup()
    return review.assign(_order=order, _decided=review["verdict"] != "").sort_values(
        ["_order", "_decided"], kind="stable", ignore_index=True
    )[columns]


def _summarise(
    curated: pd.DataFrame, channels: pd.DataFrame, leaks: pd.DataFrame, decisions: list[curation.Decision]
) -> dict[str, results.Value]:
    values = Collector("curate")
    kept = curated[curated["kept"]]
    top = channels[channels["is_top"]]
    values.add("channels.kept", int(top["kept"].sum()), n=len(channels))
    values.add("channels.rejected", int((~top["kept"]).sum()), n=len(channels))
    for basis in curation.BASES:
        values.add(f"basis.{basis}", int((top["basis"] == basis).sum()), n=len(top))
    values.add("clips.kept", len(kept), n=len(curated))
    values.add("decisions", len(decisions))
    for name, value in curation.agreement(decisions).items():
        values.add(f"agreement.{name}", value)
    values.add("scenes", kept["scene"].nunique(), n=len(kept))
    values.add("scenes.largest", int(kept["scene"].value_counts().iloc[0]), n=len(kept))
    for kind in splits.KINDS:
        for part in splits.PARTS:
            values.add(f"split.{kind}.{part}.clips", int((kept[f"split_{kind}"] == part).sum()), n=len(kept))
    for leak in leaks.to_dict("records"):
        values.add(f"leakage.{leak['split']}.{leak['group']}", leak["num_shared"], n=leak["num_test"])
    return values.values
