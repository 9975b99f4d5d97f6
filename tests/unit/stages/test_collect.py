"""The stage: the same result however it was interrupted or divided, and no more asked of a server than it gives."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from leftright import results
from leftright.clips import CLIP_COLUMNS, MANIFEST
from leftright.errors import InputError
from leftright.files import sha256
from leftright.sources.base import ClipPlan, Harvest, Video
from leftright.sources.folder import Folder
from leftright.sources.ledger import LEDGER, attrition
from leftright.sources.remote import Politeness
from leftright.sources.urls import Urls, read_list
from leftright.sources.youtube import YouTube
from leftright.stages import collect
from leftright.stages.collect import Config
from tests.numbered_videos import write_video
from tests.unit.sources.servers import Film, Server, fake_youtube, media_server

CONFIG = Config(
    source="folder",
    location="",
    mode="fetch",
    seed=0,
    clip_s=1.0,
    max_clips_per_video=2,
    num_workers=2,
    keywords=(),
    results_per_keyword=1,
    target_videos=10,
    related_rounds=0,
    related_per_video=0,
    max_height=360,
    max_channels=2,
    rate_kbytes_s=0,
    sleep_s=0,
    timeout_s=2,
    retries=0,
    max_refusals=3,
    after_refusals="stop",
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two channels of good videos, and one of each that collect itself turns away."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(4):
        write_video(folder / f"channel{number % 2}" / f"film{number}.mp4", 2.5 + number / 5)
    write_video(folder / "odd" / "short.mp4", 0.5)
    write_video(folder / "odd" / "voice.mp4", 3, picture_codec="")
    (folder / "odd" / "noise.mp4").write_bytes(bytes(range(256)) * 20)
    cut = write_video(folder / "odd" / "cut.mp4", 3)
    cut.write_bytes(cut.read_bytes()[:-1000])
    return folder


@pytest.fixture
def config(videos: Path) -> Config:
    return replace(CONFIG, location=str(videos))


def table_of(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / MANIFEST)


def test_every_video_is_accounted_for_and_every_clip_is_there(config: Config, tmp_path: Path) -> None:
    outcome = collect.run(config, out=tmp_path / "out", metrics=tmp_path / "m.json")
    table = table_of(tmp_path / "out")
    assert list(table.columns) == list(CLIP_COLUMNS)
    assert table["clip"].is_unique
    assert table["video"].value_counts().to_dict() == {f"film{number}": 2 for number in range(4)}
    for row in table.itertuples():
        path = tmp_path / "out" / row.path
        assert (sha256(path), path.stat().st_size) == (row.sha256, row.bytes)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"clips", MANIFEST, LEDGER}
    assert len(list((tmp_path / "out/clips").iterdir())) == len(table)
    counts = attrition([tmp_path / "out" / LEDGER]).set_index("status")["num_videos"].to_dict()
    assert counts == {"kept": 4, "short": 1, "no_stream": 1, "corrupt": 1, "truncated": 1}
    values = results.read(tmp_path / "m.json")
    assert values == outcome.values
    assert values["collect.videos"].value == 8
    assert values["collect.clips"].value == 8
    assert values["collect.bytes"].value == table["bytes"].sum()
    assert values["collect.status.truncated"] == results.Value(1, n=8)


def test_parts_are_disjoint_and_together_the_whole(config: Config, tmp_path: Path) -> None:
    collect.run(config, out=tmp_path / "whole", metrics=tmp_path / "m.json")
    for index in range(2):
        collect.run(config, out=tmp_path / str(index), metrics=tmp_path / "m.json", part=f"{index}/2")
    parts = pd.concat([table_of(tmp_path / str(index)) for index in range(2)]).sort_values("clip", ignore_index=True)
    pd.testing.assert_frame_equal(parts, table_of(tmp_path / "whole"))
    counts = attrition([tmp_path / str(index) / LEDGER for index in range(2)])
    assert counts["num_videos"].sum() == 8


def test_more_parts_than_videos_leave_an_empty_one(config: Config, tmp_path: Path) -> None:
    collect.run(config, out=tmp_path / "out", metrics=tmp_path / "m.json", part="8/9")
    assert len(table_of(tmp_path / "out")) == 0


def test_nothing_kept_at_all_is_an_error_that_says_why(config: Config, videos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no video gave a clip .*1 corrupt"):
        collect.run(
            replace(config, location=str(videos / "odd")), out=tmp_path / "out", metrics=tmp_path / "metrics.json"
        )
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "metrics.json").exists()


def test_a_defect_that_one_video_brings_out_does_not_end_the_collection(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(self: Folder, video: Video, plan: ClipPlan, directory: Path) -> Harvest:
        if video.video == "film1":
            raise ZeroDivisionError("a frame rate of nothing")
        return fetch(self, video, plan, directory)

    fetch = Folder.fetch
    monkeypatch.setattr(Folder, "fetch", stumble)
    values = collect.run(config, out=tmp_path / "out", metrics=tmp_path / "m.json").values
    assert (values["collect.status.kept"].value, values["collect.status.error"].value) == (3, 1)
    examples = attrition([tmp_path / "out" / LEDGER]).set_index("status")["example"]
    assert examples["error"] == "ZeroDivisionError: a frame rate of nothing"


@pytest.mark.slow
def test_a_killed_run_is_continued_to_the_result_of_an_undisturbed_one(tmp_path: Path) -> None:
    for number in range(60):
        name = tmp_path / "videos" / f"channel{number % 5}" / f"film{number:02}.mp4"
        name.parent.mkdir(parents=True, exist_ok=True)
        source = tmp_path / f"length{number % 3}.mp4"
        name.write_bytes((source if source.exists() else write_video(source, 3 + number)).read_bytes())
    config = replace(CONFIG, location=str(tmp_path / "videos"), num_workers=1)
    program = (
        "from pathlib import Path; from leftright.stages import collect; "
        f"collect.run(collect.{config!r}, out=Path({str(tmp_path / 'out')!r}), metrics=Path({str(tmp_path / 'm.json')!r}))"
    )
    num_clips = []
    for goal in (5, 40):
        process = subprocess.Popen([sys.executable, "-c", program])
        clips = tmp_path / "out.partial" / "clips"
        while process.poll() is None and (not clips.exists() or len(list(clips.iterdir())) < goal):
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
        num_clips.append(len(list(clips.iterdir())))
        assert not (tmp_path / "out").exists()
    assert 0 < num_clips[0] < num_clips[1] < 120
    before = {path.name: path.stat().st_mtime_ns for path in clips.iterdir()}
    collect.run(config, out=tmp_path / "out", metrics=tmp_path / "m.json")
    collect.run(config, out=tmp_path / "undisturbed", metrics=tmp_path / "m2.json")
    pd.testing.assert_frame_equal(table_of(tmp_path / "out"), table_of(tmp_path / "undisturbed"))
    assert json.loads((tmp_path / "m.json").read_text()) == json.loads((tmp_path / "m2.json").read_text())
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/clips").iterdir()}
    assert {name: sha256(tmp_path / "out/clips" / name) for name in after} == {
        name: sha256(tmp_path / "undisturbed/clips" / name) for name in after
    }
    assert sum(before.get(name) == stamp for name, stamp in after.items()) >= num_clips[1] - 2, (
        "work was not done again"
    )


def test_another_try_goes_on_where_work_outlives_the_first(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a cluster, where the second try's result is to lie elsewhere: what the first one fetched is not fetched again."""

    def break_off(self: Folder, video: Video, plan: ClipPlan, directory: Path) -> Harvest:
        if video.video == "film2":
            raise OSError("the pod is gone")
        fetched.append(video.video)
        return fetch(self, video, plan, directory)

    fetch, fetched = Folder.fetch, list[str]()
    config = replace(config, num_workers=1)
    collect.run(config, out=tmp_path / "undisturbed", metrics=tmp_path / "m1.json")
    monkeypatch.setenv("LEFTRIGHT_WORK", str(tmp_path / "work"))
    with monkeypatch.context() as patched, pytest.raises(OSError, match="the pod is gone"):
        patched.setattr(Folder, "fetch", break_off)
        collect.run(config, out=tmp_path / "first/out", metrics=tmp_path / "m2.json")
    assert fetched
    monkeypatch.setattr(Folder, "fetch", lambda *given: (fetched.append(given[1].video), fetch(*given))[1])
    collect.run(config, out=tmp_path / "second/out", metrics=tmp_path / "m2.json")
    assert {"film0", "film1", "film2", "film3"} <= set(fetched)
    assert len(set(fetched)) == len(fetched), "each once"
    pd.testing.assert_frame_equal(table_of(tmp_path / "second/out"), table_of(tmp_path / "undisturbed"))


