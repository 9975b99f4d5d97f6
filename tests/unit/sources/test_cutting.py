"""A clip holds what the source holds: the same frames, the same samples, in the same channels, starting together."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from leftright.errors import InputError
from leftright.sources.cutting import cut
from leftright.sources.packets import TruncatedError
from leftright.video import decode_audio, probe
from tests.numbered_videos import frame_numbers, lag_samples, write_video

FRAME_RATE, GOP = 25, 50  # a key frame every two seconds


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("source") / "source.mp4", 8, frame_rate=FRAME_RATE, gop=GOP)


def test_clip_starts_at_the_key_frame_before_and_holds_the_same_frames(source: Path, tmp_path: Path) -> None:
    start_s = cut(source, 3.3, 3.0, tmp_path / "clip.mp4")
    assert start_s == pytest.approx(2.0)
    numbers = frame_numbers(tmp_path / "clip.mp4")
    assert [number for _, number in numbers[:75]] == list(range(50, 125))
    np.testing.assert_allclose([time_s for time_s, _ in numbers], np.arange(len(numbers)) / FRAME_RATE, atol=1e-4)
    assert len(numbers) <= 75 + 3  # the few that close the last group


def test_sound_is_the_sources_to_the_sample(source: Path, tmp_path: Path) -> None:
    start_s = cut(source, 3.3, 3.0, tmp_path / "clip.mp4")
    before, _ = decode_audio(source)
    after, sample_rate = decode_audio(tmp_path / "clip.mp4")
    first = round(start_s * sample_rate)
    # From the very first sample on: the packets that the decoder warms up on are there, and hidden.
    np.testing.assert_array_equal(after[:, :120_000], before[:, first : first + 120_000])


def test_left_stays_left(source: Path, tmp_path: Path) -> None:
    cut(source, 0, 3.0, tmp_path / "clip.mp4")
    spectrum = np.abs(np.fft.rfft(decode_audio(tmp_path / "clip.mp4")[0][:, :48_000]))
    peaks_hz = spectrum.argmax(axis=1)
    assert 200 <= peaks_hz[0] <= 245
    assert 400 <= peaks_hz[1] <= 445


@pytest.mark.parametrize(
    ("name", "codec", "layout", "tolerance"),
    [
        ("a.mp4", "aac", "5.1", 1e-6),
        ("b.mp4", "aac", "mono", 1e-6),
        ("c.mov", "pcm_s16le", "stereo", 1e-6),
        ("d.mkv", "flac", "stereo", 1e-6),
        ("e.webm", "libopus", "stereo", 0.01),
        ("f.mp4", "libmp3lame", "stereo", 1e-6),
        ("g.mkv", "ac3", "stereo", 0.02),  # its decoder adds noise of its own
        ("h.ts", "aac", "stereo", 1e-6),
        ("i.avi", "pcm_s16le", "stereo", 1e-4),
        ("j.mkv", "vorbis", "stereo", 1e-4),  # MP4 does not hold it: FLAC
        ("k.mov", "pcm_s24le", "quad", 1e-6),
        ("l.mp4", "aac", "4.0", 1e-6),
        ("m.mp4", "aac", "quad", 1e-6),
        ("n.mp4", "aac", "hexagonal", 1e-4),  # named in no way that a clip can be: FLAC
        ("o.mp4", "flac", "5.1", 1e-6),
        ("p.mkv", "flac", "quad", 1e-6),
        ("q.webm", "libopus", "quad", 0.01),
        ("r.webm", "libopus", "5.1", 0.01),
    ],
)
def test_any_sound_keeps_its_channels_rate_and_place(
    tmp_path: Path, name: str, codec: str, layout: str, tolerance: float
) -> None:
    picture_codec = "libvpx" if name.endswith("webm") else "libx264"
    source = write_video(tmp_path / name, 6, sound_codec=codec, layout=layout, picture_codec=picture_codec, gop=25)
    start_s = cut(source, 2.5, 3.0, tmp_path / "clip.mp4")
    said, got = probe(source), probe(tmp_path / "clip.mp4")
    assert (got.sample_rate, got.num_channels) == (said.sample_rate, said.num_channels)
    assert abs(got.audio_duration_s - got.video_duration_s) < 0.1
    before, sample_rate = decode_audio(source)
    after, _ = decode_audio(tmp_path / "clip.mp4")
    for channel in range(got.num_channels):
        lag, error = lag_samples(before[channel], after[channel], round(start_s * sample_rate))
        assert abs(lag) <= 48, "sound and picture apart by more than a millisecond"
        assert error < tolerance


def test_no_key_frame_to_start_from_means_encoding_from_the_exact_place(source: Path, tmp_path: Path) -> None:
    start_s = cut(source, 3.32, 3.0, tmp_path / "clip.mp4", earliest_s=3.0)
    assert start_s == pytest.approx(3.32)
    numbers = frame_numbers(tmp_path / "clip.mp4")
    assert [number for _, number in numbers] == list(range(83, 158))
    assert numbers[0][0] == 0
    before, sample_rate = decode_audio(source)
    after, _ = decode_audio(tmp_path / "clip.mp4")
    first = round(start_s * sample_rate)
    np.testing.assert_array_equal(after[:, :120_000], before[:, first : first + 120_000])


@pytest.mark.parametrize(
    ("name", "codec", "holds"),
    [
        ("a.webm", "libvpx-vp9", "vp9"),
        ("b.webm", "libvpx", "h264"),
        ("c.mkv", "mpeg2video", "h264"),
        ("d.mp4", "libx265", "hevc"),
    ],
)
def test_any_picture_keeps_its_frames(tmp_path: Path, name: str, codec: str, holds: str) -> None:
    sound_codec = "libopus" if name.endswith("webm") else "aac"
    source = write_video(tmp_path / name, 5, picture_codec=codec, sound_codec=sound_codec, gop=25)
    start_s = cut(source, 1.5, 3.0, tmp_path / "clip.mp4")
    assert probe(tmp_path / "clip.mp4").video_codec == holds
    numbers = [number for _, number in frame_numbers(tmp_path / "clip.mp4")]
    first = round(start_s * FRAME_RATE)
    assert numbers[:75] == list(range(first, first + 75))


def test_picture_without_sound_and_its_last_frames(tmp_path: Path) -> None:
    source = write_video(tmp_path / "silent.mp4", 3.0, sound_codec="")
    cut(source, 0, 3.0, tmp_path / "clip.mp4")
    assert probe(tmp_path / "clip.mp4").num_channels == 0
    assert [number for _, number in frame_numbers(tmp_path / "clip.mp4")] == list(range(75))


def test_the_same_clip_is_the_same_bytes(source: Path, tmp_path: Path) -> None:
    for earliest_s in (0.0, 3.0):  # copied, and encoded
        for name in ("a", "b"):
            cut(source, 3.32, 3.0, tmp_path / f"{name}.mp4", earliest_s)
        assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_picture_that_ends_early_is_truncated_and_leaves_no_file(source: Path, tmp_path: Path) -> None:
    with pytest.raises(TruncatedError, match=r"source\.mp4"):
        cut(source, 6.0, 3.0, tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_no_picture_and_no_media_name_the_file(tmp_path: Path) -> None:
    write_video(tmp_path / "sound.mp4", 4, picture_codec="")
    (tmp_path / "text.mp4").write_text("not media")
    for name in ("sound.mp4", "text.mp4"):
        with pytest.raises(InputError, match=name):
            cut(tmp_path / name, 0, 3.0, tmp_path / "clip.mp4")


def test_a_turned_picture_stays_upright(tmp_path: Path) -> None:
    """A telephone held upright writes lying frames and says so; both ways of cutting must keep or apply that."""
    import imageio_ffmpeg

    from leftright.video import decode_frames

    source = write_video(tmp_path / "lying.mp4", 6)
    turned = tmp_path / "turned.mp4"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-display_rotation",
        "90",
        "-i",
        source,
        "-c",
        "copy",
        turned,
    ]
    subprocess.run(command, check=True)
    expected = decode_frames(turned, [2.0])[0]
    assert expected.shape[0] > expected.shape[1]
    cut(turned, 2.0, 3.0, tmp_path / "copied.mp4")
    cut(turned, 2.0, 3.0, tmp_path / "encoded.mp4", earliest_s=2.0 + 1e-3)
    for name in ("copied.mp4", "encoded.mp4"):
        seen = decode_frames(tmp_path / name, [0.0])[0]
        assert seen.shape == expected.shape, name
        assert np.abs(seen.astype(int) - expected).mean() < 6, name
