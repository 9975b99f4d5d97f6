"""What two ears hear of a moving source: delay, head shadow and distance on a spherical head, and the room's answer.

The path to an ear is straight where the ear sees the source and follows the sphere where it does not, which at a distance
is Woodworth's interaural delay a/c (A + sin A). The shadow is the one-pole, one-zero filter of Brown and Duda, "A structural
model for binaural sound synthesis" (IEEE Trans. Speech and Audio Processing 6(5), 1998, equations 3-4). Its pole does not
depend on the direction: it mixes the sound with one low-passed copy, so that a moving source costs no more than a still one.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from leftright.simulation.camera import LEFTWARD

Array = NDArray[np.floating]

SPEED_OF_SOUND = 343.0  # m/s
HEAD_RADIUS = 0.0875  # m, Woodworth's and Brown and Duda's
_BLOCK = 8192  # samples: what fits into a core's cache is twice as fast
_DIRECTIVITY = 2.5  # of a mouth, about 4 dB
_SHADOW_MIN = 0.1  # Brown and Duda's alpha_min
_SHADOW_ANGLE = np.radians(150)  # Brown and Duda's theta_min


def ear_paths(position: Array) -> tuple[Array, Array]:
    """How far the sound goes to each ear, and how far off that ear's axis it comes from.

    position : (steps, 3) metres. Returns path lengths in metres and angles in radians, each (2, steps), left first.
    """
    distance = np.maximum(np.linalg.norm(position, axis=-1), 1.05 * HEAD_RADIUS)
    toward_left = np.clip(position[..., LEFTWARD] / distance, -1, 1)
    angle = np.arccos(np.stack([toward_left, -toward_left]))
    straight = np.sqrt(distance**2 + HEAD_RADIUS**2 - 2 * distance * HEAD_RADIUS * np.cos(angle))
    horizon = np.arccos(HEAD_RADIUS / distance)
    around = np.sqrt(distance**2 - HEAD_RADIUS**2) + HEAD_RADIUS * (angle - horizon)
    return np.where(angle <= horizon, straight, around), angle


def spherical_head(dry: Array, position: Array, sample_rate: int) -> Array:
    """The two ears' sound of a moving source.

    dry : (samples,) as heard at one metre. position : (steps, 3) metres, spread evenly over the sound.
    Returns (2, samples), left first. The delay of a source at one metre is taken off, so that sound and picture stay together.
    """
    paths, angles = ear_paths(position)
    shadows = (1 + _SHADOW_MIN / 2) + (1 - _SHADOW_MIN / 2) * np.cos(angles / _SHADOW_ANGLE * np.pi)
    steps = Steps(len(position), dry.size)
    ears = []
    for path, shadow in zip(paths, shadows, strict=True):
        arriving = delayed(dry, steps.spread((path - 1.0) / SPEED_OF_SOUND * sample_rate)) * steps.spread(1 / path)
        low = low_passed(arriving, SPEED_OF_SOUND / HEAD_RADIUS / np.pi, sample_rate)
        ears.append(low + steps.spread(shadow) * (arriving - low))
    return np.stack(ears)


class Steps:
    """Even steps over a sound, from its first sample to its last, and how to get from values at the steps to every sample."""

    def __init__(self, num_steps: int, num_samples: int) -> None:
        moment = np.linspace(0, num_steps - 1, num_samples)
        self._index = np.minimum(moment.astype(np.int32), num_steps - 2)
        self._fraction = (moment - self._index).astype(np.float32)

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """(steps,) to (samples,)."""
        start, rise = values[:-1].astype(np.float32), np.diff(values).astype(np.float32)
        return start[self._index] + self._fraction * rise[self._index]


def delayed(waveform: Array, delay: Array) -> Array:
    """`waveform` at n - delay[n], by cubic Lagrange interpolation; silence beyond its ends. Delays are in samples."""
    margin = int(np.ceil(np.abs(delay).max())) + 4
    padded = np.pad(waveform, margin)
    shifted = np.empty_like(waveform)
    for start in range(0, waveform.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        shifted[block] = _interpolated(padded, margin + start, delay[block])
    return shifted


def _interpolated(padded: Array, start: int, delay: Array) -> Array:
    whole = np.floor(delay)
    t = (whole + 1) - delay
    index = np.arange(start - 1, start - 1 + delay.size) - whole.astype(np.int64)
    before, here, after, beyond = (padded.take(index + offset) for offset in (-1, 0, 1, 2))
    odd = (beyond - before) / 6 + (here - after) / 2
    even = (before + after) / 2 - here
    slope = after - before / 3 - here / 2 - beyond / 6
    return here + t * (slope + t * (even + t * odd))


def low_passed(waveform: Array, corner_hz: float, sample_rate: int) -> Array:
    """`waveform` (..., samples) through one pole at `corner_hz`."""
    numerator, denominator = signal.butter(1, corner_hz, fs=sample_rate)
    # In single precision all through, at half the cost: the taps' type would make it double.
    single = waveform.astype(np.float32, copy=False)
    return signal.lfilter(numerator.astype(np.float32), denominator.astype(np.float32), single)


def reverberation(dry: Array, rt60_s: float, volume_m3: float, sample_rate: int, rng: np.random.Generator) -> Array:
    """The room's diffuse answer, the same wherever the source is: two unlike tails that decay by 60 dB in `rt60_s`.

    Its energy is that of the direct sound at the critical distance.
    dry : (samples,) as heard at one metre. Returns (2, samples).
    """
    times = np.arange(int(rt60_s * sample_rate), dtype=np.float32) / sample_rate
    tails = rng.standard_normal((2, times.size), np.float32) * 10 ** (-3 * times / rt60_s)
    tails /= np.sqrt(np.sum(tails**2, axis=-1, keepdims=True))
    return signal.oaconvolve(dry[None], tails / critical_distance(rt60_s, volume_m3), axes=-1)[:, : dry.size]


def critical_distance(rt60_s: float, volume_m3: float) -> float:
    """Where a source's direct sound is as strong as the room's answer: 0.057 sqrt(Q V / RT60) metres (Sabine).

    Q is the directivity of a source that faces the listener.
    """
    return 0.057 * np.sqrt(_DIRECTIVITY * volume_m3 / rt60_s)


def room_tone(num_samples: int, level_db: float, sample_rate: int, rng: np.random.Generator) -> Array:
    """The hush of a room: soft low noise that correlates by a half between the ears.

    level_db : RMS in dB of full scale. Returns (2, num_samples).
    """
    left, other = low_passed(rng.standard_normal((2, num_samples), np.float32), 1200, sample_rate)
    tone = np.stack([left, 0.5 * left + math.sqrt(0.75) * other])
    return tone * (10 ** (level_db / 20) / np.std(tone))
