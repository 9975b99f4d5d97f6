"""URL lists, and how a server's good and bad days end in the ledger's words. The servers are on loopback."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leftright.errors import InputError
from leftright.sources.base import ClipPlan, Harvest, Status
from leftright.sources.ledger import Ledger
from leftright.sources.remote import FetchError, Politeness, Remote
from leftright.sources.urls import Urls, read_list
from leftright.video import decode_audio, probe
from tests.numbered_videos import frame_numbers, lag_samples, sound, write_video
from tests.unit.sources.servers import Server, media_server

PLAN = ClipPlan(clip_s=2.0, max_clips=2, seed=0)
QUICK = Politeness(max_height=360, max_channels=2, rate_kbytes_s=0, sleep_s=0, timeout_s=0.7, retries=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    write_video(folder / "film.mp4", 8, gop=50, options={"movflags": "+faststart"})
    write_video(folder / "brief.mp4", 1)
    (folder / "broken.mp4").write_bytes(bytes(range(256)) * 200)
    (folder / "cut.mp4").write_bytes((folder / "film.mp4").read_bytes()[:60_000])
    with media_server(folder) as running:
        yield running


def harvest(lines: str, directory: Path, politeness: Politeness = QUICK) -> Harvest:
    """What comes of a list of one video."""
    listed = directory / "list.csv"
    listed.write_text(lines)
    source = Urls(listed, politeness)
    clips = directory / "clips"
    clips.mkdir(exist_ok=True)
    with Ledger(":memory:") as ledger:
        source.discover(ledger)
        (video,) = ledger.videos()
        return source.fetch(video, PLAN, clips)


def test_a_section_is_the_films_own_at_the_place_asked_for(server: Server, tmp_path: Path) -> None:
    outcome = harvest(f"{server.url('ranges', 'film.mp4')},3.0,5.0", tmp_path)
    assert outcome.status is Status.KEPT
    (clip,) = outcome.clips
    assert clip.clip == "film_3000_5000"
    written = tmp_path / clip.row["path"]
    assert [number for _, number in frame_numbers(written)] == list(range(75, 125))
    heard, sample_rate = decode_audio(written)
    for channel, expected in enumerate(sound(2, 8 * sample_rate, sample_rate)):
        lag, error = lag_samples(expected, heard[channel], 3 * sample_rate)
        assert abs(lag) <= sample_rate / 1000
        assert error < 0.05  # AAC is lossy


def test_a_server_without_ranges_sends_the_film_once_and_it_is_cut_here(server: Server, tmp_path: Path) -> None:
    outcome = harvest(f"{server.url('plain', 'film.mp4')},3.0,5.0", tmp_path)
    assert outcome.status is Status.KEPT
    (clip,) = outcome.clips
    assert (clip.start_ms, clip.end_ms) == (3000, 5000)
    assert [number for _, number in frame_numbers(tmp_path / clip.row["path"])] == list(range(75, 125))


def test_a_film_of_unknown_length_comes_whole_and_its_clips_are_drawn(server: Server, tmp_path: Path) -> None:
    outcome = harvest(server.url("ranges", "film.mp4"), tmp_path)
    assert outcome.status is Status.KEPT
    assert len(outcome.clips) == 2
    assert outcome.video.duration_s == pytest.approx(8, abs=0.1)
    for clip in outcome.clips:
        assert probe(tmp_path / clip.row["path"]).duration_s == pytest.approx(2, abs=0.15)
    assert not [path for path in (tmp_path / "clips").iterdir() if path.name.startswith(".")], "the download is gone"


@pytest.mark.parametrize("span", ["", ",3.0,5.0"])
@pytest.mark.parametrize(
    ("behaviour", "name", "status"),
    [
        ("forbidden", "film.mp4", Status.REFUSED),
        ("many", "film.mp4", Status.REFUSED),
        ("gone", "film.mp4", Status.GONE),
        ("failing", "film.mp4", Status.ERROR),
        ("ranges", "brief.mp4", Status.SHORT),
        ("ranges", "broken.mp4", Status.CORRUPT),
        ("ranges", "cut.mp4", Status.TRUNCATED),
    ],
)
def test_what_goes_wrong_has_a_name(
    server: Server, tmp_path: Path, behaviour: str, name: str, status: Status, span: str
) -> None:
    outcome = harvest(server.url(behaviour, name) + span, tmp_path)
    allowed = {status}
    if span and name != "film.mp4":
        # Of a section that comes empty, nobody can say why.
        allowed = {Status.NO_STREAM, Status.ERROR, Status.TRUNCATED, Status.CORRUPT}
    assert outcome.status in allowed
    assert outcome.detail
    assert "\n" not in outcome.detail
    assert list((tmp_path / "clips").iterdir()) == []


def test_a_silent_server_is_left_after_the_timeout(server: Server, tmp_path: Path) -> None:
    started = time.monotonic()
    outcome = harvest(server.url("stall", "film.mp4"), tmp_path, Politeness(360, 2, 0, 0, 0.3, 0))
    assert outcome.status is Status.ERROR
    assert time.monotonic() - started < 5


def test_a_server_that_falls_silent_in_a_section_is_left_after_the_timeout(server: Server, tmp_path: Path) -> None:
    """FFmpeg fetches sections, which knows nothing of yt-dlp's timeout."""
    url = server.url("doze", "film.mp4")
    remote = Remote(Politeness(360, 2, 0, 0, 0.3, 0))
    info = {"id": "film", "title": "film", "url": url, "ext": "mp4", "webpage_url": url, "extractor": "generic"}
    info |= {"formats": [{"url": url, "ext": "mp4", "format_id": "0", "protocol": "http"}]}
    assert remote.serves_ranges(info["formats"][0])
    started = time.monotonic()
    with pytest.raises(FetchError) as caught:
        remote.section(info, (3.0, 5.0), tmp_path)
    assert caught.value.status is Status.ERROR
    assert time.monotonic() - started < 10


