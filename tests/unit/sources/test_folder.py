"""A folder as a source: what it lists, and how its names and sidecars become ids."""

import json
from pathlib import Path

import pytest

from leftright.clips import safe_name
from leftright.errors import InputError
from leftright.sources.base import ClipPlan, Video
from leftright.sources.folder import Folder
from leftright.sources.ledger import Ledger
from tests.numbered_videos import write_video


def listed(folder: Path) -> list[Video]:
    with Ledger(":memory:") as ledger:
        Folder(folder, 1).discover(ledger)
        return ledger.videos()


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_names_are_the_folders_and_the_files(tmp_path: Path) -> None:
    touch(tmp_path / "Anna B" / "take 1.MP4")
    touch(tmp_path / "Anna B" / "notes.txt")
    touch(tmp_path / "Anna B" / ".hidden.mp4")
    touch(tmp_path / "deep" / "er" / "x.webm")
    assert [(video.channel, video.video, video.title, video.location) for video in listed(tmp_path)] == [
        ("Anna B", "take-1", "take 1", "Anna B/take 1.MP4"),
        ("er", "x", "x", "deep/er/x.webm"),
    ]


def test_a_sidecar_counts_before_the_names(tmp_path: Path) -> None:
    said = {"id": "-_AbCdEfGh1", "channel": "Whispers", "title": "Rain", "webpage_url": "https://example.org/w"}
    touch(tmp_path / "c" / "file.mp4").with_name("file.info.json").write_text(json.dumps(said))
    (video,) = listed(tmp_path)
    assert (video.video, video.channel, video.title, video.url) == tuple(said.values())


def test_a_damaged_sidecar_is_passed_over(tmp_path: Path) -> None:
    touch(tmp_path / "c" / "file.mp4").with_name("file.info.json").write_text('{"id": ')
    assert listed(tmp_path)[0].video == "file"


def test_two_videos_of_one_name_stay_apart_and_keep_their_names_when_a_third_comes(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "001.mp4")
    touch(tmp_path / "b" / "001.mp4")
    first = {video.location: video.video for video in listed(tmp_path)}
    assert len(set(first.values())) == 2
    touch(tmp_path / "c" / "001.mp4")
    assert first.items() <= {video.location: video.video for video in listed(tmp_path)}.items()


@pytest.mark.parametrize(
    ("name", "safe"),
    [("-_AbCdEfGh1", "-_AbCdEfGh1"), (" a b/", "a-b"), ("fête", "f-te"), ("\u96e8", "unnamed"), ("x--y", "x--y")],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_changed_file_is_another_source(tmp_path: Path) -> None:
    path = touch(tmp_path / "c" / "file.mp4")
    before = Folder(tmp_path, 1).identity()
    assert Folder(tmp_path, 1).identity() == before
    path.write_bytes(b"more")
    after = Folder(tmp_path, 1).identity()
    assert after != before
    path.with_name("file.info.json").write_text("{}")
    assert Folder(tmp_path, 1).identity() != after


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_no_folder_and_no_video_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=rf"--location .*{name}"):
        Folder(tmp_path / name, 1)


def test_weight_is_the_clips_share_of_the_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "c" / "film.mp4", 8)
    source = Folder(tmp_path, 1)
    (video,) = listed(tmp_path)
    weight = source.weigh(video, ClipPlan(2, 3, 0))
    assert weight.num_clips == 3
    assert weight.num_bytes == pytest.approx(path.stat().st_size * 6 / 8, rel=0.02)
