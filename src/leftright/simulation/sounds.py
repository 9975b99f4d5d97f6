"""Dry sounds made in code: speech, whisper, taps and brush strokes, each as a performance's events ask for it.

Speech is glottal pulses through formants, a whisper is noise through the same formants; a tap is a handful of damped modes; a
stroke is noise that swells. Every function returns (samples,) with an RMS of 1 while it sounds.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from leftright.simulation.acoustics import low_passed
from leftright.simulation.choreography import SPEAKING, TAPPING, Events
from leftright.simulation.performer import Instrument, Performer

Array = NDArray[np.floating]

# Formants of a, e, i, o, u and a neutral vowel in Hz, after Peterson and Barney (1952), rounded; the fourth hardly moves.
_FORMANTS = np.array(
    [
        [730, 1090, 2440, 3500],
        [530, 1840, 2480, 3600],
        [270, 2290, 3010, 3700],
        [570, 840, 2410, 3400],
        [300, 870, 2240, 3400],
        [490, 1350, 1690, 3300],
    ]
)
_BANDWIDTHS = np.array([90.0, 120.0, 180.0, 250.0])
_WHISPERED = slice(1, None)  # the open glottis of a whisper damps the first formant away
_NUM_MODES = 12
_FRICATIVE_SHARE = 0.35  # of syllables that begin with a hiss
_HIGH_VOICE_HZ = 150.0
_GLOTTAL_POLE = 0.7  # rounds the pulses, little, as a soft, breathy voice does
_LIPS_ZERO = 0.9  # radiation at the lips: +6 dB an octave, as near a microphone as in these videos


def dry_sound(
    performer: Performer, kind: str, events: Events, num_samples: int, sample_rate: int, rng: np.random.Generator
) -> Array:
    """The sound of a performance of `kind`, (num_samples,)."""
    if kind == SPEAKING:
        is_whispered = rng.random() < performer.whispers
        return speech(events, performer.pitch_hz, is_whispered, num_samples, sample_rate, rng)
    if kind == TAPPING:
        return taps(events, performer.tapped, num_samples, sample_rate, rng)
    return strokes(events, performer.brushed, num_samples, sample_rate, rng)


def speech(
    events: Events, pitch_hz: float, is_whispered: bool, num_samples: int, sample_rate: int, rng: np.random.Generator
) -> Array:
    """One vowel a syllable, some with a hiss before it; voiced at `pitch_hz` with a falling melody, or whispered."""
    waveform = np.zeros(num_samples + sample_rate, np.float32)
    for onset, duration, strength in zip(events.onsets_s, events.durations_s, events.strengths, strict=True):
        size, start = int(duration * sample_rate), int(onset * sample_rate)
        waveform[start : start + size] += strength * _vowel(size, pitch_hz, is_whispered, sample_rate, rng)
        if rng.random() < _FRICATIVE_SHARE:
            hiss = np.diff(rng.standard_normal(size // 3 + 1)) * np.hanning(size // 3)
            waveform[start : start + size // 3] += 0.5 * strength * hiss
    return _normalised(waveform[:num_samples])


def _vowel(size: int, pitch_hz: float, is_whispered: bool, sample_rate: int, rng: np.random.Generator) -> Array:
    """A vowel of `size` samples that swells and fades, RMS 1."""
    excitation = rng.standard_normal(size, np.float32)
    used = _WHISPERED if is_whispered else slice(None)
    if not is_whispered:
        excitation = _glottal(size, pitch_hz * rng.uniform(0.85, 1.2), sample_rate, excitation)
    radiated = signal.lfilter([1.0, -_LIPS_ZERO], [1.0], excitation)
    throat = 1.0 if pitch_hz < _HIGH_VOICE_HZ else 1.15  # a shorter one has higher formants
    formants = _FORMANTS[rng.integers(len(_FORMANTS)), used] * throat
    vowel = signal.sosfilt(_resonators(formants, _BANDWIDTHS[used], sample_rate), radiated)
    vowel *= np.sin(np.pi * np.linspace(0, 1, size)) ** 0.6
    return vowel / (np.sqrt(np.mean(vowel**2)) + 1e-12)


def taps(events: Events, instrument: Instrument, num_samples: int, sample_rate: int, rng: np.random.Generator) -> Array:
    """Each tap a dull knock: a dozen modes of the thing that is tapped, quickly damped, and the fingertip's click."""
    times = np.arange(int(0.2 * sample_rate)) / sample_rate
    frequencies = instrument.pitch_hz * np.concatenate([[1.0], np.sort(rng.uniform(1.2, 9.0, size=_NUM_MODES - 1))])
    decays, gains = rng.uniform(0.004, 0.02, size=_NUM_MODES), rng.uniform(0.3, 1.0, size=_NUM_MODES)
    modes = np.sin(2 * np.pi * frequencies[:, None] * times) * np.exp(-times / decays[:, None])
    click = rng.standard_normal(times.size) * np.exp(-times / 0.006)
    tap = gains @ modes + 3 * click
    impulses = np.zeros(num_samples)
    impulses[(events.onsets_s * sample_rate).astype(int)] = events.strengths
    return _normalised(signal.oaconvolve(impulses, tap)[:num_samples])


def strokes(
    events: Events, instrument: Instrument, num_samples: int, sample_rate: int, rng: np.random.Generator
) -> Array:
    """Each stroke a swell of noise around the instrument's pitch, rough as bristles are."""
    times = np.arange(num_samples) / sample_rate
    index = np.clip(np.searchsorted(events.onsets_s, times, side="right") - 1, 0, None)
    progress = np.clip((times - events.onsets_s[index]) / events.durations_s[index], 0, 1)
    swell = np.sin(np.pi * progress) ** 0.8 * events.strengths[index]
    rough = 1 + 3 * low_passed(rng.standard_normal(num_samples, np.float32), 60, sample_rate)
    low = instrument.pitch_hz
    band = signal.butter(1, [low, min(low * 12, 0.45 * sample_rate)], "bandpass", fs=sample_rate, output="sos")
    return _normalised(signal.sosfilt(band, rng.standard_normal(num_samples, np.float32)) * swell * rough)


def _glottal(size: int, pitch_hz: float, sample_rate: int, breath: Array) -> Array:
    melody = pitch_hz * np.linspace(1.06, 0.94, size)
    phase = np.cumsum(melody) / sample_rate
    pulses = np.diff(np.floor(phase), prepend=0.0)
    return signal.lfilter([1.0], [1.0, -_GLOTTAL_POLE], pulses) + 0.02 * breath


def _resonators(formants: Array, bandwidths: Array, sample_rate: int) -> Array:
    """Second-order sections (formants, 6), one a formant, in a row."""
    radius = np.exp(-np.pi * bandwidths / sample_rate)
    middle = -2 * radius * np.cos(2 * np.pi * formants / sample_rate)
    gain = 1 + middle + radius**2
    zeros = np.zeros_like(gain)
    return np.stack([gain, zeros, zeros, np.ones_like(gain), middle, radius**2], axis=-1)


def _normalised(waveform: Array) -> Array:
    loud = np.abs(waveform) > 1e-3 * np.abs(waveform).max()
    return (waveform / (np.sqrt(np.mean(waveform[loud] ** 2)) + 1e-12)).astype(np.float32)
