"""Videos on servers, through yt-dlp as a library, politely.

Requests are spaced, downloads are held to a rate, failures that may pass are tried again after a growing pause, and what a
server refuses is left alone: nothing here works around a block. Clips are fetched as sections; where a server does not serve
ranges, the whole file comes once and is cut here. What yt-dlp reports as success is not believed before it was looked at.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import certifi
import imageio_ffmpeg
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError
from yt_dlp.postprocessor.ffmpeg import FFmpegPostProcessor
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, YoutubeDLError

from leftright.sources.base import Status

Result = TypeVar("Result")

# A section is cut between packets: what is asked for beyond the clip makes sure that both streams last as long as it does.
_MARGIN_S = 0.5

_ANSWERS = {403: Status.REFUSED, 429: Status.REFUSED, 404: Status.GONE, 410: Status.GONE, 451: Status.BLOCKED}
_REFUSED = (
    "http error 429", "http error 403", "not a bot", "too many requests", "rate-limited", "rate limit",
    "ip is likely being blocked", "captcha",
)  # fmt: skip
_BLOCKED = (
    "confirm your age", "age-restricted", "in your country", "geo restrict", "geo-restrict", "members-only", "members only",
    "join this channel", "login required", "sign in", "drm", "premium", "requires payment", "rental",
)  # fmt: skip
_GONE = ("private video", "unavailable", "removed", "terminated", "does not exist", "no longer", "deleted")


@dataclass(frozen=True)
class Politeness:
    """How servers are treated. rate_kbytes_s : at most so much a second; 0 is without limit. sleep_s : pause before each
    request, and the first pause before another try, which doubles. timeout_s : how long a silent server is waited for.
    """

    max_height: int
    max_channels: int
    rate_kbytes_s: int
    sleep_s: float
    timeout_s: float
    retries: int


class FetchError(Exception):
    """A server did not give what was asked for; `status` says which kind of no it was."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Remote:
    """yt-dlp, set up once and used for every request.

    options : yt-dlp's own parameters, over ours. extractors : of our own, asked before yt-dlp's.
    """

    def __init__(
        self, politeness: Politeness, options: Mapping[str, Any] | None = None, extractors: Sequence[InfoExtractor] = ()
    ) -> None:
        self.politeness = politeness
        # yt-dlp asks whether there is an FFmpeg for sections without looking at its own parameter for it.
        FFmpegPostProcessor._ffmpeg_location.set(imageio_ffmpeg.get_ffmpeg_exe())
        self._messages = _Messages()
        parameters = _parameters(politeness) | {"logger": self._messages} | dict(options or {})
        self._ydl = YoutubeDL(parameters, auto_init=False)
        for extractor in extractors:
            self._ydl.add_info_extractor(extractor)
        self._ydl.add_default_info_extractors()

    @contextmanager
    def _verdicts(self) -> Iterator[None]:
        """Turn yt-dlp's exceptions into a FetchError with a status."""
        self._messages.warnings.clear()
        try:
            yield
        except YoutubeDLError as error:
            status = _status(error, self._messages.warnings)
            texts = [str(error), *(self._messages.warnings[-1:] if status is Status.REFUSED else [])]
            raise FetchError(status, " ".join(" ".join(texts).replace("ERROR: ", "").split())) from None

    def entries(self, address: str) -> Iterator[dict[str, Any]]:
        """What a search or a list holds, without a request for each video; read as it is iterated. Raises FetchError."""
        with self._verdicts():
            info = self._ydl.extract_info(address, download=False, process=False)
            yield from info.get("entries") or [info]

    def describe(self, address: str) -> dict[str, Any]:
        """What a server says of one video, formats chosen. Raises FetchError; a live stream counts as blocked."""
        info = self._persist(lambda: self._extract(address))
        if info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
            raise FetchError(Status.BLOCKED, f"{address}: is live or not out yet")
        if info.get("_type", "video") != "video":
            raise FetchError(Status.NO_STREAM, f"{address}: is a list of videos, not one; name its videos")
        return info

    def _extract(self, address: str) -> dict[str, Any]:
        with self._verdicts():
            info: dict[str, Any] = self._ydl.extract_info(address, download=False)
        return info

    def _persist(self, attempt: Callable[[], Result]) -> Result:
        """`attempt`, again after a growing pause while it fails for a reason that may pass. Raises its last FetchError."""
        for count in range(self.politeness.retries):
            try:
                return attempt()
            except FetchError as error:
                if error.status is not Status.ERROR:
                    raise
                time.sleep(pause_s(self.politeness.sleep_s, count))
        return attempt()

    def serves_ranges(self, info: Mapping[str, Any]) -> bool:
        """Whether each of the chosen formats can be read from the middle; asks the server for one byte. Raises FetchError."""
        return self._persist(lambda: all(map(self._serves_ranges, _chosen(info))))

    def _serves_ranges(self, chosen: Mapping[str, Any]) -> bool:
        if chosen.get("protocol") not in ("http", "https"):
            return True  # made of fragments, of which only those needed are fetched
        headers = {**chosen.get("http_headers", {}), "Range": "bytes=0-0"}
        with self._verdicts(), self._ydl.urlopen(Request(chosen["url"], headers=headers)) as response:
            return response.status == 206

    def section(self, info: Mapping[str, Any], span_s: tuple[float, float], directory: Path) -> Path | None:
        """Download one (start, end) section of a described video; None where nothing came. Raises FetchError."""
        span = {"index": 1, "start_time": span_s[0], "end_time": span_s[1] + _MARGIN_S}
        self._ydl.params["external_downloader_args"] = {
            "ffmpeg_i": self._ffmpeg_input_options(info),
            # Matroska holds every codec, and with the video's own time stamps a section says where it lies.
            "ffmpeg_o": ["-copyts", "-start_at_zero", "-f", "matroska"],
        }
        self._persist(lambda: self._download_section(info, directory, span))
        return _file_of(directory, 1)

    def _download_section(self, info: Mapping[str, Any], directory: Path, span: Mapping[str, float]) -> None:
        try:
            self._download(info, directory, lambda *_: [span])
        except FetchError as error:
            if error.status is Status.ERROR:
                # FFmpeg keeps the server's answer to itself: ask again, for its reason.
                all(map(self._serves_ranges, _chosen(info)))
            raise

    def whole(self, info: Mapping[str, Any], directory: Path) -> Path:
        """Download a described video whole. Raises FetchError."""
        self._download(info, directory, lambda *_: [{}])
        if (path := _file_of(directory, 0)) is None:
            raise FetchError(Status.ERROR, f"{info['webpage_url']}: nothing came")
        return path

    def _download(self, info: Mapping[str, Any], directory: Path, ranges: Callable[..., Any]) -> None:
        self._ydl.params |= {"paths": {"home": str(directory)}, "download_ranges": ranges}
        with self._verdicts():
            self._ydl.process_ie_result(dict(info), download=True)

    def _ffmpeg_input_options(self, info: Mapping[str, Any]) -> list[str]:
        """What FFmpeg, which fetches sections itself, must be told: yt-dlp's limits of time and rate do not reach it."""
        options = ["-rw_timeout", str(int(self.politeness.timeout_s * 1e6))]
        if all(one["url"].startswith("https:") for one in _chosen(info)):
            # This FFmpeg was built elsewhere and looks for certificates where it was built.
            verify = "0" if self._ydl.params.get("nocheckcertificate") else "1"
            options += ["-tls_verify", verify, "-ca_file", os.environ.get("SSL_CERT_FILE") or certifi.where()]
        kbits_s = info.get("tbr") or 1000
        if self.politeness.rate_kbytes_s:
            options += ["-readrate", f"{max(1.0, 8 * self.politeness.rate_kbytes_s / kbits_s):.2f}"]
        return options


