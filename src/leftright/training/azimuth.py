"""What the audio network of the rotation task knows of azimuth, and how its embedding is read (supplement, section E, figure
2).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from leftright import ambisonics
from leftright.audio import SAMPLE_RATE, from_pcm
from leftright.data import tau
from leftright.data.windows import ClipStore, Window
from leftright.metrics.azimuth_plane import AzimuthPlane, fit_azimuth_plane
from leftright.metrics.bootstrap import bootstrap, bootstrap_mean
from leftright.metrics.circular import circular_correlation
from leftright.models.sphere_network import SphereNetwork
from leftright.results import Value

_WINDOWS_PER_BATCH = 32


@torch.inference_mode()
def embed(network: SphereNetwork, waveform: NDArray[np.floating]) -> NDArray[np.float64]:
    """Audio embeddings of sound fields (batch, 4, samples), full scale 1, of any length: their mean over time, (batch,
    features).
    """
    device = next(network.parameters()).device
    sound = torch.from_numpy(np.asarray(waveform, np.float32)).to(device)
    return network.audio_embedding(sound).mean(dim=-1).double().cpu().numpy()


def fit_plane(network: SphereNetwork, store: ClipStore, windows: Sequence[Window]) -> AzimuthPlane:
    """The plane of azimuth in the embeddings of training windows. Their intensity's direction tells which way round it runs."""
    network.eval()
    embeddings, directions = [], []
    for batch in _batches(store, windows):
        embeddings.append(embed(network, batch))
        directions.append(ambisonics.direction_of_arrival(batch)[0])
    return fit_azimuth_plane(np.concatenate(embeddings), np.concatenate(directions))


def _batches(store: ClipStore, windows: Sequence[Window]) -> Iterator[NDArray[np.float32]]:
    for first in range(0, len(windows), _WINDOWS_PER_BATCH):
        yield np.stack([from_pcm(store.waveform(window)) for window in windows[first : first + _WINDOWS_PER_BATCH]])


def lone_events(events: pd.DataFrame, min_duration_s: float) -> pd.DataFrame:
    """The events that nothing else in their recording overlaps, and that last long enough to be heard by the network.

    events : `recording`, `start_s`, `end_s`. Returns their rows.
    """
    is_lone = np.ones(len(events), dtype=bool)
    for _, rows in events.groupby("recording"):
        start, end = rows["start_s"].to_numpy(), rows["end_s"].to_numpy()
        overlaps = (start[:, None] < end) & (start < end[:, None])
        is_lone[events.index.get_indexer(rows.index)] = overlaps.sum(axis=1) == 1
    is_long = (events["end_s"] - events["start_s"]).to_numpy() >= min_duration_s
    return events[is_lone & is_long]


def events_of(sets: Sequence[Path], min_duration_s: float) -> tuple[pd.DataFrame, list[NDArray[np.float32]]]:
    """The lone events of sets in TAU's form, and each one's sound field (4, samples), 16 kHz.

    sets : directories of sets, or such as hold one as `tau`. Raises InputError for a set that is incomplete.
    """
    tables, sounds = [], []
    for place in sets:
        root = place if (place / "metadata_dev").is_dir() or not (place / "tau").is_dir() else place / "tau"
        recordings = tau.find_recordings(root)
        lone = lone_events(tau.read_events(recordings), min_duration_s)
        tables.append(lone)
        files = {each.recording: each.sound for each in recordings}
        for name, rows in lone.groupby("recording", sort=False):
            waveform = tau.read_sound(files[str(name)])
            spans = (rows[["start_s", "end_s"]].to_numpy() * SAMPLE_RATE).round().astype(int)
            sounds += [waveform[:, start:end] for start, end in spans]
    return pd.concat(tables, ignore_index=True), sounds


def place_events(
    network: SphereNetwork, plane: AzimuthPlane, events: pd.DataFrame, sounds: Sequence[NDArray[np.float32]]
) -> pd.DataFrame:
    """Where the network hears each event.

    events : a row an event. sounds : each event's sound field (4, samples), 16 kHz. Returns the rows with `first` and `second`,
    the principal components, and `heard_deg`.
    """
    network.eval()
    embeddings = np.concatenate([embed(network, sound[None]) for sound in sounds])
    first, second = plane.components(embeddings).T
    return events.assign(first=first, second=second, heard_deg=plane.azimuth_deg(embeddings))


def values(placed: pd.DataFrame, num_resamples: int) -> dict[str, Value]:
    """How well the azimuths agree: `correlation`, circular, and `error_deg`, the mean absolute one; intervals resample
    recordings.
    """
    heard, true = placed["heard_deg"].to_numpy(), placed["azimuth_deg"].to_numpy()
    recordings = placed["recording"].tolist()

    def correlation(rows: NDArray[np.int64]) -> float:
        return circular_correlation(heard[rows], true[rows])

    errors = np.abs(ambisonics.wrapped(heard - true))
    return {
        "correlation": bootstrap(correlation, recordings, num_resamples=num_resamples),
        "error_deg": bootstrap_mean(errors.tolist(), recordings, num_resamples=num_resamples),
    }


def follow(
    network: SphereNetwork,
    plane: AzimuthPlane,
    waveform: NDArray[np.floating],
    window_s: float,
    times_s: Sequence[float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The azimuth heard around each time, in degrees, and how far the embedding lies from the plane's middle there: (times,)
    each.

    waveform : (4, samples), 16 kHz. The second is about 0 where the network hears no direction.
    """
    network.eval()
    length = round(window_s * SAMPLE_RATE)
    padded = np.pad(waveform, ((0, 0), (length // 2, length)))
    starts = [min(round(time_s * SAMPLE_RATE), waveform.shape[1]) for time_s in times_s]
    windows = np.stack([padded[:, start : start + length] for start in starts])
    parts = range(0, len(windows), _WINDOWS_PER_BATCH)
    embeddings = np.concatenate([embed(network, windows[first : first + _WINDOWS_PER_BATCH]) for first in parts])
    return plane.azimuth_deg(embeddings), np.linalg.norm(plane.components(embeddings), axis=1)
