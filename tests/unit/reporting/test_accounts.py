"""Accounts of videos and clips: everything is counted once, under the stage that decided."""

import pandas as pd
import pytest

from leftright.clips import REASONS
from leftright.reporting import accounts
from leftright.reporting.accounts import Account, Outcome
from leftright.sources.base import Status
from leftright.stages import curate


def curated(*rows: tuple[str, str, bool, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["clip", "reason", "kept", "kept_reason"])
    return table.assign(verdict=["rejected" if reason else "kept" for reason in table["reason"]])


def test_every_outcome_that_a_stage_can_decide_has_a_meaning() -> None:
    decided = {
        *REASONS,
        *(status.value for status in Status),
        curate.NOT_TOP,
        curate.CHANNEL_REJECTED,
        curate.VIDEO_REJECTED,
    }
    assert decided - {"kept"} <= set(accounts.MEANINGS)


def test_videos_are_counted_by_status() -> None:
    account = accounts.videos(pd.DataFrame({"status": ["kept", "corrupt", "kept", "short", "corrupt"]}))
    assert (account.total, account.num_kept) == (5, 2)
    assert account.lost == (Outcome("collect", "corrupt", 2), Outcome("collect", "short", 1))


def test_a_clip_is_lost_where_the_first_stage_lost_it() -> None:
    table = curated(
        ("a", "silent", False, "rejected_by_filter"), ("b", "", False, "channel_rejected"), ("c", "", True, "evidence")
    )
    attempts = pd.DataFrame({"clip": ["a", "b", "c", "d"], "status": ["kept", "kept", "kept", "error"]})
    account = accounts.clips(attempts, table)
    assert (account.total, account.num_kept) == (4, 1)
    assert [(lost.stage, lost.name) for lost in account.lost] == [
        ("collect", "error"), ("filter", "silent"), ("curate", "channel_rejected")
    ]  # fmt: skip


def test_outcomes_that_do_not_add_up_are_a_defect() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Account(total=3, num_kept=1, lost=(Outcome("filter", "still", 1),))


def test_splits_count_kept_clips_alone() -> None:
    table = pd.DataFrame(
        {"kept": [True, True, False], "video": ["v", "w", "x"], "channel": ["c", "c", "d"]}
        | {f"split_{scheme}": ["train", "test", "train"] for scheme in accounts.SCHEMES}
    )
    first = accounts.splits(table)[0]
    assert (first.scheme, first.split, first.num_clips, first.num_videos, first.num_channels) == (
        "channel",
        "train",
        1,
        1,
        1,
    )


def test_channels_are_counted_by_what_decided() -> None:
    channels = pd.DataFrame(
        {"is_top": [True, True, True, False], "kept": [True, False, True, False]}
        | {"basis": ["decisions", "decisions", "evidence", ""]}
    )
    account = accounts.curation(channels)
    assert (account.total, account.num_judged, account.num_kept) == (4, 3, 2)
    assert (account.judged["decisions"], account.kept["decisions"]) == (2, 1)
