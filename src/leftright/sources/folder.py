"""A folder of videos: `<folder>/.../<channel>/<video>.<ext>`, with yt-dlp's `<video>.info.json` beside it where there is one.

The sidecar's `id`, `channel` (or `uploader`), `title` and `webpage_url` count before the names of folder and file.
"""

import hashlib
import json
import logging
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from leftright.clips import safe_name
from leftright.errors import InputError
from leftright.sources.base import ClipPlan, Harvest, Known, Status, Video, Weight
from leftright.sources.local import common_duration_s, harvest_file
from leftright.sources.positions import draw_starts
from leftright.video import probe

EXTENSIONS = frozenset(
    [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".flv", ".ogv", ".3gp", ".wmv"]
)

logger = logging.getLogger(__name__)


class Folder:
    """The videos below a folder. Raises InputError where it is none, or holds no video."""

    kind = "folder"

    def __init__(self, folder: Path, max_workers: int) -> None:
        if not folder.is_dir():
            raise InputError(f"--location {folder}: no such folder; name the one that holds the videos")
        self.max_workers = max_workers
        self._folder = folder
        self._files = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()
        )
        if not self._files:
            raise InputError(f"--location {folder}: no video below it ({' '.join(sorted(EXTENSIONS))})")

    def identity(self) -> dict[str, Any]:
        """The files' names, sizes and times of change, sidecars included."""
        digest = hashlib.sha256()
        for path in self._files:
            for file in (path, _sidecar(path)):
                if file.exists():
                    state = file.stat()
                    digest.update(f"{file.relative_to(self._folder)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
        return {"folder": str(self._folder.resolve()), "files": digest.hexdigest()}

    def discover(self, known: Known) -> None:
        """List every video file. Where two have one id, each gains a mark made from its path, so that both stay apart."""
        if known.done("list"):
            return
        videos = [self._describe(path) for path in self._files]
        times = Counter(video.video for video in videos)
        known.finish("list", [video if times[video.video] == 1 else _mark(video) for video in videos])

    def weigh(self, video: Video, plan: ClipPlan) -> Weight:
        """The clips' share of the file's bytes; nothing where it cannot be read."""
        try:
            info = probe(self._folder / video.location)
        except InputError:
            return Weight(0, 0)
        num_clips = len(draw_starts(video.video, common_duration_s(info, plan), plan)) if info.video_codec else 0
        return Weight(num_clips, info.bytes * num_clips * plan.clip_s / max(info.duration_s, plan.clip_s))

    def fetch(self, video: Video, plan: ClipPlan, directory: Path) -> Harvest:
        """Cut the clips of one file."""
        path = self._folder / video.location
        if not path.is_file():
            return Harvest(video, Status.GONE, f"{path}: vanished while collecting")
        return harvest_file(video, path, self.kind, plan, directory)

    def _describe(self, path: Path) -> Video:
        said = _read_sidecar(_sidecar(path))
        channel = said.get("channel") or said.get("uploader") or path.parent.resolve().name or "unnamed"
        location = path.relative_to(self._folder).as_posix()
        return Video(
            video=safe_name(str(said.get("id") or path.stem)),
            channel=str(channel),
            title=str(said.get("title") or path.stem),
            url=str(said.get("webpage_url") or ""),
            location=location,
        )


def _sidecar(path: Path) -> Path:
    return path.with_name(path.stem + ".info.json")


def _read_sidecar(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        logger.warning("%s: not JSON (%s); the names of folder and file are used instead", path, error)
        return {}
    return said if isinstance(said, dict) else {}


def _mark(video: Video) -> Video:
    return replace(video, video=f"{video.video}-{hashlib.sha256(os.fsencode(video.location)).hexdigest()[:8]}")
