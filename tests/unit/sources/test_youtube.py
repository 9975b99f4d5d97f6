"""The YouTube path from search to clip, against a server on loopback that answers as Innertube does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leftright.sources.base import ClipPlan, RefusedError, Status
from leftright.sources.ledger import Ledger
from leftright.sources.remote import Politeness, Remote
from leftright.sources.youtube import YouTube
from tests.numbered_videos import frame_numbers, write_video
from tests.unit.sources.servers import FakeYouTube, Film, fake_youtube

PLAN = ClipPlan(clip_s=4.0, max_clips=2, seed=0)
QUICK = Politeness(max_height=360, max_channels=2, rate_kbytes_s=0, sleep_s=0, timeout_s=5, retries=0)

IDS = [f"film_-{number:05}" for number in range(10)]
PHRASES = {"ASMR Tapping": IDS[:3], "ASMR Tingles": IDS[1:4]}
BOT = {"status": "LOGIN_REQUIRED", "reason": "Sign in to confirm you’re not a bot"}
AGE = {"status": "LOGIN_REQUIRED", "reason": "Sign in to confirm your age"}
PRIVATE = {"status": "LOGIN_REQUIRED", "reason": "Private video"}
REMOVED = {"status": "ERROR", "reason": "Video unavailable"}
ABROAD = {"status": "UNPLAYABLE", "reason": "The uploader has not made this video available in your country"}


def film(number: int, **fields: object) -> Film:
    """Film `number`, beside which the four after it are shown."""
    return Film(IDS[number], 20, related=IDS[number + 1 : number + 5], **fields)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Picture and sound apart, as YouTube keeps them."""
    folder = tmp_path_factory.mktemp("media")
    write_video(folder / "picture.mp4", 20, sound_codec="", options={"movflags": "+faststart"})
    write_video(folder / "sound.mp4", 20, picture_codec="", options={"movflags": "+faststart"})
    return folder


@pytest.fixture
def server(media: Path) -> Iterator[FakeYouTube]:
    with fake_youtube(media, [film(number) for number in range(10)], PHRASES) as running:
        yield running


def source(server: FakeYouTube, *, target: int = 100, rounds: int = 0, per_video: int = 10) -> YouTube:
    return YouTube(
        tuple(PHRASES),
        results_per_keyword=10,
        target_videos=target,
        related_rounds=rounds,
        related_per_video=per_video,
        politeness=QUICK,
        options=server.options,
    )


@pytest.mark.parametrize(("most", "chosen"), [(2, "stereo"), (4, "field"), (6, "surround")])
def test_of_several_sounds_the_one_with_the_channels_asked_for_is_chosen(most: int, chosen: str) -> None:
    """A 360-degree video comes with its sound field beside a stereo mix."""
    offered = [
        {"format_id": "picture", "vcodec": "h264", "acodec": "none", "height": 360, "ext": "mp4"},
        {"format_id": "stereo", "vcodec": "none", "acodec": "opus", "audio_channels": 2, "abr": 160, "ext": "webm"},
        {"format_id": "field", "vcodec": "none", "acodec": "opus", "audio_channels": 4, "abr": 480, "ext": "webm"},
        {"format_id": "surround", "vcodec": "none", "acodec": "mp4a", "audio_channels": 6, "abr": 380, "ext": "m4a"},
    ]
    formats = [one | {"url": f"http://127.0.0.1/{one['format_id']}"} for one in offered]
    info = {"id": "a", "title": "a", "extractor": "generic", "webpage_url": "http://127.0.0.1/", "formats": formats}
    described = Remote(replace(QUICK, max_channels=most))._ydl.process_ie_result(info, download=False)
    assert [one["format_id"] for one in described["requested_formats"]] == ["picture", chosen]


def test_searches_are_read_to_their_end_and_each_video_is_listed_once(server: FakeYouTube) -> None:
    with Ledger(":memory:") as ledger:
        source(server).discover(ledger)
        videos = ledger.videos()
    assert [video.video for video in videos] == IDS[:4]
    assert [(video.channel, video.duration_s, video.round) for video in videos] == [("Channel of fil", 20.0, 0)] * 4
    # Two results a page: the second page was asked for.
    assert server.calls("search") == ["ASMR Tapping", "ASMR Tapping@2", "ASMR Tingles", "ASMR Tingles@2"]


