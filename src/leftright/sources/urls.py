"""A list of videos in a text file.

A line is the URL of a video (a media file, or a page that yt-dlp knows), alone, or a line of comma-separated values in the
form that the authors publish their data sets in: YouTube id (or URL), start and end in seconds; further columns are passed
over. A header line, empty lines and lines that start with `#` are allowed.
"""

import csv
import hashlib
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
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for number, fields in enumerate(csv.reader(stream, skipinitialspace=True), 1):
            if not fields or not fields[0].strip() or fields[0].startswith("#"):
                continue
            video = _parse(fields)
            if video is None and not videos:
                continue  # the header
            if video is None:
                raise InputError(
                    f"{path}, line {number}: neither a URL nor a YouTube id with start and end; correct it"
                )
            earlier = videos.get(video.location, video)
            videos[video.location] = replace(video, spans_s=tuple(dict.fromkeys(earlier.spans_s + video.spans_s)))
    if not videos:
        raise InputError(f"{path}: names no video; write a URL a line, or YouTube id, start and end")
    return _told_apart(list(videos.values()))


def _parse(fields: list[str]) -> Video | None:
    first = fields[0].strip()
    spans_s: tuple[tuple[float, float], ...] = ()
    if len(fields) >= 3:
        try:
            spans_s = ((float(fields[1]), float(fields[2])),)
        except ValueError:
            return None
        if not 0 <= spans_s[0][0] < spans_s[0][1]:
            return None
    if _YOUTUBE_ID.fullmatch(first) and spans_s:
        first = f"https://www.youtube.com/watch?v={first}"
    if not re.match(r"https?://", first):
        return None
    youtube = YoutubeIE.get_temp_id(first) if YoutubeIE.suitable(first) else None
    name = youtube or safe_name(PurePosixPath(unquote(urlsplit(first).path)).stem)
    return Video(video=name, channel="", title="", url=first, location=first, spans_s=spans_s)


def _told_apart(videos: list[Video]) -> list[Video]:
    """Where two videos have one name, each gains a mark made from its URL."""
    times = Counter(video.video for video in videos)
    return [
        video
        if times[video.video] == 1
        else replace(video, video=f"{video.video}-{hashlib.sha256(video.location.encode()).hexdigest()[:8]}")
        for video in videos
    ]
