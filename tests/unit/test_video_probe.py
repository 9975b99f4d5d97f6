"""What a file says that it holds."""

import os
from pathlib import Path

import pytest

from leftright.errors import InputError
from leftright.video import probe
from tests.numbered_videos import write_video


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_every_field_says_what_was_written(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, 3, sound_seconds=2, layout="5.1", sample_rate=44_100, frame_rate=20)
    info = probe(path)
    assert (info.width, info.height, info.video_codec, info.frame_rate) == (160, 48, "h264", 20)
    assert (info.sample_rate, info.num_channels, info.channel_layout, info.audio_codec) == (44_100, 6, "5.1", "aac")
    assert info.video_duration_s == pytest.approx(3, abs=0.06)
    assert info.audio_duration_s == pytest.approx(2, abs=0.06)
    assert info.duration_s == max(info.audio_duration_s, info.video_duration_s)
    assert info.bytes == path.stat().st_size


def test_a_missing_stream_is_zero_and_empty(tmp_path: Path) -> None:
    silent = probe(write_video(tmp_path / "silent.mp4", 1, sound_codec=""))
    assert (silent.num_channels, silent.sample_rate, silent.audio_codec, silent.audio_duration_s) == (0, 0, "", 0)
    dark = probe(write_video(tmp_path / "dark.mp4", 1, picture_codec=""))
    assert (dark.width, dark.height, dark.video_codec, dark.video_duration_s) == (0, 0, "", 0)


def test_sound_of_a_codec_that_nobody_knows_is_no_sound(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mkv", 1)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XYZ"))
    info = probe(path)
    assert (info.num_channels, info.audio_codec, info.video_codec) == (0, "", "h264")


def test_what_is_no_media_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no media")
    for name in ("text.mp4", "missing.mp4"):
        with pytest.raises(InputError, match=name):
            probe(tmp_path / name)


@pytest.mark.media
def test_real_files() -> None:
    if "LEFTRIGHT_MEDIA" not in os.environ:
        pytest.skip("LEFTRIGHT_MEDIA names no folder of real media")
    folder = Path(os.environ["LEFTRIGHT_MEDIA"]) / "video"
    surround = probe(folder / "bigbuckbunny.mp4")
    assert (surround.num_channels, surround.channel_layout) == (6, "5.1")
    binaural = probe(folder / "fairplay_000001_10fps_binaural.mkv")
    assert (binaural.audio_codec, binaural.num_channels, binaural.frame_rate) == ("flac", 2, 10)
    assert binaural.video_duration_s == pytest.approx(10.0)
    assert probe(folder / "cap12_edit.mp4").num_channels == 0