def _chosen(info: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The formats to download: one, or sound and picture apart."""
    return info.get("requested_formats") or [info]


def pause_s(first_s: float, count: int) -> float:
    """The pause after try `count` (from 0) has failed: doubling, five minutes at most."""
    return min(300.0, first_s * 2**count)


def _parameters(politeness: Politeness) -> dict[str, Any]:
    def pause(n: int) -> float:
        return pause_s(politeness.sleep_s, n - 1)

    return {
        "quiet": True,
        "noprogress": True,
        "cachedir": False,
        "geo_bypass": False,
        # The picture is made small in the end; sound is worth its best, in so many channels where there is a choice.
        "format": "bv*+ba/b",
        "format_sort": [f"res:{politeness.max_height}", f"channels:{politeness.max_channels}", "vcodec:h264"],
        "outtmpl": {"default": "%(section_number|0)s.%(ext)s"},
        "fixup": "never",
        "nopart": True,
        "ratelimit": politeness.rate_kbytes_s * 1000 or None,
        "sleep_interval": politeness.sleep_s,
        "sleep_interval_requests": politeness.sleep_s,
        "socket_timeout": politeness.timeout_s,
        "retries": politeness.retries,
        "extractor_retries": 0,
        "fragment_retries": politeness.retries,
        "retry_sleep_functions": {"http": pause, "fragment": pause},
        "ffmpeg_location": imageio_ffmpeg.get_ffmpeg_exe(),
        "js_runtimes": {"deno": {}, "node": {}},
    }


class _Messages:
    """yt-dlp's messages go nowhere: what matters comes as an exception, and from there into the ledger. Its warnings are kept
    for a while, since YouTube's refusals reach us as such.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None: ...

    def info(self, message: str) -> None: ...

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def error(self, message: str) -> None: ...


def _file_of(directory: Path, section: int) -> Path | None:
    return next(iter(sorted(directory.glob(f"{section}.*"))), None)


def _status(error: BaseException, warnings: Sequence[str]) -> Status:
    causes = list(_causes(error))
    if any(isinstance(cause, GeoRestrictedError) for cause in causes):
        return Status.BLOCKED
    for cause in causes:
        if isinstance(cause, HTTPError):
            return _ANSWERS.get(cause.status, Status.ERROR)
    if any(isinstance(cause, TransportError) for cause in causes):
        return Status.ERROR
    if any(phrase in " ".join(warnings).lower() for phrase in _REFUSED):
        return Status.REFUSED
    text = str(error).lower()
    for status, phrases in ((Status.REFUSED, _REFUSED), (Status.BLOCKED, _BLOCKED), (Status.GONE, _GONE)):
        if any(phrase in text for phrase in phrases):
            return status
    return Status.ERROR


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what lies behind it: yt-dlp keeps the cause in `exc_info` or `cause`."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, DownloadError) and current.exc_info:
            waiting.append(current.exc_info[1])
        if isinstance(current, ExtractorError | RequestError) and isinstance(current.cause, BaseException):
            waiting.append(current.cause)
        waiting += [current.__cause__, current.__context__]
