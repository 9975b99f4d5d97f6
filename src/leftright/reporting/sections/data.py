"""Where the clips come from and where the others went: attrition, curation, splits and leakage."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pandas as pd

from leftright.data.curation import DECISIONS, EVIDENCE, TOO_LITTLE
from leftright.reporting import accounts, drawing
from leftright.reporting.accounts import SCHEMES, Account, Curation
from leftright.reporting.blocks import Bar, Block, Cell, Column, Figure, Panel, Prose, Row, Section, Table, cells
from leftright.reporting.inputs import Inputs
from leftright.reporting.numbers import count, of, percent, plural


def attrition(inputs: Inputs) -> Section:
    """Every video and every clip, with what became of it."""
    videos, clips = accounts.videos(inputs.videos), accounts.clips(inputs.attempts, inputs.curated)
    text = (
        f"{plural(videos.total, 'video')} were listed; {count(videos.num_kept)} of them gave clips. "
        f"{plural(clips.total, 'clip')} were tried; {count(clips.num_kept)} of them were kept. Each of the others is counted "
        "once, under the first reason that applies, and none is missing: the rows add up."
    )
    tables = (
        _account_table("What became of every video.", videos),
        _account_table("What became of every clip.", clips),
    )
    return Section("What became of the rest", (Prose(text), *tables))


def _account_table(caption: str, account: Account) -> Table:
    """Outcomes under the stage that decided them; the bar is what was left, with what was lost at its end."""
    rows, left = [], account.total
    for stage, outcomes in groupby(account.lost, key=lambda outcome: outcome.stage):
        rows.append(Row(cells(f"Left out by {stage}"), "heading"))
        for outcome in outcomes:
            left -= outcome.num
            bar = Bar(left / account.total, outcome.num / account.total)
            rows.append(
                Row((Cell(outcome.name), Cell(outcome.meaning), Cell("", bar=bar), *_counted(outcome.num, account)))
            )
    rows.append(Row((Cell("kept"), Cell(""), Cell("", bar=Bar(account.num_kept / max(account.total, 1))),
                     *_counted(account.num_kept, account)), "total"))  # fmt: skip
    columns = (Column("Outcome", "code"), Column("", "text"), Column("", "bar"), Column("number", detail="share"))
    return Table(caption, columns, tuple(rows), f"Of {count(account.total)} in all.")


def _counted(num: int, account: Account) -> tuple[Cell]:
    return (Cell(count(num), percent(num / max(account.total, 1))),)


def curation(inputs: Inputs, figures: Path) -> Section:
    """Which channels were kept, and whether a person or the evidence decided. figures : the directory for what is drawn."""
    account = accounts.curation(inputs.channels)
    blocks: list[Block] = [Prose(_curation_words(account)), _basis_table(account)]
    if (inputs.channels["evidence"].notna() & inputs.channels["is_top"]).any():
        blocks.append(_evidence_figure(inputs.channels, figures))
    return Section("Which channels", tuple(blocks))


def _curation_words(account: Curation) -> str:
    num_decided = account.judged[DECISIONS]
    if num_decided:
        who = (
            f"People’s recorded decisions settled {plural(num_decided, 'channel')}; the others were judged by evidence."
        )
    else:
        who = "Nobody has looked at any of their videos, so evidence alone speaks, where there is enough of it."
    which = "all" if account.num_judged == account.total else f"the {count(account.num_judged)} with the most"
    return (
        f"Of {plural(account.total, 'channel')} with clips that passed the filter, {which} were judged, and "
        f"{count(account.num_kept)} were kept. {who} Evidence is the correlation of the face’s place in "
        "the picture with the log energy difference at the same time. A channel is left out only if its whole interval lies "
        "too low."
    )


_BASES = {
    DECISIONS: "people’s decisions",
    EVIDENCE: "evidence",
    TOO_LITTLE: "too little evidence to say anything against it",
}


def _basis_table(account: Curation) -> Table:
    rows = [_basis_row(name, account.judged[basis], account.kept[basis]) for basis, name in _BASES.items()]
    total = _basis_row("all", account.num_judged, account.num_kept)
    columns = (Column("Judged by", "text"), Column("channels"), Column("kept"), Column("left out"))
    return Table("Channels, by what decided about them.", columns, (*rows, replace(total, kind="total")))


def _basis_row(name: str, num_judged: int, num_kept: int) -> Row:
    return Row(cells(name, count(num_judged), count(num_kept), count(num_judged - num_kept)))


def _evidence_figure(channels: pd.DataFrame, figures: Path) -> Figure:
    path = figures / "channel_evidence.svg"
    known = channels[channels["is_top"] & channels["evidence"].notna()]
    numbers, lows, highs = (known[name].to_numpy("float64") for name in ("evidence", "evidence_low", "evidence_high"))
    with drawing.panel(path, title="Evidence by channel", height_in=2.2, width_in=4.6) as axes:
        drawing.ladder(
            axes, numbers, lows, highs, ~known["kept"].to_numpy(bool), xlabel="channels", ylabel="correlation"
        )
    caption = (
        "Does the face move with the sound? One dot a channel, with its 95 % interval over videos where it has enough of them; "
        "red were left out. Below zero, the channel’s left and right, or its picture, may be turned."
    )
    return Figure(caption, (Panel(path, "Correlation of face and sound for each channel, in rising order"),))


def splits(inputs: Inputs) -> Section:
    """The sizes of the splits, and what of each test part was seen in training."""
    counts = accounts.splits(inputs.curated)
    rows = [
        row
        for scheme, entries in groupby(counts, key=lambda entry: entry.scheme)
        for row in (
            Row(cells(f"By {scheme}"), "heading"),
            *(
                Row(cells(_PARTS[e.split], count(e.num_clips), count(e.num_videos), count(e.num_channels)))
                for e in entries
            ),
        )
    ]
    columns = (Column("Part", "text"), Column("clips"), Column("videos"), Column("channels"))
    sizes = Table("Three ways to divide the kept clips, side by side.", columns, tuple(rows))
    return Section("Splits and leakage", (Prose(_SPLITS), sizes, _leakage_table(inputs.leakage)))


_PARTS = {"train": "training", "val": "validation", "test": "test"}
_SPLITS = (
    "The authors divide by video. But videos of one channel share a performer, a room and a microphone, which a model can "
    "recognise instead of listening; and clips of one scene look alike, whatever video they are from."
)


def _leakage_table(leakage: pd.DataFrame) -> Table:
    """What of each test part also stands in training. leakage : a row a kind of split and of group."""
    shared = {
        (row["split"], row["group"]): of(int(row["num_shared"]), int(row["num_test"]))
        for row in leakage.to_dict("records")
    }
    rows = tuple(Row(cells(f"by {scheme}", *(shared[scheme, group] for group in SCHEMES))) for scheme in SCHEMES)
    columns = (Column("Divided", "text"), *(Column(f"{group}s") for group in SCHEMES))
    return Table("Leakage: how many of the test part’s channels, videos and scenes were also trained on.", columns, rows,
                 "A scene is a set of clips whose pictures look alike.")  # fmt: skip
