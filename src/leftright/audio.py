"""Sound: the constants every spectrogram shares, and what left and right mean.

Channel 0 is left. The log energy difference is positive where the sound is to the right, so it grows with image x.
Constants are the paper's (supplement, sections B-D); what follows from them is computed here, once.
"""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

LEFT, RIGHT = 0, 1
SAMPLE_RATE = 16_000
N_FFT = 512
WIN_LENGTH = 400
HOP_LENGTH = 160

PCM_FULL_SCALE = 32_768
"""Divide 16-bit samples by it for a waveform with full scale 1."""

Waveform = TypeVar("Waveform")  # a numpy array or a torch tensor: this module imports no torch

_FLOOR = 1e-10  # -100 dB of full-scale power: below it a bin is silence


def num_stft_frames(num_samples: int) -> int:
    """Frames of a centred STFT: 45,920 samples (2.87 s) -> 288."""
    return 1 + num_samples // HOP_LENGTH


def swap_channels(waveform: Waveform) -> Waveform:
    """Exchange left and right.

    waveform : (..., 2, samples). Returns the same shape. Applied twice it is the identity.
    """
    if waveform.shape[-2] != 2:  # type: ignore[attr-defined]
        raise ValueError(f"expected two channels, got {waveform.shape[-2]}")  # type: ignore[attr-defined]
    return waveform[..., [RIGHT, LEFT], :]  # type: ignore[index]


def to_pcm(waveform: NDArray[np.floating]) -> NDArray[np.int16]:
    """A waveform with full scale 1 as 16-bit samples, of the same shape; what is beyond full scale is clipped."""
    return np.clip(np.round(waveform * PCM_FULL_SCALE), -PCM_FULL_SCALE, PCM_FULL_SCALE - 1).astype(np.int16)


def from_pcm(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """16-bit samples as a waveform with full scale 1, of the same shape."""
    return samples.astype(np.float32) / np.float32(PCM_FULL_SCALE)


def log_energy_difference(waveform: NDArray[np.floating]) -> NDArray[np.float64]:
    """The approximate horizontal location of the sound (supplement, section B): right minus left log energy, in dB.

    waveform : (..., 2, samples), full scale 1. Returns (...): positive where the sound is to the right.
    """
    power = np.mean(np.square(waveform, dtype=np.float64), axis=-1) + _FLOOR
    level_db = 10 * np.log10(power)
    return level_db[..., RIGHT] - level_db[..., LEFT]


def resample(waveform: NDArray[np.floating], sample_rate: int, target_rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Bring a waveform to another rate through a polyphase low-pass filter, the same for every channel.

    waveform : (..., samples) at `sample_rate` Hz. Returns (..., ceil(samples * target_rate / sample_rate)). The filter has
    linear phase and its delay is taken out, so that interaural delays and onsets stay where they are.
    """
    from scipy.signal import resample_poly

    common = math.gcd(sample_rate, target_rate)
    resampled = resample_poly(waveform, target_rate // common, sample_rate // common, axis=-1)
    return np.asarray(resampled, np.float32)


def stft(waveform: NDArray[np.floating]) -> NDArray[np.complex64]:
    """Centred short-time Fourier transform at the shared sizes, as torch.stft gives it with a periodic Hann window.

    waveform : (..., samples) at SAMPLE_RATE, at least N_FFT // 2 + 1 samples. Returns (..., 257, num_stft_frames(samples)).
    """
    edge = (N_FFT - WIN_LENGTH) // 2
    window = np.pad(np.hanning(WIN_LENGTH + 1)[:-1], (edge, N_FFT - WIN_LENGTH - edge)).astype(np.float32)
    around = [(0, 0)] * (waveform.ndim - 1) + [(N_FFT // 2, N_FFT // 2)]
    padded = np.pad(np.asarray(waveform, np.float32), around, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT, axis=-1)[..., ::HOP_LENGTH, :]
    return np.fft.rfft(frames * window).astype(np.complex64, copy=False).swapaxes(-1, -2)
