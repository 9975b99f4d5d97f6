"""FAIR-Play in miniature, made in code: numbered pictures, a rising tone in each ear, and lists as their authors wrote them."""

import wave
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from tests.numbered_videos import sound, write_video

SECONDS, FRAME_RATE = 10.0, 6
LISTED_AS = "/private/nobody/datasets/BINAURAL_MUSIC_ROOM/binaural16k/{}.wav"
SPLIT = {"train": ("000001", "000004", "000005"), "val": ("000002",), "test": ("000003",)}


def write_media(root: Path, numbers: Sequence[str], *, sample_rate: int = 48_000) -> Path:
    """A video and a sound of ten seconds for each number; returns `root`. The video has a sound of its own, and it is mono."""
    (root / "binaural_audios").mkdir(parents=True, exist_ok=True)
    for number in numbers:
        video = root / "videos" / f"{number}.mp4"
        write_video(video, SECONDS, layout="mono", sample_rate=16_000, frame_rate=FRAME_RATE)
        write_wav(root / "binaural_audios" / f"{number}.wav", samples(number, sample_rate), sample_rate)
    return root


def samples(number: str, sample_rate: int) -> np.ndarray:
    """(2, samples) int16: another tone in each channel, left the lower one, and another level in each clip."""
    level = 20_000 - 1_000 * int(number)
    return np.round(level * sound(2, round(SECONDS * sample_rate), sample_rate)).astype(np.int16)


def write_wav(path: Path, waveform: np.ndarray, sample_rate: int) -> None:
    """A plain wav of (channels, samples) int16."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(waveform))
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(waveform.T.astype("<i2").tobytes())


def write_split(directory: Path, numbers: Mapping[str, Sequence[str]] = SPLIT) -> Path:
    """Lists as FAIR-Play has them; returns `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for part, named in numbers.items():
        with h5py.File(directory / f"{part}.h5", "w") as file:
            file["audio"] = np.array([LISTED_AS.format(number).encode() for number in named])
    return directory


def write_text_split(directory: Path, numbers: Mapping[str, Sequence[str]] = SPLIT) -> Path:
    """Lists as PseudoBinaural has them for its scene-disjoint splits, no newline after the last line; returns `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for part, named in numbers.items():
        (directory / f"{part}.txt").write_text("\n".join(f"{number}.mp3" for number in named))
    return directory
