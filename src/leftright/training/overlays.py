"""What the audio network hears laid over what is seen: a video a clip (supplement, section E, acoustic localisation)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright import ambisonics, video
from leftright.audio import SAMPLE_RATE
from leftright.clips import locate
from leftright.data.sound_field import ReadAs, read_sound_field
from leftright.figures import sphere as figures
from leftright.metrics.azimuth_plane import AzimuthPlane
from leftright.models.sphere_network import SphereNetwork
from leftright.training.azimuth import follow
from leftright.video_files import write_mp4

_FRAME_RATE = 10
_LEAST_HEIGHT = 192  # of the written picture: a small one is enlarged
_STRIP_FRAMES = 4


def choose(checked: pd.DataFrame, aligned: pd.DataFrame, count: int) -> pd.DataFrame:
    """A clip each of `count` test videos, evenly from the surest to the least sure, so that nobody chose them.

    checked : the manifest of kept and rejected clips. aligned : `video` and `confidence` of the test videos.
    """
    order = aligned.sort_values(["confidence", "video"], ascending=False)["video"].tolist()
    places = np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)).tolist()
    clips = checked[checked["verdict"] == "kept"].sort_values("clip").drop_duplicates("video").set_index("video")
    return clips.loc[[order[place] for place in places]].reset_index()


def write(
    folder: Path, row: Mapping[str, Any], directories: Sequence[Path], network: SphereNetwork, plane: AzimuthPlane,
    window_s: float, layout: ReadAs,
) -> None:  # fmt: skip
    """Write `<clip>.mp4` and `<clip>.png`, a strip of its pictures, to `folder`."""
    path = locate(row["path"], directories)
    waveform = read_sound_field(path, layout)
    times_s = np.arange(int(waveform.shape[1] / SAMPLE_RATE * _FRAME_RATE)) / _FRAME_RATE
    heard_deg, strength = follow(network, plane, waveform, window_s, times_s.tolist())
    frames = figures.enlarged(video.decode_frames(path, times_s), _LEAST_HEIGHT)
    share = np.clip(strength / max(float(np.quantile(strength, 0.8)), 1e-9), 0, 1)
    drawn = [figures.overlaid(*each) for each in zip(frames, heard_deg, share, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    write_mp4(
        folder / f"{row['clip']}.mp4", iter(drawn), _two_ears(waveform), frame_rate=_FRAME_RATE, sample_rate=SAMPLE_RATE,
        quality=26, audio_bit_rate=128_000,
    )  # fmt: skip
    chosen = np.linspace(0, len(drawn) - 1, _STRIP_FRAMES + 2).round().astype(int)[1:-1]
    figures.strip(
        folder / f"{row['clip']}.png", [drawn[place] for place in chosen], times_s[chosen].tolist(), row["video"]
    )


def _two_ears(waveform: NDArray[np.float32]) -> NDArray[np.floating]:
    """What two cardioids hear that point left and right: enough to hear on which side something is."""
    pair = np.stack([ambisonics.steer(waveform, azimuth) for azimuth in (90, -90)])
    return pair * min(1.0, 0.9 / max(float(np.abs(pair).max()), 1e-9))