@pytest.fixture(scope="module")
def server(videos: Path) -> Iterator[Server]:
    with media_server(videos) as running:
        yield running


def url_source(server: Server, directory: Path, behaviours: list[str]) -> Urls:
    """A list of one video a behaviour, by turns film0 to film3."""
    names = [f"channel{number % 2}/film{number}.mp4" for number in range(4)]
    lines = [f"{server.url(how, names[number % 4])}?{number}" for number, how in enumerate(behaviours)]
    (directory / "list.txt").write_text("\n".join(lines))
    return Urls(directory / "list.txt", Politeness(360, 2, 0, 0, 2, 0))


def test_refusals_in_a_row_stop_collection_and_a_later_run_goes_on(server: Server, tmp_path: Path) -> None:
    refusing = ["ranges", "many", "ranges", "forbidden", "many", "forbidden", "ranges"]
    source = url_source(server, tmp_path, refusing)
    config = replace(CONFIG, source="urls", location=str(tmp_path / "list.txt"))
    server.asked.clear()
    with pytest.raises(
        InputError, match=r"stopped after 3 refusals in a row: .*HTTP Error 403.*out\.partial.*again later"
    ):
        collect.collect(source, config, tmp_path / "out", "0/1")
    assert not any(name.endswith("film2.mp4") and how == "ranges" for how, name, _ in server.asked[-1:]), (
        "it had stopped"
    )
    assert attrition([tmp_path / "out.partial" / LEDGER]).set_index("status")["num_videos"].to_dict() == {
        "refused": 4,
        "kept": 2,
        "pending": 1,
    }
    # The same again, once the server has calmed down.
    server.asked.clear()
    server.calm = True
    collect.collect(source, config, tmp_path / "out", "0/1")
    server.calm = False
    assert len(set(table_of(tmp_path / "out")["video"])) == 7
    assert {how for how, _, _ in server.asked[:-2]} == {"many", "forbidden"}, "what was kept is not asked for again"


