"""YouTube: videos found by keyword, then the videos related to them, in rounds, until there are enough.

After the supplement, section A: four phrases gave the authors 2 K videos, several rounds of related ones 80 K.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from leftright.sources.base import ClipPlan, Harvest, Known, RefusedError, Status, Video, Weight
from leftright.sources.related import RelatedIE, address
from leftright.sources.remote import FetchError, Politeness, Remote
from leftright.sources.sections import harvest_url, weigh_url


class YouTube:
    """keywords : what is searched for. results_per_keyword : how many results of each search are read.
    target_videos : listing stops there. related_rounds : how often the related videos of the last round's are added.
    related_per_video : how many of them each. options : yt-dlp's parameters over our own.
    """

    kind = "youtube"
    max_workers = 1

    def __init__(
        self,
        keywords: Sequence[str],
        *,
        results_per_keyword: int,
        target_videos: int,
        related_rounds: int,
        related_per_video: int,
        politeness: Politeness,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._keywords = tuple(keywords)
        self._results_per_keyword = results_per_keyword
        self._target_videos = target_videos
        self._related_rounds = related_rounds
        self._related_per_video = related_per_video
        self._remote = Remote(politeness, options, [RelatedIE()])

    def identity(self) -> dict[str, Any]:
        """The listing's terms."""
        return {
            "keywords": self._keywords,
            "results_per_keyword": self._results_per_keyword,
            "target_videos": self._target_videos,
            "related_rounds": self._related_rounds,
            "related_per_video": self._related_per_video,
        }

    def discover(self, known: Known) -> None:
        """Search, then follow related videos round by round. Each search and each video's list is asked for once.

        Raises RefusedError where YouTube turns us away.
        """
        for keyword in self._keywords:
            self._list(known, f"search:{keyword}", f"ytsearch{self._results_per_keyword}:{keyword}", 0)
        for number in range(1, self._related_rounds + 1):
            for video in [video for video in known.videos() if video.round == number - 1]:
                self._list(known, f"related:{video.video}", address(video.video), number)

    def weigh(self, video: Video, plan: ClipPlan) -> Weight:
        """The clips' length at the usual rate of such a picture."""
        return weigh_url(video, plan, self._remote.politeness.max_height)

    def fetch(self, video: Video, plan: ClipPlan, directory: Path) -> Harvest:
        """Download the clips of one video as sections."""
        return harvest_url(self._remote, video, self.kind, plan, directory)

    def _list(self, known: Known, step: str, query: str, number: int) -> None:
        wanted = self._target_videos - known.count()
        if wanted <= 0 or known.done(step):
            return
        count = self._results_per_keyword if number == 0 else self._related_per_video
        try:
            found = list(islice(_videos(self._remote.entries(query), number), count))
        except FetchError as error:
            # A list that fails for its own reasons (a video since removed) is passed over.
            if error.status is not Status.GONE:
                raise RefusedError(str(error)) from None
            found = []
        known.finish(step, known.new(found)[:wanted])


def _videos(entries: Iterator[dict[str, Any]], number: int) -> Iterator[Video]:
    """Results as videos, without live streams, playlists and channels."""
    for entry in entries:
        if entry.get("live_status") in ("is_live", "is_upcoming") or entry.get("ie_key") != "Youtube":
            continue
        yield Video(
            video=entry["id"],
            channel=entry.get("channel") or "",
            title=entry.get("title") or "",
            url=f"https://www.youtube.com/watch?v={entry['id']}",
            location=f"https://www.youtube.com/watch?v={entry['id']}",
            duration_s=float(entry.get("duration") or 0),
            round=number,
        )
