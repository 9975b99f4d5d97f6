from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from leftright import video_files

RATE = 32_000
SECONDS = 3


def frames(brightness: int = 40) -> Iterator[np.ndarray]:
    for number in range(SECONDS * 6):
        picture = np.full((64, 96, 3), brightness, np.uint8)
        picture[:, 4 * number : 4 * number + 16] = (220, 40, 40)
        yield picture


def sound(num_channels: int = 2) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((num_channels, SECONDS * RATE))


def write(path: Path, waveform: np.ndarray) -> None:
    video_files.write_mp4(path, frames(), waveform, frame_rate=6, sample_rate=RATE, quality=18, audio_bit_rate=160_000)


def decode(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with av.open(str(path)) as container:
        pictures = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    with av.open(str(path)) as container:
        waveform = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    return pictures, waveform


def test_file_holds_the_pictures_and_the_sound(tmp_path):
    path = tmp_path / "a.mp4"
    write(path, sound())
    pictures, waveform = decode(path)
    for shown, drawn in zip(pictures, frames(), strict=True):
        assert np.abs(shown.astype(int) - drawn).mean() < 6
    assert waveform.shape[0] == 2
    assert waveform.shape[1] == pytest.approx(SECONDS * RATE, abs=1024)
    with av.open(str(path)) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_left_stays_left_and_in_time(tmp_path):
    waveform = np.zeros((2, SECONDS * RATE))
    waveform[0, RATE : RATE + 320] = 0.5
    write(tmp_path / "a.mp4", waveform)
    _, decoded = decode(tmp_path / "a.mp4")
    loud = np.nonzero(np.abs(decoded[0]) > 0.2)[0]
    assert loud[0] == pytest.approx(RATE, abs=40)
    assert np.abs(decoded[1]).max() < 0.02


def test_one_channel_is_one_channel(tmp_path):
    write(tmp_path / "a.mp4", sound(1))
    assert decode(tmp_path / "a.mp4")[1].shape[0] == 1


@pytest.mark.parametrize("num_channels", [3, 4, 6])
def test_more_channels_keep_their_order_and_none_is_bass_alone(tmp_path, num_channels):
    """Each channel a tone of its own, all of them above what a low-frequency channel would keep."""
    times = np.arange(SECONDS * RATE) / RATE
    tones_hz = 1000 * np.arange(1, num_channels + 1)
    waveform = 0.1 * np.sin(2 * np.pi * tones_hz[:, None] * times)
    video_files.write_mp4(
        tmp_path / "a.mp4", frames(), waveform, frame_rate=6, sample_rate=RATE, quality=18,
        audio_bit_rate=64_000 * num_channels,
    )  # fmt: skip
    _, decoded = decode(tmp_path / "a.mp4")
    middle = decoded[:, RATE : 2 * RATE]
    assert np.argmax(np.abs(np.fft.rfft(middle)), axis=1).tolist() == tones_hz.tolist()
    np.testing.assert_allclose(np.std(middle, axis=1), 0.1 / np.sqrt(2), rtol=0.02)


def test_equal_input_makes_equal_bytes(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path / name, sound())
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_delay_between_the_ears_survives_the_coder(tmp_path):
    rng = np.random.default_rng(1)
    noise = 0.1 * rng.standard_normal(SECONDS * RATE)
    write(tmp_path / "a.mp4", np.stack([noise, np.roll(noise, 8)]))
    _, decoded = decode(tmp_path / "a.mp4")
    spectra = np.fft.rfft(decoded)
    lag = np.argmax(np.fft.irfft(np.conj(spectra[0]) * spectra[1]))
    assert lag == 8