@pytest.mark.slow
def test_youtube_from_keyword_to_manifest(tmp_path: Path) -> None:
    """Search, related videos, refusal in the middle, continuation: the manifest is that of an undisturbed run."""
    ids = [f"film_-{number:05}" for number in range(6)]
    media = tmp_path / "media"
    write_video(media / "picture.mp4", 20, sound_codec="", options={"movflags": "+faststart"})
    write_video(media / "sound.mp4", 20, picture_codec="", options={"movflags": "+faststart"})
    films = [Film(name, 20, related=ids[number + 1 :]) for number, name in enumerate(ids)]
    config = replace(CONFIG, source="youtube", keywords=("ASMR Tapping",), results_per_keyword=10, related_rounds=2)
    config = replace(config, target_videos=5, related_per_video=10, clip_s=4.0, max_refusals=2)
    with fake_youtube(media, films, {"ASMR Tapping": ids[:2]}) as server:
        for name, num_good in (("out", 6), ("undisturbed", 1_000)):
            server.num_good = num_good
            source = YouTube(
                config.keywords,
                results_per_keyword=10,
                target_videos=5,
                related_rounds=2,
                related_per_video=10,
                politeness=Politeness(360, 2, 0, 0, 5, 0),
                options=server.options,
            )
            if name == "out":
                with pytest.raises(InputError, match="stopped after 2 refusals"):
                    collect.collect(source, config, tmp_path / name, "0/1")
                server.num_good = 1_000
            values = collect.collect(source, config, tmp_path / name, "0/1")
            assert values["collect.videos"].value == 5
    table = table_of(tmp_path / "undisturbed")
    assert table["video"].value_counts().to_dict() == dict.fromkeys(ids[:5], 2)
    pd.testing.assert_frame_equal(table_of(tmp_path / "out"), table)


