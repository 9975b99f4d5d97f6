import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from leftright.errors import InputError
from leftright.spherical import Metadata
from leftright.video import decode_audio, decode_frames, probe
from tests.sound_fields import noise, write_film
from tests.stereo_clips import Clip, write_clip

FRAME_RATE = 10
SHADES = np.arange(0, 240, 24)  # one a frame: a second of pictures


def shaded(seconds: float = 1.0) -> Clip:
    """Frames whose shade tells their number, the upper left quarter white; left a tone of 500 Hz, right of 1000 Hz."""
    frames = np.zeros((round(seconds * FRAME_RATE), 64, 96, 3), np.uint8)
    frames[:] = SHADES[np.arange(len(frames)) % len(SHADES), None, None, None]
    frames[:, :32, :48] = 250
    times = np.arange(round(seconds * 48_000)) / 48_000
    tones = 0.5 * np.stack([np.sin(2 * np.pi * 500 * times), np.sin(2 * np.pi * 1000 * times)])
    return Clip(tones.astype(np.float32), 48_000, frames, FRAME_RATE)


def shade(frame: np.ndarray) -> float:
    return float(frame[40:, 56:].mean())


def test_sound_comes_with_its_channels_in_order_and_at_its_rate(tmp_path: Path) -> None:
    clip = shaded()
    waveform, sample_rate = decode_audio(write_clip(tmp_path / "clip.mkv", clip))
    assert sample_rate == 48_000 and waveform.dtype == np.float32
    np.testing.assert_allclose(waveform, clip.waveform, atol=1e-4)


@pytest.mark.parametrize("num_channels", [1, 6])
def test_sound_is_never_made_stereo(tmp_path: Path, num_channels: int) -> None:
    clip = shaded()
    path = write_clip(tmp_path / "clip.mkv", replace(clip, waveform=np.repeat(clip.waveform[:1], num_channels, axis=0)))
    assert len(decode_audio(path)[0]) == num_channels == probe(path).num_channels


def test_a_frame_is_the_one_shown_at_its_time(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", shaded())
    frames = decode_frames(path, [0.0, 0.19, 0.21, 0.21, 0.95])
    expected = [SHADES[index] for index in (0, 1, 2, 2, 9)]
    assert [shade(frame) for frame in frames] == pytest.approx(expected, abs=4)


def test_times_beyond_the_ends_get_the_first_and_the_last_frame(tmp_path: Path) -> None:
    frames = decode_frames(write_clip(tmp_path / "clip.mkv", shaded()), [-1.0, 99.0])
    assert [shade(frame) for frame in frames] == pytest.approx([SHADES[0], SHADES[-1]], abs=4)


def test_frames_are_scaled_and_keep_left_and_right(tmp_path: Path) -> None:
    frames = decode_frames(write_clip(tmp_path / "clip.mkv", shaded()), [0.1], size=(16, 20))
    assert frames.shape == (1, 16, 20, 3)
    assert frames[0, :6, :8].mean() > 200 > frames[0, :6, 12:].mean()


@pytest.mark.parametrize(("turned_deg", "corner"), [(90, "lower left"), (180, "lower right"), (270, "upper right")])
def test_a_turned_camera_is_turned_back(tmp_path: Path, turned_deg: int, corner: str) -> None:
    """The file says by how much to turn its pictures against the clock; the white quarter is stored at the upper left."""
    clip = shaded()
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.set_display_rotation(turned_deg)
        for pixels in clip.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    (frame,) = decode_frames(path, [0.1])
    assert frame.shape[:2] == ((64, 96) if turned_deg == 180 else (96, 64))
    height, width = frame.shape[:2]
    rows = slice(height // 2 + 4, None) if "lower" in corner else slice(0, height // 2 - 4)
    columns = slice(width // 2 + 4, None) if "right" in corner else slice(0, width // 2 - 4)
    assert frame[rows, columns].mean() > 200


def test_a_late_stream_stays_late(tmp_path: Path) -> None:
    """Sample t * rate belongs to the frame of time t, also where the sound starts half a second after the picture."""
    clip = shaded(2.0)
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=FRAME_RATE)
        picture.height, picture.width, picture.pix_fmt = 64, 96, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48_000, layout="stereo")
        for pixels in clip.frames:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(picture.encode(None))
        samples = np.full((1, 2 * 48_000), 16_000, np.int16)
        block = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        block.sample_rate, block.pts = 48_000, 24_000
        container.mux(sound.encode(block))
    waveform, _ = decode_audio(path)
    assert np.abs(waveform[:, :23_900]).max() == 0
    assert np.abs(waveform[:, 24_100:]).min() > 0.4


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    clip = shaded()
    mute = write_clip(tmp_path / "mute.mkv", replace(clip, waveform=None))
    with pytest.raises(InputError, match=r"mute\.mkv: has no sound"):
        decode_audio(mute)
    dark = write_clip(tmp_path / "dark.mkv", replace(clip, frames=None))
    with pytest.raises(InputError, match=r"dark\.mkv: has no picture"):
        decode_frames(dark, [0.0])
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"not media" * 100)
    for decode in (decode_audio, probe, lambda path: decode_frames(path, [0.0])):
        with pytest.raises(InputError, match=r"junk\.mp4: cannot be decoded"):
            decode(junk)


def field_film(path: Path, codec: str, channel_map: tuple[int, ...]) -> tuple[Path, np.ndarray]:
    """A film whose SA3D box has channels in an order, and its channels."""
    channels = np.stack([noise(seed=seed) for seed in range(4)])
    declared = Metadata(ambisonic_order=1, channel_ordering="acn", normalisation="sn3d", channel_map=channel_map)
    return write_film(path, channels, codec, "quad", declared=declared), channels


@pytest.mark.parametrize("channel_map", [(0, 1, 2, 3), (0, 2, 3, 1)])
@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "flac"), ("b.mov", "pcm_s16le")])
def test_channels_of_a_sound_field_stay_where_they_are(
    tmp_path: Path, name: str, codec: str, channel_map: tuple[int, ...]
) -> None:
    """In a process of its own, which PyAV may end: its layouts of channels in an order of their own are freed twice."""
    path, channels = field_film(tmp_path / name, codec, channel_map)
    code = (
        "import sys, numpy, gc; from pathlib import Path; from leftright.video import *\n"
        "path = Path(sys.argv[1])\n"
        "for _ in range(3):\n"
        "    waveform, rate = decode_audio(path); info = probe(path); gc.collect()\n"
        "numpy.save(sys.argv[2], waveform); print(rate, info.num_channels)\n"
    )
    words = [sys.executable, "-c", code, str(path), str(tmp_path / "out.npy")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["16000", "4"]
    np.testing.assert_allclose(np.load(tmp_path / "out.npy")[:, : channels.shape[1]], channels, atol=2e-5)


def test_more_channels_than_can_be_decoded_are_counted_and_refused(tmp_path: Path) -> None:
    channels = np.stack([noise(seed=seed) for seed in range(16)])
    path = write_film(tmp_path / "film.mkv", channels, "pcm_s16le", "hexadecagonal")
    assert probe(path).num_channels == 16
    with pytest.raises(InputError, match=r"film\.mkv: has 16 channels"):
        decode_audio(path)
