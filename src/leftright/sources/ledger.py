"""What became of every video and every clip, in one SQLite file: collection resumes from it, and numbers say "on N of M".

    videos(position, video, channel, title, url, location, duration_s, round, spans_s, status, detail, attempts, updated)
    clips(clip, video, start_ms, end_ms, status, detail, row, updated)
    steps(step, finished)                  searches and related lists that need not be asked for again
    runs(run, started, ended, outcome)     outcome is NULL where a run was killed

`status` is a `leftright.sources.base.Status`; times are UTC, ISO 8601; `spans_s` and `row` (the clip's line of the manifest)
are JSON. A video and its clips are recorded together, so that a killed run leaves a video wholly done or not begun.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from leftright.clips import CLIP_COLUMNS
from leftright.errors import InputError
from leftright.files import Part
from leftright.sources.base import RETRIED, Harvest, Status, Video

LEDGER = "ledger.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS videos (
    position INTEGER PRIMARY KEY, video TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, title TEXT NOT NULL, url TEXT NOT NULL,
    location TEXT NOT NULL, duration_s REAL NOT NULL, round INTEGER NOT NULL, spans_s TEXT NOT NULL,
    status TEXT NOT NULL, detail TEXT NOT NULL, attempts INTEGER NOT NULL, updated TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clips (
    clip TEXT PRIMARY KEY, video TEXT NOT NULL REFERENCES videos (video), start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    status TEXT NOT NULL, detail TEXT NOT NULL, row TEXT NOT NULL, updated TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS steps (step TEXT PRIMARY KEY, finished TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, outcome TEXT);
"""


class Ledger:
    """The ledger of one collection, open for writing. A context manager: it closes the file."""

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path)
        # A killed process loses nothing written; waiting for the disk at each of thousands of commits would buy no more.
        self._database.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_SCHEMA}")
        with self._database as database:
            self._run = database.execute("INSERT INTO runs (started) VALUES (?)", (_now(),)).lastrowid

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and isinstance(error, Exception):
            self.close_run(str(error) or type(error).__name__)
        # Back to one plain file, which can be read where nothing can be written.
        self._database.execute("PRAGMA journal_mode = DELETE")
        self._database.close()

    def close_run(self, outcome: str) -> None:
        """Say how this run ended."""
        with self._database as database:
            database.execute("UPDATE runs SET ended = ?, outcome = ? WHERE run = ?", (_now(), outcome, self._run))

    def count(self) -> int:
        """How many videos are known."""
        return int(self._database.execute("SELECT count(*) FROM videos").fetchone()[0])

    def new(self, videos: Sequence[Video]) -> list[Video]:
        """Those of `videos` that are not known, each once."""
        known = "SELECT 1 FROM videos WHERE video = ?"
        distinct = {video.video: video for video in reversed(videos)}
        return [
            one for one in reversed(distinct.values()) if not self._database.execute(known, (one.video,)).fetchone()
        ]

    def done(self, step: str) -> bool:
        """Whether a step of listing was finished, by this run or an earlier one."""
        return self._database.execute("SELECT 1 FROM steps WHERE step = ?", (step,)).fetchone() is not None

    def finish(self, step: str, videos: Iterable[Video]) -> None:
        """Remember videos as pending, in this order, and that the step which listed them is finished, at once.

        Those known already stay as they are.
        """
        with self._database as database:
            _insert(database, videos)
            database.execute("INSERT OR IGNORE INTO steps VALUES (?, ?)", (step, _now()))

    def videos(self, statuses: Sequence[Status] = tuple(Status)) -> list[Video]:
        """The videos of these statuses, in the order of listing."""
        marks = ", ".join("?" * len(statuses))
        rows = self._database.execute(
            "SELECT spans_s, video, channel, title, url, location, duration_s, round FROM videos "
            f"WHERE status IN ({marks}) ORDER BY position",
            tuple(statuses),
        )
        return [_video(*row) for row in rows]

    def share(self, part: Part) -> None:
        """Keep this part's share of the videos alone, once all are listed; the other parts' ledgers hold the rest."""
        others = {video.video for video in self.videos()} - {video.video for video in part.of(self.videos())}
        if not self.done("share"):
            with self._database as database:
                database.executemany("DELETE FROM videos WHERE video = ?", [(video,) for video in others])
            self.finish("share", [])

    def to_try(self) -> list[Video]:
        """The videos that a resumed run tries: new ones, and those that failed for a passing reason."""
        return self.videos(RETRIED)

    def record(self, harvest: Harvest) -> None:
        """Write down what came of one video, with its clips, at once. What an earlier attempt said of it goes."""
        video, now = harvest.video, _now()
        with self._database as database:
            database.execute(
                "UPDATE videos SET channel = ?, title = ?, url = ?, duration_s = ?, status = ?, detail = ?, "
                "attempts = attempts + 1, updated = ? WHERE video = ?",
                (
                    video.channel,
                    video.title,
                    video.url,
                    video.duration_s,
                    harvest.status,
                    harvest.detail,
                    now,
                    video.video,
                ),
            )
            database.execute("DELETE FROM clips WHERE video = ?", (video.video,))
            database.executemany(
                "INSERT INTO clips VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        clip.clip,
                        video.video,
                        clip.start_ms,
                        clip.end_ms,
                        clip.status,
                        clip.detail,
                        json.dumps(clip.row),
                        now,
                    )
                    for clip in harvest.clips
                ],
            )

    def manifest(self) -> pd.DataFrame:
        """The clips that were kept: `CLIP_COLUMNS`, ordered by clip."""
        rows = self._database.execute("SELECT row FROM clips WHERE status = ? ORDER BY clip", (Status.KEPT,))
        table = pd.DataFrame([json.loads(row) for (row,) in rows], columns=list(CLIP_COLUMNS))
        return table.astype(CLIP_COLUMNS)

    def counts(self) -> dict[Status, int]:
        """How many videos have each status; statuses of none are left out."""
        rows = self._database.execute("SELECT status, count(*) FROM videos GROUP BY status")
        return {Status(status): count for status, count in rows}


