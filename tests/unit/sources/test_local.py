"""What becomes of a local file, whole or not: every fate has its name, and what the filter is to judge reaches it."""

import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leftright.audio import resample
from leftright.errors import InputError
from leftright.mp4 import Box, read_index, write_index
from leftright.sources.base import ClipPlan, Harvest, Status, Video
from leftright.sources.local import ends_inside_a_box, harvest_file
from leftright.spherical import Metadata, ambix, read_metadata
from leftright.video import decode_audio, probe
from tests.numbered_videos import frame_numbers, lag_samples, sound, write_video
from tests.sound_fields import RATE, noise, write_film

PLAN = ClipPlan(clip_s=2.0, max_clips=3, seed=0)


def harvest(
    path: Path, directory: Path, plan: ClipPlan = PLAN, spans_s: tuple[tuple[float, float], ...] = ()
) -> Harvest:
    directory.mkdir(exist_ok=True)
    return harvest_file(
        Video("film", "channel", "Film", "", path.name, spans_s=spans_s), path, "folder", plan, directory
    )


def test_clips_do_not_overlap_and_say_where_they_are(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 7, gop=200)
    outcome = harvest(path, tmp_path / "clips")
    assert outcome.status is Status.KEPT
    assert len(outcome.clips) == 3
    for earlier, later in zip(outcome.clips, outcome.clips[1:], strict=False):
        assert later.start_ms >= earlier.end_ms
    for clip in outcome.clips:
        first = frame_numbers(tmp_path / clip.row["path"])[0][1]
        assert abs(first * 40 - clip.start_ms) <= 40
        assert clip.clip == f"film_{clip.start_ms}_{clip.end_ms}"


def test_a_lists_spans_are_kept_even_where_they_overlap(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 5)
    outcome = harvest(path, tmp_path / "clips", spans_s=((0.52, 2.52), (1.0, 3.0)))
    assert [clip.clip for clip in outcome.clips] == ["film_520_2520", "film_1000_3000"]
    assert frame_numbers(tmp_path / outcome.clips[0].row["path"])[0][1] == 13


@pytest.mark.parametrize("faststart", [True, False], ids=["index first", "index last"])
def test_a_file_cut_short_is_truncated(tmp_path: Path, faststart: bool) -> None:
    options = {"movflags": "+faststart"} if faststart else {}
    path = write_video(tmp_path / "film.mp4", 6, options=options)
    assert not ends_inside_a_box(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    outcome = harvest(path, tmp_path / "clips")
    assert outcome.status is Status.TRUNCATED
    assert "film.mp4" in outcome.detail


def test_a_matroska_cut_short_gives_the_clips_that_are_there(tmp_path: Path) -> None:
    """Its boxes do not tell; the clip that runs into the end does."""
    path = write_video(tmp_path / "film.mkv", 6, gop=25)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    outcome = harvest(path, tmp_path / "clips")
    statuses = [clip.status for clip in outcome.clips]
    assert statuses == [Status.KEPT, Status.KEPT, Status.TRUNCATED]
    assert outcome.status is Status.KEPT
    assert len(list((tmp_path / "clips").iterdir())) == 2


def test_noise_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(256)) * 100)
    assert harvest(path, tmp_path / "clips").status is Status.CORRUPT


