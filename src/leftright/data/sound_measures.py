"""What the filter asks of a clip's sound: is it two ears' worth, and is it off-centre?

Every measure is a number of the whole clip that does not change with the recording's gain, the level itself apart.
"""

import numpy as np
from numpy.typing import NDArray

from leftright.audio import (
    HOP_LENGTH,
    LEFT,
    N_FFT,
    RIGHT,
    SAMPLE_RATE,
    WIN_LENGTH,
    log_energy_difference,
    resample,
    stft,
)

Array = NDArray[np.floating]

_FLOOR_DB = -120.0
_FULL_SCALE = WIN_LENGTH / 4  # the magnitude of a sine of amplitude 1 under the Hann window
_QUIET = 1e-5  # a spectrogram's bin below -100 dB of full scale is silence
_POLARITY_BAND_HZ = (
    60.0,
    300.0,
)  # above the hum; below, a delay of 0.8 ms (a wide head) turns the phase by < 90 degrees


def measure_sound(
    waveform: Array, sample_rate: int, bin_s: float, lowest_hz: float, threshold_db: float
) -> dict[str, float]:
    """The sound's columns of the filtered manifest.

    waveform : (2, samples), full scale 1. bin_s, lowest_hz : see `level_differences`. threshold_db : from where on a time bin's
    level difference is "significantly different from zero".
    """
    spectrum = stft(resample(waveform, sample_rate))
    differences_db = level_differences(spectrum, bin_s, lowest_hz)
    return {
        "rms_db": float(channel_levels_db(waveform).min()),
        "channel_correlation": channel_correlation(waveform),
        "side_to_mid_db": side_to_mid_db(waveform),
        "polarity": polarity(spectrum),
        "offcentre_share": float(np.mean(np.abs(differences_db) > threshold_db)) if len(differences_db) else 0.0,
        "log_energy_difference_db": float(log_energy_difference(waveform)),
    }


def channel_levels_db(waveform: Array) -> NDArray[np.float64]:
    """Each channel's level in dB of full scale, not below -120. waveform : (channels, samples). Returns (channels,)."""
    power = np.mean(np.square(waveform, dtype=np.float64), axis=-1)
    return _decibels(power)


def channel_correlation(waveform: Array) -> float:
    """Correlation of left and right without delay: 1 where they differ by a gain alone, -1 where one is turned over.

    waveform : (2, samples). 0 where a channel is silent.
    """
    centred = waveform - waveform.mean(axis=-1, keepdims=True, dtype=np.float64)
    energy = np.prod(np.sum(np.square(centred), axis=-1))
    return float(np.sum(centred[LEFT] * centred[RIGHT]) / np.sqrt(energy)) if energy > 0 else 0.0


def side_to_mid_db(waveform: Array) -> float:
    """Energy of left minus right against left plus right, in dB from -120 (both channels are the same) to 120 (opposite).

    waveform : (2, samples).
    """
    side, mid = (np.sum(np.square(waveform[LEFT] + sign * waveform[RIGHT], dtype=np.float64)) for sign in (-1, 1))
    if mid == 0:
        return -_FLOOR_DB if side > 0 else _FLOOR_DB
    return min(float(_decibels(side / mid)), -_FLOOR_DB)


def polarity(spectrum: NDArray[np.complexfloating]) -> float:
    """Correlation of left and right at low frequencies, in -1..1: well below zero where one channel is turned over.

    There the delay between two ears turns the phase by less than a quarter, so that a real sound correlates positively wherever
    it comes from; over the full band a delay alone can make the correlation negative.

    spectrum : (2, 257, frames).
    """
    low, high = (round(edge * N_FFT / SAMPLE_RATE) for edge in _POLARITY_BAND_HZ)
    left, right = spectrum[:, low : high + 1]
    energy = np.sum(np.abs(left) ** 2) * np.sum(np.abs(right) ** 2)
    return float(np.sum((left * right.conj()).real) / np.sqrt(energy)) if energy > 0 else 0.0


def level_differences(spectrum: NDArray[np.complexfloating], bin_s: float, lowest_hz: float) -> NDArray[np.float64]:
    """The supplement's off-centre measure (section A): per time bin, how much louder the right is than the left, in dB.

    The log difference of the two magnitude spectrograms, averaged with the amplitude as weight over the frequencies
    from `lowest_hz` on, and over the frames of the time bin.

    spectrum : (2, 257, frames). bin_s : length of a time bin in seconds, at least one frame; what is left over at the
    end is dropped. Returns (bins,), positive where the sound is to the right and 0 in silence.
    """
    first = round(lowest_hz * N_FFT / SAMPLE_RATE)
    magnitude = np.abs(spectrum[:, first:]).astype(np.float64) / _FULL_SCALE
    difference_db = 20 * np.log10((magnitude[RIGHT] + _QUIET) / (magnitude[LEFT] + _QUIET))
    weight = magnitude.sum(axis=0)
    length = max(1, round(bin_s * SAMPLE_RATE / HOP_LENGTH))
    sums, weights = (_sums(values.sum(axis=0), length) for values in (weight * difference_db, weight))
    return sums / np.maximum(weights, _QUIET)


def _sums(values: Array, length: int) -> NDArray[np.float64]:
    """Sums of stretches of `length`. values : (frames,). Returns (frames // length,)."""
    return values[: len(values) // length * length].reshape(-1, length).sum(axis=1)


def led_around(waveform: Array, sample_rate: int, times_s: Array, window_s: float) -> NDArray[np.float64]:
    """The log energy difference of the sound in a window around each time, in dB.

    waveform : (2, samples). times_s : (times,). window_s : the window's length; at the ends of the clip it is cut.
    Returns (times,); NaN where the clip has no sound at that time.
    """
    values = np.full(len(times_s), np.nan)
    for index, time_s in enumerate(times_s):
        first, last = (round((time_s + side * window_s / 2) * sample_rate) for side in (-1, 1))
        window = waveform[:, max(0, first) : max(0, last)]
        if window.shape[1]:
            values[index] = log_energy_difference(window)
    return values


def _decibels(power: Array | float) -> NDArray[np.float64]:
    return 10 * np.log10(np.maximum(power, 10 ** (_FLOOR_DB / 10)))