def test_publish_makes_what_came_the_result(server: Server, tmp_path: Path) -> None:
    source = url_source(server, tmp_path, ["ranges", "many", "many", "many", "ranges"])
    config = replace(CONFIG, source="urls", location=str(tmp_path / "list.txt"), after_refusals="publish")
    values = collect.collect(source, config, tmp_path / "out", "0/1")
    assert len(table_of(tmp_path / "out")) == 2
    assert (values["collect.status.refused"].value, values["collect.status.pending"].value) == (3, 1)


def test_a_dry_run_prints_a_list_that_urls_reads_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text("abcdefghij0,5,15\nabcdefghij0,30,40\nhttps://example.org/film.mp4\n")
    config = replace(CONFIG, source="urls", location=str(tmp_path / "list.csv"), mode="dry_run", clip_s=10.0)
    outcome = collect.run(config, out=tmp_path / "out", metrics=tmp_path / "m.json")
    printed = capsys.readouterr().out
    (tmp_path / "again.csv").write_text(printed)
    assert read_list(tmp_path / "again.csv") == read_list(tmp_path / "list.csv")
    # Two spans of the one, room for two clips in the other; 40 s at 800 kbit/s are 4 MB.
    assert outcome.values["collect.clips"].value == 4
    assert outcome.values["collect.bytes"].value == pytest.approx(4e6)
    assert printed.splitlines()[-1] == "# 2 videos, 4 clips, about 4.0 MB"
    assert {path.name for path in tmp_path.iterdir()} == {"list.csv", "again.csv"}


def test_a_list_can_be_divided_among_parts(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("abcdefghij0,5,15\nabcdefghij0,30,40\nhttps://example.org/film.mp4\n")
    config = replace(CONFIG, source="urls", location=str(tmp_path / "list.csv"), mode="list")
    outcome = collect.run(config, out=tmp_path / "out", metrics=tmp_path / "m.json")
    assert outcome.values["collect.videos"].value == 2
    assert json.loads((tmp_path / "m.json").read_text())["collect.videos"]["value"] == 2
    assert read_list(tmp_path / "out" / collect.LIST) == read_list(tmp_path / "list.csv")
    collect.run(config, out=tmp_path / "half", metrics=tmp_path / "m.json", part="1/2")
    assert [video.location for video in read_list(tmp_path / "half" / collect.LIST)] == ["https://example.org/film.mp4"]


def test_a_list_of_what_has_no_address_is_one_line(config: Config, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder: lists no video that has an address"):
        collect.run(replace(config, mode="list"), out=tmp_path / "out", metrics=tmp_path / "m.json")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_of_a_folder_weighs_its_files(config: Config, tmp_path: Path) -> None:
    outcome = collect.run(replace(config, mode="dry_run"), out=tmp_path / "out", metrics=tmp_path / "m.json")
    assert (outcome.values["collect.videos"].value, outcome.values["collect.clips"].value) == (8, 8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"clip_s": 0}, "--clip_s"),
        ({"max_clips_per_video": 0}, "--max_clips_per_video 0"),
        ({"num_workers": 0}, "--num_workers 0"),
        ({"max_refusals": 0}, "--max_refusals 0"),
    ],
)
def test_unusable_parameters_are_named(change: dict[str, float], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        replace(CONFIG, **change)


@pytest.mark.media
def test_real_videos_become_clips_or_a_reason(tmp_path: Path) -> None:
    if "LEFTRIGHT_MEDIA" not in os.environ:
        pytest.skip("LEFTRIGHT_MEDIA names no folder of real media")
    config = replace(CONFIG, location=os.environ["LEFTRIGHT_MEDIA"], clip_s=10.0, max_clips_per_video=10)
    collect.run(config, out=tmp_path / "out", metrics=tmp_path / "m.json")
    table = table_of(tmp_path / "out").set_index("clip")
    assert table["video"].value_counts().to_dict() == {
        "cap12_edit": 5,
        "fairplay_000001_10fps_binaural": 1,
        "sintel_6s-17s_640": 1,
    }
    assert set(table.loc[table["video"] == "cap12_edit", "num_channels"]) == {0}
    assert table.loc["fairplay_000001_10fps_binaural_0_10000", "audio_codec"] == "flac"
    with closing(sqlite3.connect(tmp_path / "out" / LEDGER)) as database:
        short = {video for (video,) in database.execute("SELECT video FROM videos WHERE status = 'short'")}
    assert short == {"bigbuckbunny", "carphone_pristine"}
