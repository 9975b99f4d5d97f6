"""A list of videos in a text file.

A line names a video in its first column, by a URL (of a media file, or a page that yt-dlp knows) or a YouTube id. Alone, it
is the whole video, as in the lists of the public 360-degree sets; with start and end in seconds in the next two columns it is
that clip, as in the lists that the authors publish. Further columns are passed over; so are the next two where a header says
by other names that they are none. A header line, empty lines and lines that start with `#` are allowed.
"""

import csv
import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from yt_dlp.extractor.youtube import YoutubeIE

from leftright.clips import safe_name
from leftright.errors import InputError
from leftright.files import sha256
from leftright.sources.base import ClipPlan, Harvest, Known, Video, Weight
from leftright.sources.remote import Politeness, Remote
from leftright.sources.sections import harvest_url, weigh_url

_YOUTUBE_ID = re.compile(r"[0-9A-Za-z_-]{11}")
_HEADING = re.compile(r"[a-z_]*(id|url|video|name)[a-z_]*")  # `youtube_ids` is as long as an id


class Urls:
    """The videos of a list. Raises InputError where the file is missing or a line is not understood."""

    kind = "urls"
    max_workers = 1

    def __init__(self, path: Path, politeness: Politeness, options: Mapping[str, Any] | None = None) -> None:
        self._digest = sha256(path) if path.is_file() else ""
        self._videos = read_list(path)
        self._remote = Remote(politeness, options)

    def identity(self) -> dict[str, Any]:
        """The list's content."""
        return {"list": self._digest}

    def discover(self, known: Known) -> None:
        """Take over the list."""
        if not known.done("list"):
            known.finish("list", self._videos)

    def weigh(self, video: Video, plan: ClipPlan) -> Weight:
        """The clips' length at the usual rate of such a picture."""
        return weigh_url(video, plan, self._remote.politeness.max_height)

    def fetch(self, video: Video, plan: ClipPlan, directory: Path) -> Harvest:
        """Download the clips of one video: the list's sections, or sections at drawn positions."""
        return harvest_url(self._remote, video, self.kind, plan, directory)


def read_list(path: Path) -> list[Video]:
    """The videos of a list, in its order, those named on several lines once, with all their spans.

    Raises InputError where the file is missing, holds no video, or has a line of neither form.
    """
    if not path.is_file():
        raise InputError(f"--location {path}: no such file; name the list of videos")
    videos: dict[str, Video] = {}
    has_times = True
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = enumerate(csv.reader(stream, skipinitialspace=True), 1)
        rows = [(number, fields) for number, fields in lines if "".join(fields).strip() and fields[0][:1] != "#"]
    for place, (number, fields) in enumerate(rows):
        if place == 0 and _is_heading(fields):
            has_times = len(fields) < 3 or any("start" in name.lower() for name in fields[1:3])
            continue
        video = _parse(fields, has_times=has_times)
        if video is None:
            raise InputError(
                f"{path}, line {number}: neither a URL nor a YouTube id, alone or with start and end; correct it"
            )
        earlier = videos.get(video.location, video)
        videos[video.location] = replace(video, spans_s=tuple(dict.fromkeys(earlier.spans_s + video.spans_s)))
    if not videos:
        raise InputError(f"{path}: names no video; write a URL or a YouTube id a line, with start and end where wanted")
    return _told_apart(list(videos.values()))


def _is_heading(fields: list[str]) -> bool:
    return _parse(fields, has_times=True) is None or _HEADING.fullmatch(fields[0].strip()) is not None


def _parse(fields: list[str], *, has_times: bool) -> Video | None:
    """The video of a line, None where it names none. has_times : whether the second and third column must be start and end."""
    first, *rest = "\0".join(text.strip() for text in fields).rstrip("\0").split("\0")
    spans_s: tuple[tuple[float, float], ...] = ()
    if len(rest) == 1 and has_times and _are_numbers(rest):
        return None  # a start without an end
    if len(rest) >= 2 and (has_times or _are_numbers(rest[:2])):
        if not _are_numbers(rest[:2]) or not 0 <= float(rest[0]) < float(rest[1]):
            return None
        spans_s = ((float(rest[0]), float(rest[1])),)
    if _YOUTUBE_ID.fullmatch(first):
        first = f"https://www.youtube.com/watch?v={first}"
    if not re.match(r"https?://", first):
        return None
    youtube = YoutubeIE.get_temp_id(first) if YoutubeIE.suitable(first) else None
    name = youtube or safe_name(PurePosixPath(unquote(urlsplit(first).path)).stem)
    return Video(video=name, channel="", title="", url=first, location=first, spans_s=spans_s)


def _are_numbers(texts: list[str]) -> bool:
    try:
        return all(math.isfinite(float(text)) for text in texts)
    except ValueError:
        return False


def _told_apart(videos: list[Video]) -> list[Video]:
    """Where two videos have one name, each gains a mark made from its URL."""
    times = Counter(video.video for video in videos)
    return [
        video
        if times[video.video] == 1
        else replace(video, video=f"{video.video}-{hashlib.sha256(video.location.encode()).hexdigest()[:8]}")
        for video in videos
    ]
