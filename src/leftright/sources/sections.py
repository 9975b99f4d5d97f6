"""Clips of one video that lies on a server."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leftright.clips import clip_id
from leftright.errors import InputError
from leftright.sources.base import Clip, ClipPlan, Harvest, Status, Video, Weight
from leftright.sources.local import PACKET_S, Placed, begins_s, harvest_file, make_clip, summarise
from leftright.sources.positions import TOLERANCE_S, draw_starts
from leftright.sources.remote import FetchError, Remote

Span = tuple[float, float]


def harvest_url(remote: Remote, video: Video, kind: str, plan: ClipPlan, directory: Path) -> Harvest:
    """Fetch the clips of `video` into `directory`: its own spans, or spans drawn from the length that the server gives.

    A video whose server gives no length, or serves no ranges, is downloaded whole and cut here. The harvest says what went
    wrong; nothing is raised for it.
    """
    if 0 < video.duration_s < plan.clip_s - TOLERANCE_S and not video.spans_s:
        return Harvest(video, Status.SHORT, f"lasts {video.duration_s:g} s, a clip {plan.clip_s:g} s")
    try:
        info = remote.describe(video.location)
        video = _described(video, info)
        spans_s = video.spans_s or _drawn(video, plan)
        if video.duration_s and not spans_s:
            return Harvest(video, Status.SHORT, f"lasts {video.duration_s:g} s, a clip {plan.clip_s:g} s")
        # What comes meanwhile lies beside the clips, so that a killed run's remains are found and removed.
        with TemporaryDirectory(dir=directory, prefix=".download-") as scratch:
            if spans_s and remote.serves_ranges(info):
                return summarise(video, _fetch_sections(remote, info, video, kind, spans_s, Path(scratch), directory))
            return harvest_file(video, remote.whole(info, Path(scratch)), kind, plan, directory)
    except FetchError as error:
        return Harvest(video, error.status, str(error))


def weigh_url(video: Video, plan: ClipPlan, height: int) -> Weight:
    """What the clips of a video would come to at a picture `height` lines high; of unknown length, all that the plan allows."""
    if video.spans_s:
        total_s = sum(end_s - start_s for start_s, end_s in video.spans_s)
        return Weight(len(video.spans_s), total_s * _kbits_s(height) * 125)
    num_clips = len(draw_starts(video.video, video.duration_s, plan)) if video.duration_s else plan.max_clips
    return Weight(num_clips, num_clips * plan.clip_s * _kbits_s(height) * 125)


def _kbits_s(height: int) -> int:
    """Roughly what sound and H.264 picture take on YouTube, in kbit/s."""
    rates = ((144, 250), (240, 400), (360, 800), (480, 1300), (720, 2600))
    return next((rate for limit, rate in rates if height <= limit), 5000)


def _described(video: Video, info: Mapping[str, Any]) -> Video:
    """The video with what its server says of it."""
    channel = info.get("channel") or info.get("uploader") or info.get("webpage_url_domain") or ""
    return replace(
        video,
        channel=video.channel or str(channel),
        title=video.title or str(info.get("title") or ""),
        url=str(info.get("webpage_url") or video.url),
        duration_s=float(info.get("duration") or video.duration_s),
    )


def _drawn(video: Video, plan: ClipPlan) -> tuple[Span, ...]:
    return tuple((start, start + plan.clip_s) for start in draw_starts(video.video, video.duration_s, plan))


def _fetch_sections(
    remote: Remote,
    info: Mapping[str, Any],
    video: Video,
    kind: str,
    spans_s: Sequence[Span],
    scratch: Path,
    directory: Path,
) -> list[Clip]:
    """Download each span on its own, so that one that fails takes no other with it. Raises FetchError."""
    clips: list[Clip] = []
    earliest_s = 0.0
    for number, span_s in enumerate(spans_s):
        place = scratch / str(number)
        place.mkdir()
        path = remote.section(info, span_s, place)
        clip = _clip(video, kind, span_s, path, span_s[0] if video.spans_s else earliest_s, directory)
        earliest_s = clip.end_ms / 1000
        clips.append(clip)
    return clips


def _clip(video: Video, kind: str, span_s: Span, path: Path | None, earliest_s: float, directory: Path) -> Clip:
    """The clip in a downloaded section, whose time stamps are the video's."""
    try:
        origin_s, begin_s = begins_s(path) if path is not None else (0.0, 0.0)
    except InputError:
        path = None
    if path is None:
        start_ms, end_ms = (round(second * 1000) for second in span_s)
        detail = "the server's section holds no picture"
        return Clip(clip_id(video.video, start_ms, end_ms), start_ms, end_ms, Status.NO_STREAM, detail, {})
    # The picture leads, back to its key frame; the clip may start there if the sound has begun, to a packet, by then.
    start_s, earliest_s = max(span_s[0], begin_s), max(earliest_s, begin_s - PACKET_S)
    placed = Placed(start_s - origin_s, span_s[1] - span_s[0], earliest_s - origin_s, offset_s=origin_s)
    return make_clip(video, path, kind, placed, directory)