def test_related_videos_come_in_rounds_in_both_forms_of_the_answer(server: FakeYouTube) -> None:
    with Ledger(":memory:") as ledger:
        source(server, rounds=2).discover(ledger)
        videos = ledger.videos()
    # The last of the four searched is film 3, whose related are 4 to 7; those of film 7 are 8 and 9.
    assert {video.video: video.round for video in videos} == dict(zip(IDS, [0] * 4 + [1] * 4 + [2] * 2, strict=True))
    assert all(video.channel and video.duration_s == 20 for video in videos)
    assert f"{IDS[3]}@2" in server.calls("next")


def test_listing_stops_at_the_target(server: FakeYouTube) -> None:
    with Ledger(":memory:") as ledger:
        source(server, target=5, rounds=2).discover(ledger)
        assert [video.video for video in ledger.videos()] == IDS[:5]
    assert server.calls("next") == [IDS[0], f"{IDS[0]}@2"], "film 4 stands beside film 0, and is enough"


def test_a_refused_listing_says_so_and_goes_on_where_it_stopped(server: FakeYouTube) -> None:
    undisturbed = Ledger(":memory:")
    source(server, rounds=1).discover(undisturbed)
    with Ledger(":memory:") as ledger:
        server.num_good = 3
        with pytest.raises(RefusedError, match="429"):
            source(server, rounds=1).discover(ledger)
        assert ledger.done("search:ASMR Tapping")
        server.num_good = 1_000
        server.asked.clear()
        source(server, rounds=1).discover(ledger)
        assert ledger.videos() == undisturbed.videos()
    assert "ASMR Tapping" not in server.calls("search")
    undisturbed.close_run("complete")


def test_sections_hold_the_frames_of_their_place(server: FakeYouTube, tmp_path: Path) -> None:
    directory = tmp_path / "clips"
    directory.mkdir()
    youtube = source(server)
    with Ledger(":memory:") as ledger:
        youtube.discover(ledger)
        outcome = youtube.fetch(ledger.videos()[0], PLAN, directory)
    assert outcome.status is Status.KEPT, outcome.detail
    assert len(outcome.clips) == 2
    for clip in outcome.clips:
        assert (clip.row["num_channels"], clip.row["source"]) == (2, "youtube")
        numbers = [number for _, number in frame_numbers(tmp_path / clip.row["path"])]
        assert abs(numbers[0] - clip.start_ms / 40) <= 1
        assert numbers[:100] == list(range(numbers[0], numbers[0] + 100))
    # What lies before and after the clips was not all fetched: the server was asked to go on from the middle.
    assert any(not asked.startswith("bytes=0-") for name, _, asked in server.asked if name == "ranges")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (BOT, Status.REFUSED),
        (AGE, Status.BLOCKED),
        (ABROAD, Status.BLOCKED),
        (PRIVATE, Status.GONE),
        (REMOVED, Status.GONE),
    ],
    ids=["bot", "age", "abroad", "private", "removed"],
)
def test_what_youtube_says_no_to_has_a_name(
    media: Path, tmp_path: Path, answer: dict[str, str], status: Status
) -> None:
    with fake_youtube(media, [film(0, playability=answer)], {}) as server, Ledger(":memory:") as ledger:
        youtube = source(server)
        server.searches = {"ASMR Tapping": IDS[:1]}
        youtube.discover(ledger)
        outcome = youtube.fetch(ledger.videos()[0], PLAN, tmp_path)
    assert outcome.status is status, outcome.detail
    assert answer["reason"][:12] in outcome.detail


def test_media_refused_is_a_refusal_though_the_page_was_served(server: FakeYouTube, tmp_path: Path) -> None:
    server.behaviour = "forbidden"
    youtube = source(server)
    with Ledger(":memory:") as ledger:
        youtube.discover(ledger)
        assert youtube.fetch(ledger.videos()[0], PLAN, tmp_path).status is Status.REFUSED


def test_a_refused_page_is_a_refusal_though_ytdlp_only_warns_of_it(server: FakeYouTube, tmp_path: Path) -> None:
    youtube = source(server)
    with Ledger(":memory:") as ledger:
        youtube.discover(ledger)
        server.num_good = 0
        outcome = youtube.fetch(ledger.videos()[0], PLAN, tmp_path)
    assert outcome.status is Status.REFUSED
    assert "429" in outcome.detail


def test_a_video_known_to_be_short_costs_no_request(server: FakeYouTube, tmp_path: Path) -> None:
    server.films[IDS[0]].duration_s = 3
    youtube = source(server)
    with Ledger(":memory:") as ledger:
        youtube.discover(ledger)
        assert youtube.fetch(ledger.videos()[0], PLAN, tmp_path).status is Status.SHORT
    assert server.calls("player") == []
