"""What could be guessed about a clip without listening to it or looking at it (supplement, section B, "Baselines").

For a test clip, all other clips of the same channel are asked where the sound was on average (sound prior), where their
picture differs most from its average pixel (salience prior), and where it moves most (motion prior). A model whose
predictions are no better than these has learnt the habits of performers, not the correspondence of sight and sound.

Places are window positions of a horizontal sliding window over the full height; `leftright.metrics.regions` makes them.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.metrics.regions import mode, strongest, window_sums

_HEIGHT_AXIS = -2

PRIORS = ("sound_prior", "salience_prior_x", "motion_prior_x")
"""The columns of the guesses: a level difference in dB, and two places as fractions of the picture."""


def salience_columns(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Squared distance of each column's pixels to the average pixel of the video.

    frames : (time, 3, height, width), of one clip. The average pixel is one colour, over time and picture. Returns (width,).
    """
    average = frames.mean(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)
    distance = frames.astype(np.float32) - average[:, np.newaxis, np.newaxis]
    return _column_energy(distance)


def motion_columns(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Squared distance of each column's pixels between subsequent frames.

    frames : (time, 3, height, width), of one clip. Returns (width,), zeros for fewer than two frames.
    """
    return _column_energy(np.diff(frames.astype(np.float32), axis=0))


def _column_energy(distance: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.square(distance).sum(axis=_HEIGHT_AXIS, dtype=np.float64).sum(axis=(0, 1))


def strongest_window(
    columns: NDArray[np.float64], starts: NDArray[np.int64], window_px: int, positions: NDArray[np.float64]
) -> float:
    """The position of the window that holds most of a per-column score.

    columns : (width,). starts : (windows,) first pixels. positions : (windows,) what each window is called, such as its
        centre as a fraction of the picture.
    """
    return strongest(window_sums(columns, starts, window_px), positions)


def channel_priors(judged: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Each judged video's three guesses, made from the other videos of its channel.

    judged : rows with `video` and `channel`. reference : one row a clip that may be asked, with `video`, `channel`, `led_db`,
        `salience_x`, `motion_x`; a video is never asked about itself.
    Returns one row a judged video, indexed by video, with the columns of PRIORS: the mean level difference in dB, and the
    modes of the places. All three are NaN where there is no other video.
    """
    clips_of = dict(iter(reference.groupby("channel")))
    rows = {}
    for video, channel in judged[["video", "channel"]].drop_duplicates().itertuples(index=False):
        clips = clips_of.get(channel, reference.iloc[:0])
        rows[video] = _guesses(clips[clips["video"] != video])
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(PRIORS), dtype="float64").rename_axis("video")


def _guesses(others: pd.DataFrame) -> tuple[float, float, float]:
    return others["led_db"].mean(), mode(others["salience_x"].tolist()), mode(others["motion_x"].tolist())