def attrition(ledgers: Sequence[Path]) -> pd.DataFrame:
    """What became of the videos of one or several ledgers (the parts of a fanned-out collection), for the report.

    Returns one row a status that occurs, the most frequent first: status, num_videos, num_clips (kept from those videos),
    example (one detail text). Raises InputError for a file that is no ledger.
    """
    videos, clips = read_ledgers(ledgers)
    num_kept = clips[clips["status"] == Status.KEPT]["video"].value_counts()
    table = videos.assign(num_clips=videos["video"].map(num_kept).fillna(0).astype("int64"))
    summary = table.groupby("status", as_index=False).agg(
        num_videos=("status", "size"), num_clips=("num_clips", "sum"), example=("detail", "first")
    )
    return summary.sort_values(["num_videos", "status"], ascending=[False, True], ignore_index=True)


def read_ledgers(ledgers: Sequence[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The videos (video, channel, status, detail) and the clips tried (clip, video, status, detail) of one or several ledgers.

    Each in the order of the ledgers and, within one, of listing. Raises InputError for a file that is no ledger.
    """
    tables = [_read_ledger(path) for path in ledgers]
    videos, clips = (pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True))
    return videos, clips


def _read_ledger(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    if not path.is_file():
        raise InputError(f"{path}: no such ledger; run collect, or correct the path")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            videos = pd.read_sql("SELECT video, channel, status, detail FROM videos ORDER BY position", database)
            clips = pd.read_sql("SELECT clip, video, status, detail FROM clips", database)
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        raise InputError(f"{path}: not a ledger ({error}); run collect again".replace("\n", " ")) from None
    return videos, clips


def _video(spans_s: str, *described: Any) -> Video:
    return replace(Video(*described), spans_s=tuple((start, end) for start, end in json.loads(spans_s)))


def _insert(database: sqlite3.Connection, videos: Iterable[Video]) -> None:
    now = _now()
    database.executemany(
        "INSERT OR IGNORE INTO videos (video, channel, title, url, location, duration_s, round, spans_s, status, detail, "
        "attempts, updated) VALUES (:video, :channel, :title, :url, :location, :duration_s, :round, :spans, :status, '', "
        "0, :now)",
        [
            asdict(video) | {"spans": json.dumps(video.spans_s), "status": Status.PENDING, "now": now}
            for video in videos
        ],
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
