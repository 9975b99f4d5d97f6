"""What registered models were made from: which clips, of which channels, learnt from or only judged on.

A record is a folder, so that it travels as one artifact:

    record.json         the versions of the model that it speaks of, null where there is none
    clips.parquet       the champion's clips, one row each: clip, sha256, video, channel, part
    last_clips.parquet  those of the version that was registered last, which may be the champion or one that lost

`part` is train, val or test under the split by which the model was trained. Two decisions stand behind it: channels that a
model was trained or selected on can never judge it, and a clip is new only if nothing that was judged last or is in use had it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leftright.clips import read_table, write_table
from leftright.data.splits import PARTS
from leftright.errors import InputError

RECORD, CLIPS, LAST_CLIPS = "record.json", "clips.parquet", "last_clips.parquet"
COLUMNS = ("clip", "sha256", "video", "channel", "part")
LEARNT = ("train", "val")
"""The parts that decide a model's weights: its training, and the choice among its weights."""


@dataclass(frozen=True)
class Record:
    """champion, last : versions of the registered model, None where there is none. clips, last_clips : `COLUMNS` of each."""

    champion: int | None
    clips: pd.DataFrame
    last: int | None
    last_clips: pd.DataFrame

    def new(self, kept: pd.DataFrame) -> pd.DataFrame:
        """Those rows of `kept` (clip, sha256, video) that neither the champion nor the last version had.

        A clip that was fetched and cut again has other bytes and its old name; one that was moved or named anew has its old
        bytes. Neither teaches anything new, so both the name and the bytes must be unknown.
        """
        known = pd.concat([self.clips, self.last_clips])
        return kept[~kept["clip"].isin(known["clip"]) & ~kept["sha256"].isin(known["sha256"])]

    def new_videos(self, kept: pd.DataFrame) -> list[str]:
        """The videos of the new clips that none of the known clips is from."""
        known = set(self.clips["video"]) | set(self.last_clips["video"])
        return sorted(set(self.new(kept)["video"]) - known)

    def learnt(self) -> pd.DataFrame:
        """The champion's clips that it was trained or selected on."""
        return self.clips[self.clips["part"].isin(LEARNT)]


def nothing() -> pd.DataFrame:
    """The clips of a version that does not exist."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})


def of_curated(path: Path, split: str) -> pd.DataFrame:
    """The record's rows of a curated table, for a model that is trained on its kept clips under `split`.

    Raises InputError where the table is missing or lacks a column.
    """
    column = f"split_{split}"
    table = read_table(path, ("clip", "sha256", "video", "channel", "kept", column))
    kept = table[table["kept"]].rename(columns={column: "part"})
    if unknown := sorted(set(kept["part"]) - set(PARTS)):
        raise InputError(
            f"{path}: {column} {unknown[0]!r} of a kept clip is none of {', '.join(PARTS)}; run curate again"
        )
    return kept[list(COLUMNS)].reset_index(drop=True)


def write(folder: Path, record: Record) -> None:
    """Write a record into an existing folder."""
    write_table(folder / CLIPS, record.clips)
    write_table(folder / LAST_CLIPS, record.last_clips)
    (folder / RECORD).write_text(json.dumps({"champion": record.champion, "last": record.last}) + "\n")


def read(folder: Path) -> Record:
    """Read a record. Raises InputError where it is missing or not of the form above."""
    path = folder / RECORD
    try:
        versions = json.loads(path.read_text())
        champion, last = versions["champion"], versions["last"]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; the step `champion` writes it") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not a record of models; the step `champion` writes it") from None
    return Record(champion, read_table(folder / CLIPS, COLUMNS), last, read_table(folder / LAST_CLIPS, COLUMNS))
