"""What the gate of 360-degree video asks of a first-order sound field: is it one, and held as it should be?

Levels of the directional channels, and their sum, are taken between 500 and 7000 Hz. Below, a near source has more velocity
than pressure (3.4 dB at 100 Hz and 0.2 dB at 500 Hz for one half a metre away), and AAC's low-frequency channel, into which
six-channel sound often falls, is whole; above, microphones no longer tell directions.
"""

import math
from collections.abc import Iterator, Sequence
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
    stretches = list(_stretches(waveform, sample_rate, 1.0))
    power = np.mean([stretch.power for stretch in stretches], axis=0)
    raw = ambisonics.convert(waveform, "ambix", layout)
    directedness = _arrivals(stretches).directedness
    heard = directedness[~np.isnan(directedness)]
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

    waveform : (4, samples) ambiX; what is left over at the end counts as a stretch where it is more than half of one.
    """
    return _arrivals(list(_stretches(waveform, sample_rate, step_s)))


@dataclass(frozen=True)
class _Stretch:
    """Of a stretch of time, in the band: each channel's mean power (4,) and the mean intensity (3,), ahead, left and up."""

    start_s: float
    power: NDArray[np.float64]
    intensity: NDArray[np.float64]


def _stretches(waveform: Array, sample_rate: int, step_s: float) -> Iterator[_Stretch]:
    """Each stretch of `step_s` seconds; at the end, what is left over where it is more than half of one.

    The spectrum is taken of one at a time, since that of a whole film is large.
    """
    low, high = (round(edge * N_FFT / SAMPLE_RATE) for edge in _BAND_HZ)
    sound = resample(waveform, sample_rate)
    sound = np.pad(sound, [(0, 0), (0, max(0, N_FFT - sound.shape[1]))])
    around, num_frames = math.ceil(N_FFT / 2 / HOP_LENGTH), max(1, round(step_s * SAMPLE_RATE / HOP_LENGTH))
    length = num_frames * HOP_LENGTH
    for start in range(0, max(1, sound.shape[1] - length // 2), length):
        first = max(0, start - around * HOP_LENGTH)
        spectrum = stft(sound[:, first : start + length + around * HOP_LENGTH])[:, low : high + 1]
        skipped = (start - first) // HOP_LENGTH
        spectrum = spectrum[..., skipped : skipped + num_frames].astype(np.complex128)
        intensity = np.mean((spectrum[W].conj() * spectrum[[X, Y, Z]]).real, axis=(1, 2))
        yield _Stretch(start / SAMPLE_RATE, np.mean(np.abs(spectrum) ** 2, axis=(1, 2)), intensity)


def _arrivals(stretches: Sequence[_Stretch]) -> Arrivals:
    vectors = np.array([stretch.intensity for stretch in stretches])
    energies = np.array([stretch.power.sum() / 2 for stretch in stretches])
    azimuth_deg, elevation_deg = ambisonics.angles(vectors)
    directedness = np.linalg.norm(vectors, axis=-1) / np.maximum(energies, _SILENT)
    is_silent = energies < _SILENT * N_FFT
    blanked = [np.where(is_silent, np.nan, values) for values in (azimuth_deg, elevation_deg, directedness)]
    return Arrivals(np.array([stretch.start_s for stretch in stretches]), *blanked)


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