def test_a_server_that_ignores_ranges_behind_our_back_gives_the_right_clip_or_none(
    server: Server, tmp_path: Path
) -> None:
    """yt-dlp would report success for a file without streams: what came is looked at before it counts."""
    outcome = harvest(f"{server.url('liar', 'film.mp4')},3.0,5.0", tmp_path)
    for clip in outcome.clips:
        if clip.status is Status.KEPT:
            numbers = [number for _, number in frame_numbers(tmp_path / clip.row["path"])]
            assert numbers == list(range(75, 125))
        else:
            assert clip.status is Status.NO_STREAM
    assert outcome.clips or outcome.status is Status.ERROR


def test_a_passing_failure_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.tries.clear()
    outcome = harvest(f"{server.url('flaky', 'film.mp4')},3.0,5.0", tmp_path)
    assert outcome.status is Status.KEPT
    assert server.tries["film.mp4"] > 1


def test_the_authors_form_and_plain_urls(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "video_id,start,end,label\n"
        "# a comment, of any kind\n"
        'abcdefghij0,10,20,"one, two"\n'
        "\n"
        "abcdefghij0, 30.5, 40.5\n"
        "-_cdefghij1,0,10\n"
        "https://example.org/films/a%20film.mp4\n"
        "https://example.org/other/a%20film.mp4\n"
        "https://youtu.be/abcdefghij2\n"
    )
    videos = read_list(path)
    assert [video.video for video in videos[:2]] == ["abcdefghij0", "-_cdefghij1"]
    assert videos[0].spans_s == ((10, 20), (30.5, 40.5))
    assert videos[0].location == "https://www.youtube.com/watch?v=abcdefghij0"
    assert videos[4].video == "abcdefghij2"
    assert videos[2].video != videos[3].video
    assert all(video.video.startswith("a-film-") for video in videos[2:4])


def test_ids_alone_are_whole_videos(tmp_path: Path) -> None:
    """As the public 360-degree sets are listed. Ids may begin with a dash, and may look like a number or a word."""
    path = tmp_path / "list.txt"
    path.write_text("-_cdefghij1\nabcdefghij0\n12345678901\n\n# gone\nabcdefghijk,,\n---------__\n")
    videos = read_list(path)
    ids = ["-_cdefghij1", "abcdefghij0", "12345678901", "abcdefghijk", "---------__"]
    assert [video.video for video in videos] == ids
    assert [video.location for video in videos] == [f"https://www.youtube.com/watch?v={name}" for name in ids]
    assert {video.spans_s for video in videos} == {()}


@pytest.mark.parametrize(
    ("text", "spans_s"),
    [
        ("id,title,layout\nabcdefghij0,A walk,WXYZ\n", ()),
        ("youtube_ids\nabcdefghij0\n", ()),
        ("id,split\nabcdefghij0,train\n", ()),
        ("id,from,to\nabcdefghij0,3,5\n", ((3.0, 5.0),)),
        ("id,start_s,end_s,label\nabcdefghij0,3,5,x\n", ((3.0, 5.0),)),
    ],
)
def test_a_header_says_whether_the_next_columns_are_start_and_end(
    tmp_path: Path, text: str, spans_s: tuple[tuple[float, float], ...]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    assert [(video.video, video.spans_s) for video in read_list(path)] == [("abcdefghij0", spans_s)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("abcdefghij0\nabcdefghij12\n", "line 2"),
        ("abcdefghij0\nabcdefghij1,10\n", "line 2"),
        ("id,start,end\nabcdefghij0,x,y\n", "line 2"),
        ("abcdefghij0,0,10\nabcdefghij1,1,nan\n", "line 2"),
        ("", "names no video"),
        ("video_id,start,end\n", "names no video"),
        ("abcdefghij0,0,10\nno url\n", "line 2"),
        ("abcdefghij0,0,10\nabcdefghij1,20,10\n", "line 2"),
        ("https://example.org/a.mp4\nabcdefghij1,x,y\n", "line 2"),
    ],
)
def test_a_bad_list_is_named_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"list\.csv.*{complaint}"):
        read_list(path)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--location .*none\.csv"):
        Urls(tmp_path / "none.csv", QUICK)
