"""What a source is: it lists videos, and fetches the clips of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


class Status(StrEnum):
    """What became of a video or a clip. The text is the ledger's."""

    PENDING = "pending"  # listed, not yet tried
    KEPT = "kept"
    SHORT = "short"  # shorter than one clip
    NO_STREAM = "no_stream"  # no picture in it
    CORRUPT = "corrupt"  # not to be decoded
    TRUNCATED = "truncated"  # ends before its headers say
    GONE = "gone"  # removed, private, or never there
    BLOCKED = "blocked"  # there, but not for us: country, age, members
    REFUSED = "refused"  # the server will not serve us now: too many requests, a robot check
    ERROR = "error"  # anything else: a stall, a network's failure


RETRIED = (Status.PENDING, Status.REFUSED, Status.ERROR)
"""What a resumed run tries (again). Every other status is the end."""


@dataclass(frozen=True)
class Video:
    """One video of a source.

    video : its id, unique in the source, fit for a file name. location : the path or URL that its clips are made from.
    url : where a person finds it ("" if nowhere). duration_s : 0 where unknown. round : 0 for a listed or searched video,
    n for one found as related in round n. spans_s : (start, end) of the clips where a list names them; empty, they are drawn.
    """

    video: str
    channel: str
    title: str
    url: str
    location: str
    duration_s: float = 0.0
    round: int = 0
    spans_s: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Clip:
    """One clip that was tried. row : its line of the manifest (`leftright.clips.CLIP_COLUMNS`), empty unless kept."""

    clip: str
    start_ms: int
    end_ms: int
    status: Status
    detail: str
    row: dict[str, Any]


@dataclass(frozen=True)
class Harvest:
    """What came of trying one video. `video` is as the fetch knows it: a list's bare id may have gained channel and title."""

    video: Video
    status: Status
    detail: str
    clips: tuple[Clip, ...] = ()


@dataclass(frozen=True)
class ClipPlan:
    """How clips are placed: `clip_s` seconds each, at most `max_clips` a video, at positions drawn from `seed`."""

    clip_s: float
    max_clips: int
    seed: int


@dataclass(frozen=True)
class Weight:
    """What fetching a video would come to. An unknown length counts as room for every clip."""

    num_clips: int
    num_bytes: float


class Source(Protocol):
    """A place that videos come from."""

    kind: str
    """Its name in the manifest's column `source`."""

    max_workers: int
    """How many videos may be fetched at a time: 1 where politeness asks for it."""

    def identity(self) -> dict[str, Any]:
        """What decides which videos there are, as JSON values: a result begun under another identity is not continued."""
        ...

    def discover(self, known: "Known") -> None:
        """List the videos into `known`, continuing where an earlier run stopped. Raises RefusedError where a server refuses."""
        ...

    def weigh(self, video: Video, plan: ClipPlan) -> Weight:
        """What `fetch` would come to, told without asking a server."""
        ...

    def fetch(self, video: Video, plan: ClipPlan, directory: Path) -> Harvest:
        """Write the clips of one video into `directory`. Never raises for what is wrong with the video: the harvest says it."""
        ...


class Known(Protocol):
    """What a source needs of the ledger while it lists. Listing goes by steps, so that a killed run continues."""

    def videos(self) -> list[Video]:
        """Every video known, in the order of listing."""
        ...

    def count(self) -> int:
        """How many videos are known."""
        ...

    def new(self, videos: Sequence[Video]) -> list[Video]:
        """Those of `videos` that are not known, each once."""
        ...

    def done(self, step: str) -> bool:
        """Whether a step of listing (a search, the related videos of one video) was finished, by this run or an earlier one."""
        ...

    def finish(self, step: str, videos: Sequence[Video]) -> None:
        """Remember videos that are not known yet, and that the step which listed them is finished, at once."""
        ...


class RefusedError(Exception):
    """A server turned us away while listing. The text is the server's."""
