"""The videos that YouTube shows beside a video. yt-dlp has no extractor for them, so this is ours, on its public classes.

It calls Innertube's `youtubei/v1/next`, the request that the watch page makes. The list's items come as `lockupViewModel` or,
from older servers, `compactVideoRenderer`; a token at its end asks for more.
"""

from collections.abc import Iterator
from typing import Any

from yt_dlp.extractor.youtube import YoutubeTabBaseInfoExtractor
from yt_dlp.utils import traverse_obj

SCHEME = "leftright-related"


def address(video: str) -> str:
    """What to hand to yt-dlp for the videos related to `video`."""
    return f"{SCHEME}:{video}"


class RelatedIE(YoutubeTabBaseInfoExtractor):
    """`leftright-related:VIDEO` as a playlist; its pages are asked for as they are read."""

    _VALID_URL = rf"{SCHEME}:(?P<id>[0-9A-Za-z_-]{{11}})"

    def _real_extract(self, url: str) -> dict[str, Any]:
        video = self._match_id(url)
        return self.playlist_result(self._pages(video), video)

    def _pages(self, video: str) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] | None = {"videoId": video}
        while query:
            response = self._extract_response(
                video, query, ep="next", check_get_keys=("contents", "onResponseReceivedEndpoints")
            )
            items = self._items(response or {})
            yield from self._videos(items)
            query = self._extract_continuation({"contents": items})

    def _items(self, response: dict[str, Any]) -> list[dict[str, Any]]:
        """The list's items of a first or a further page. A signed-in page wraps them in a section; both forms are read."""
        results = traverse_obj(
            response,
            ("contents", "twoColumnWatchNextResults", "secondaryResults", "secondaryResults", "results", ..., {dict}),
            ("onResponseReceivedEndpoints", ..., "appendContinuationItemsAction", "continuationItems", ..., {dict}),
        )
        sections = traverse_obj(results, (..., "itemSectionRenderer", "contents", ..., {dict}))
        return [*results, *sections]

    def _videos(self, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for item in items:
            entry: dict[str, Any] | None = None
            if older := item.get("compactVideoRenderer"):
                entry = self._extract_video(older)
            elif (newer := item.get("lockupViewModel")) and newer.get("contentType") == "LOCKUP_CONTENT_TYPE_VIDEO":
                entry = self._extract_lockup_view_model(newer)
            if entry:
                yield entry