def test_damaged_content_is_corrupt_or_left_to_the_filter(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 6, options={"movflags": "+faststart"})
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content)] = b"\xff" * (len(content) - len(content) // 4)
    path.write_bytes(content)
    outcome = harvest(path, tmp_path / "clips")
    assert {clip.status for clip in outcome.clips} <= {Status.KEPT, Status.CORRUPT}
    assert Status.CORRUPT in {clip.status for clip in outcome.clips}


def test_sound_alone_has_no_stream_to_learn_from(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 6, picture_codec="")
    assert harvest(path, tmp_path / "clips").status is Status.NO_STREAM


def test_short_is_short(tmp_path: Path) -> None:
    outcome = harvest(write_video(tmp_path / "film.mp4", 1.8), tmp_path / "clips")
    assert outcome.status is Status.SHORT
    assert "1.80 s" in outcome.detail


@pytest.mark.parametrize(("layout", "num_channels"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_the_filter_sees_the_channels_that_there_were(tmp_path: Path, layout: str, num_channels: int) -> None:
    outcome = harvest(write_video(tmp_path / "film.mp4", 3, layout=layout, sample_rate=44_100), tmp_path / "clips")
    row = outcome.clips[0].row
    assert (row["num_channels"], row["sample_rate"], row["channel_layout"]) == (num_channels, 44_100, layout)


def test_no_sound_reaches_the_filter(tmp_path: Path) -> None:
    outcome = harvest(write_video(tmp_path / "film.mp4", 3, sound_codec=""), tmp_path / "clips")
    assert outcome.clips[0].row["num_channels"] == 0


def test_sound_that_ends_early_is_avoided_where_that_can_be(tmp_path: Path) -> None:
    avoided = harvest(write_video(tmp_path / "a.mp4", 8, sound_seconds=5), tmp_path / "clips")
    assert len(avoided.clips) == 2
    for clip in avoided.clips:
        info = probe(tmp_path / clip.row["path"])
        assert abs(info.audio_duration_s - info.video_duration_s) < 0.1


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
@pytest.mark.parametrize("late", ["sound", "picture"])
def test_a_stream_that_starts_late_is_waited_for(tmp_path: Path, name: str, late: str) -> None:
    delays = {f"{late}_delay": 0.76}
    path = write_video(tmp_path / name, 4.0, sound_seconds=4.0, **delays)
    outcome = harvest(path, tmp_path / "clips", ClipPlan(3.0, 1, 0))
    assert outcome.status is Status.KEPT, outcome.detail
    (clip,) = outcome.clips
    assert clip.start_ms >= 730
    written = tmp_path / clip.row["path"]
    info = probe(written)
    assert info.video_duration_s == pytest.approx(3.0, abs=0.15)
    assert abs(info.audio_duration_s - info.video_duration_s) < 0.1
    # Frame and sample of one time are still of one time: the film's clock less each stream's delay.
    first = frame_numbers(written)[0][1]
    picture_s = clip.start_ms / 1000 - delays.get("picture_delay", 0)
    assert first == pytest.approx(picture_s * 25, abs=1)
    heard, sample_rate = decode_audio(written)
    sound_s = clip.start_ms / 1000 - delays.get("sound_delay", 0)
    lag, _ = lag_samples(sound(2, 4 * sample_rate, sample_rate)[0], heard[0], round(sound_s * sample_rate), reach=600)
    assert abs(lag) <= 0.003 * sample_rate


def test_sound_too_brief_for_a_clip_is_shown_to_the_filter_as_it_is(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 8, sound_seconds=1, gop=25)
    outcome = harvest(path, tmp_path / "clips", spans_s=((0.0, 2.0), (4.0, 6.0)))
    early, late = (probe(tmp_path / clip.row["path"]) for clip in outcome.clips)
    assert early.audio_duration_s == pytest.approx(1, abs=0.1)
    assert late.num_channels == 0


def test_a_full_disk_is_not_the_videos_fault(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 3)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(InputError, match="run again"):
            harvest(path, tmp_path / "clips")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "clips").iterdir()) == []


@pytest.mark.parametrize("num_channels", [4, 6])
@pytest.mark.parametrize(
    ("name", "codec", "layouts", "options"),
    [
        ("film.mp4", "aac", ("4.0", "hexagonal"), {}),
        ("film.mp4", "flac", ("quad", "5.1"), {}),
        ("film.mov", "pcm_f32le", ("quad", "5.1"), {}),
        ("film.webm", "libopus", ("quad", "5.1"), {"mapping_family": "2"}),
        ("film.webm", "libopus", ("quad", "hexagonal"), {"mapping_family": "255"}),
    ],
)
def test_a_sound_field_is_whole_in_the_clip_which_says_so(
    tmp_path: Path, name: str, codec: str, layouts: tuple[str, str], options: dict[str, str], num_channels: int
) -> None:
    """Each channel where it was. Opus of family 2 says itself what it is; of family 255 nobody knows."""
    channels = np.stack([resample(noise(6, seed), RATE, 48_000) for seed in range(num_channels)])
    declared = None
    if name.endswith("webm"):
        expected = ("", {4: "ambix", 6: "ambix+head_locked"}[num_channels] if options["mapping_family"] == "2" else "")
    else:
        declared = replace(ambix(num_channels), projection="equirectangular", yaw_deg=45.0)
        expected = ("equirectangular", declared.sound_field)
    path = write_film(tmp_path / name, channels, codec, layouts[num_channels // 2 - 2], 48_000, declared, options)
    outcome = harvest(path, tmp_path / "clips")
    assert outcome.status is Status.KEPT, outcome.detail
    before, sample_rate = decode_audio(path)
    for clip in outcome.clips[1:]:
        assert (clip.row["projection"], clip.row["sound_field"]) == expected
        assert clip.row["num_channels"] == num_channels
        written = tmp_path / clip.row["path"]
        assert read_metadata(written).sound_field == expected[1]
        if declared is not None:
            assert read_metadata(written) == declared
        after, _ = decode_audio(written)
        for channel in range(num_channels):
            lag, error = lag_samples(before[channel], after[channel], round(clip.start_ms * sample_rate / 1000))
            assert abs(lag) <= 48
            assert error < 0.01


def test_an_order_of_its_own_comes_through_cutting(tmp_path: Path) -> None:
    """W, X, Y, Z, declared as such, which FFmpeg cannot convert and PyAV frees twice."""
    channels = np.stack([noise(6, seed) for seed in range(4)])
    declared = replace(ambix(4), channel_map=(0, 2, 3, 1))
    path = write_film(tmp_path / "film.mov", channels, "pcm_f32le", "quad", declared=declared)
    outcome = harvest(path, tmp_path / "clips")
    (clip, *_) = outcome.clips
    assert clip.row["sound_field"] == "wxyz_sn3d"
    start = round(clip.start_ms * RATE / 1000)
    after, _ = decode_audio(tmp_path / clip.row["path"])
    np.testing.assert_allclose(after[:, :RATE], channels[:, start : start + RATE], atol=1e-4)


def test_an_ordinary_film_declares_nothing_and_its_clip_neither(tmp_path: Path) -> None:
    outcome = harvest(write_video(tmp_path / "film.mp4", 3), tmp_path / "clips")
    row = outcome.clips[0].row
    assert (row["projection"], row["sound_field"]) == ("", "")
    assert read_metadata(tmp_path / row["path"]) == Metadata()


def test_a_projection_that_cannot_be_written_is_in_the_manifest(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 3)
    index = read_index(path)
    assert index is not None
    picture = next(index.all(b"trak", b"mdia", b"minf", b"stbl", b"stsd")).boxes[0]
    picture.boxes.append(Box(b"sv3d", b"", [Box(b"proj", b"", [Box(b"prhd", bytes(16)), Box(b"mshp", bytes(12))])]))
    write_index(path, index, path)
    outcome = harvest(path, tmp_path / "clips")
    assert outcome.clips[0].row["projection"] == "mesh"
    assert read_metadata(tmp_path / outcome.clips[0].row["path"]).projection == ""
