"""Clips made in code: a flash that is heard as a click, at known times and on a known side; and tables that name them."""

from pathlib import Path

import av
import numpy as np
import pandas as pd

from leftright.files import sha256

FLASH_TIMES_S = (0.5, 1.5)
CLICK_S = 1 / 30
DURATION_S = 2.5


def write_media(path: Path, waveform: np.ndarray, sample_rate: int, frames: np.ndarray, frame_rate: int) -> None:
    """Waveform : (2, samples) float, full scale 1. frames : (time, height, width, 3) RGB. PCM and H.264 in Matroska."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=frame_rate, options={"crf": "18", "preset": "ultrafast"})
        picture.height, picture.width, picture.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=sample_rate, layout="stereo")
        for frame in frames:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(picture.encode(None))
        samples = np.round(waveform.T * 32767).astype(np.int16).reshape(1, -1)
        block = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        block.sample_rate = sample_rate
        container.mux(sound.encode(block))
        container.mux(sound.encode(None))


def write_flash_clip(path: Path, *, side: int, tint: int = 0, sample_rate: int = 48_000, frame_rate: int = 30) -> None:
    """2.5 s of darkness; at FLASH_TIMES_S one half (0 left, 1 right) is bright for 1/30 s while that channel clicks."""
    num_samples = round(DURATION_S * sample_rate)
    waveform = np.zeros((2, num_samples))
    frames = np.full((round(DURATION_S * frame_rate), 48, 96, 3), (16 + tint, 16, 16), np.uint8)
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(round(CLICK_S * sample_rate)) / sample_rate)
    for time_s in FLASH_TIMES_S:
        start = round(time_s * sample_rate)
        waveform[side, start : start + len(tone)] = tone
        frames[round(time_s * frame_rate), :, side * 48 : (side + 1) * 48] = 235
    write_media(path, waveform, sample_rate, frames, frame_rate)


def curated_table(collected: Path, names: list[str]) -> pd.DataFrame:
    """The rows that curate would write for `collected / clips / <name>.mkv`, one video a clip and two videos a channel."""
    rows = []
    for number, name in enumerate(names):
        path = Path("clips") / f"{name}.mkv"
        split = ("train", "val", "test")[number % 3]
        rows.append(
            {
                "clip": name,
                "video": f"v{number}",
                "channel": f"c{number // 2}",
                "start_ms": 0,
                "end_ms": 2500,
                "source": "folder",
                "url": "",
                "title": f"Title {number}",
                "path": str(path),
                "sha256": sha256(collected / path),
                "kept": True,
                "scene": f"s{number}",
                "split_video": split,
                "split_channel": split,
                "split_scene": split,
                "log_energy_difference_db": -6.0 + number,
                "face_times_s": [0.5, 1.5],
                "face_xs": [0.25, float("nan")],
                "face_lefts": [0.125, float("nan")],
                "face_tops": [0.25, float("nan")],
                "face_rights": [0.375, float("nan")],
                "face_bottoms": [0.75, float("nan")],
                "face_led_db": [-3.0, 3.0],
                "video_duration_s": DURATION_S,
            }
        )
    return pd.DataFrame(rows)
