"""How far a predicted binaural waveform is from the true one, in the five measures that the field publishes.

STFT and ENV distance are those of 2.5D Visual Sound (Gao & Grauman, CVPR 2019), Mag, Phase and SNR those that PseudoBinaural
(Xu et al., CVPR 2021) adds: the definitions are the ones of their evaluation programs, so that numbers can be set beside
theirs. Each waveform is divided by its peak over both channels first, as they do for what they publish.

Two things are kept as they are there. The STFT pads by reflection, librosa's default until 0.8: 2.5D Visual Sound ran on
Python 2.7, and PseudoBinaural appeared before 0.9, which pads with zeros and gives other numbers. And Mag is the squared
magnitude of the *complex* difference, hence twice the STFT distance: it says nothing that STFT does not.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import hilbert

from leftright.audio import LEFT, RIGHT, stft

Waveform: TypeAlias = NDArray[np.floating]
Measure: TypeAlias = NDArray[np.float64]

_PEAK_FLOOR = 1e-20
_SNR_FLOOR = 1e-4  # mean squares of waveforms of peak 1: no SNR is above 40 dB


def peak_normalised(waveform: Waveform) -> NDArray[np.float64]:
    """Divide by the largest magnitude, the same for both channels, so that the level difference stays. Silence stays silent.

    waveform : (..., 2, samples). Returns the same shape.
    """
    peak = np.abs(waveform).max(axis=(-2, -1), keepdims=True)
    return np.asarray(waveform, np.float64) / np.maximum(peak, _PEAK_FLOOR)


def stft_distance(predicted: Waveform, truth: Waveform) -> Measure:
    """Mean squared error of the real and imaginary parts of the STFT (512/400/160), summed over the channels; 0 is perfect.

    predicted, truth : (..., 2, samples) at 16 kHz. Returns (...).
    """
    return magnitude_distance(predicted, truth) / 2


def envelope_distance(predicted: Waveform, truth: Waveform) -> Measure:
    """Root mean squared error of the Hilbert envelopes, summed over the channels; 0 is perfect.

    predicted, truth : (..., 2, samples) at any rate. Returns (...).
    """
    return _envelope_distance(*_normalised(predicted, truth))


def magnitude_distance(predicted: Waveform, truth: Waveform) -> Measure:
    """Mean squared magnitude of the difference of the complex STFTs, summed over the channels: "Mag"; 0 is perfect.

    predicted, truth : (..., 2, samples) at 16 kHz. Returns (...).
    """
    predicted, truth = _normalised(predicted, truth)
    return _power(stft(predicted - truth))


def phase_distance(predicted: Waveform, truth: Waveform) -> Measure:
    """Mean difference in radians, 0 to pi, between the phases of the STFTs of left minus right: "Phase".

    Every bin counts the same, however weak. A bin of no energy has phase 0, so that a mono prediction is compared with zero:
    with most sounds it has pi / 2, which is chance. predicted, truth : (..., 2, samples) at 16 kHz. Returns (...).
    """
    predicted, truth = _normalised(predicted, truth)
    return _phase_distance(stft(_side(predicted)), stft(_side(truth)))


def snr_db(predicted: Waveform, truth: Waveform) -> Measure:
    """Power of the truth over that of the error, both channels together, each with 1e-4 added: at most 40 dB; higher is better.

    predicted, truth : (..., 2, samples). Returns (...).
    """
    return _snr_db(*_normalised(predicted, truth))


def measures(predicted: Waveform, truth: Waveform) -> dict[str, float]:
    """All five of one clip, transformed once: stft, env, mag, phase, snr_db.

    predicted, truth : (2, samples) at 16 kHz.
    """
    if predicted.ndim != 2:
        raise ValueError(f"expected one clip (2, samples), got {predicted.shape}")
    predicted, truth = _normalised(predicted, truth)
    # The transform is linear: that of the difference is the difference of the two, without their rounding.
    spectra = stft(np.stack([*(predicted - truth), _side(predicted), _side(truth)]))
    magnitude = float(_power(spectra[:2]))
    return {
        "stft": magnitude / 2,
        "env": float(_envelope_distance(predicted, truth)),
        "mag": magnitude,
        "phase": float(_phase_distance(spectra[2], spectra[3])),
        "snr_db": float(_snr_db(predicted, truth)),
    }


def _normalised(predicted: Waveform, truth: Waveform) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if predicted.shape != truth.shape:
        raise ValueError(f"prediction and truth differ in shape: {predicted.shape} and {truth.shape}")
    if truth.ndim < 2 or truth.shape[-2] != 2:
        raise ValueError(f"expected two channels (..., 2, samples), got {truth.shape}")
    return peak_normalised(predicted), peak_normalised(truth)


def _side(waveform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Left minus right: (..., 2, samples) -> (..., samples)."""
    return waveform[..., LEFT, :] - waveform[..., RIGHT, :]


def _power(spectrum: NDArray[np.complexfloating]) -> Measure:
    """Mean squared magnitude over bins and frames, summed over channels: (..., 2, bins, frames) -> (...)."""
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return power.mean(axis=(-2, -1), dtype=np.float64).sum(axis=-1)


def _phase_distance(predicted: NDArray[np.complexfloating], truth: NDArray[np.complexfloating]) -> Measure:
    """Mean over bins and frames of the angle between: (..., bins, frames) -> (...)."""
    # Zero plus one, since the angle of a zero depends on its sign.
    difference = np.abs(np.angle(predicted + (predicted == 0)) - np.angle(truth + (truth == 0)))
    return np.minimum(difference, 2 * np.pi - difference).mean(axis=(-2, -1), dtype=np.float64)


def _envelope_distance(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> Measure:
    error = np.abs(hilbert(predicted, axis=-1)) - np.abs(hilbert(truth, axis=-1))
    return np.sqrt(np.square(error).mean(axis=-1)).sum(axis=-1)


def _snr_db(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> Measure:
    signal, error = (np.square(part).mean(axis=(-2, -1)) for part in (truth, predicted - truth))
    return 10 * np.log10((signal + _SNR_FLOOR) / (error + _SNR_FLOOR))
