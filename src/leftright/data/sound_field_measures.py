"""What the gate of 360-degree video asks of a first-order sound field: is it one, and held as it should be?

Levels of the directional channels, and their sum, are taken between 500 and 7000 Hz. Below, a near source has more velocity
than pressure (1.1 dB at 300 Hz and 0.4 dB at 500 Hz for one half a metre away), and AAC's low-frequency channel, into which
six-channel sound often falls, is whole; above, microphones no longer tell directions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leftright import ambisonics
from leftright.ambisonics import Layout, W, X, Y, Z
from leftright.audio import HOP_LENGTH, N_FFT, SAMPLE_RATE, resample, stft

Array = NDArray[np.floating]

_BAND_HZ = (500.0, 7000.0)
_FLOOR_DB = -120.0
_SILENT = 1e-12  # power (-120 dB of full scale)


@dataclass(frozen=True)
class Arrivals:
    """Where the sound comes from, a value a stretch of time; NaN in silence.

    start_s : (stretches,). azimuth_deg, elevation_deg : likewise. directedness : |intensity| / energy, 1 for one plane wave
    and 0 where sound comes from everywhere alike.
    """

    start_s: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]
    directedness: NDArray[np.float64]


def measure_sound_field(waveform: Array, sample_rate: int, layout: Layout = "ambix") -> dict[str, float]:
    """The sound field's measures, none of which but the level changes with the recording's gain.

    waveform : (4, samples) ambiX, full scale 1. layout : how the file held it. Returns `rms_db` of W, of full scale; `left_db`,
    `up_db` and `ahead_db` of Y, Z and X against W; `velocity_db` of the three together against W, 0 for sound from afar;
    `copy_db`, by how much the file's channels differ from its first; `directedness`, the median over seconds.
    """
    power = _band_power(stft(resample(waveform, sample_rate)))
    raw = ambisonics.convert(waveform, "ambix", layout)
    arrivals = directions_of_arrival(waveform, sample_rate)
    heard = arrivals.directedness[~np.isnan(arrivals.directedness)]
    return {
        "rms_db": _decibels(np.mean(np.square(waveform[W], dtype=np.float64))),
        "left_db": _ratio_db(power[Y], power[W]),
        "up_db": _ratio_db(power[Z], power[W]),
        "ahead_db": _ratio_db(power[X], power[W]),
        "velocity_db": _ratio_db(power[Y] + power[Z] + power[X], power[W]),
        "copy_db": max(_difference_db(channel, raw[0]) for channel in raw[1:]),
        "directedness": float(np.median(heard)) if len(heard) else 0.0,
    }


def directions_of_arrival(waveform: Array, sample_rate: int, step_s: float = 1.0) -> Arrivals:
    """Where the sound of each stretch of `step_s` seconds comes from, by its mean intensity in the band that tells directions.

    waveform : (4, samples) ambiX; what is left over at the end counts as a stretch where it is half of one.
    """
    low, high = _band_bins()
    spectrum = stft(resample(waveform, sample_rate))[:, low:high].astype(np.complex128)
    velocity = spectrum[[X, Y, Z]]
    intensity = np.sum((spectrum[W].conj() * velocity).real, axis=1).T  # (frames, 3)
    energy = (np.sum(np.abs(spectrum[W]) ** 2, axis=0) + np.sum(np.abs(velocity) ** 2, axis=(0, 1))) / 2
    length = max(1, round(step_s * SAMPLE_RATE / HOP_LENGTH))
    starts = [start for start in range(0, len(energy), length) if start == 0 or len(energy) - start >= length / 2]
    vectors = np.array([intensity[start : start + length].sum(axis=0) for start in starts])
    energies = np.array([energy[start : start + length].sum() for start in starts])
    is_silent = energies / length / (high - low) < _SILENT * N_FFT
    azimuth_deg, elevation_deg = ambisonics.angles(vectors)
    directedness = np.linalg.norm(vectors, axis=-1) / np.maximum(energies, _SILENT)
    blanked = [np.where(is_silent, np.nan, values) for values in (azimuth_deg, elevation_deg, directedness)]
    return Arrivals(np.array(starts) * HOP_LENGTH / SAMPLE_RATE, *blanked)


def _band_bins() -> tuple[int, int]:
    low, high = (round(edge * N_FFT / SAMPLE_RATE) for edge in _BAND_HZ)
    return low, high + 1


def _band_power(spectrum: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    """The power of each channel in the band. spectrum : (channels, 257, frames). Returns (channels,)."""
    low, high = _band_bins()
    return np.mean(np.abs(spectrum[:, low:high].astype(np.complex128)) ** 2, axis=(1, 2))


def _difference_db(channel: Array, reference: Array) -> float:
    """The power of what two channels differ in, against that of the reference."""
    difference, whole = (np.mean(np.square(values, dtype=np.float64)) for values in (channel - reference, reference))
    return _ratio_db(float(difference), float(whole))


def _ratio_db(power: float, reference: float) -> float:
    """From -120 (or no reference) to 120 dB."""
    return (
        float(np.clip(_decibels(power) - _decibels(reference), _FLOOR_DB, -_FLOOR_DB)) if reference > 0 else _FLOOR_DB
    )


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, _SILENT)))
