"""What four coincident microphones hear: sources as plane waves, a diffuse room around them, and the hush.

Channels are ambiX (`leftright.ambisonics`). A diffuse field has equal power from every direction; in SN3D its Y, Z and X each
have a third of the power of W, and no two channels correlate.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from leftright import ambisonics
from leftright.simulation.acoustics import SPEED_OF_SOUND, Steps, critical_distance, delayed, low_passed

Array = NDArray[np.floating]

_DIFFUSE = np.sqrt([1, 1 / 3, 1 / 3, 1 / 3]).astype(np.float32)[:, None]  # W, Y, Z, X
_CHORDS = (1.0, 5 / 4, 3 / 2, 15 / 8)  # a major seventh
_TONE_CORNER_HZ = 1200.0


def arriving(dry: Array, distance_m: NDArray[np.float64], sample_rate: int) -> Array:
    """The sound of a source where the listener is, if nothing is between: 1/r and delay, Doppler shift included.

    dry : (samples,) as heard at one metre. distance_m : (steps,), spread evenly over the sound. Returns (samples,). The delay
    of a source at one metre is taken off, so that sound and picture stay together.
    """
    steps = Steps(len(distance_m), dry.size)
    return delayed(dry, steps.spread((distance_m - 1.0) / SPEED_OF_SOUND * sample_rate)) * steps.spread(1 / distance_m)


def surround(heard: Array, azimuth_deg: NDArray[np.float64], elevation_deg: NDArray[np.float64]) -> Array:
    """A moving source as a plane wave.

    heard : (samples,) at the listener. azimuth_deg, elevation_deg : (steps,), spread evenly over the sound, without jumps.
    Returns (4, samples).
    """
    steps = Steps(len(azimuth_deg), heard.size)
    return ambisonics.encode(heard, steps.spread(azimuth_deg), steps.spread(elevation_deg))


def reverberation(dry: Array, rt60_s: float, volume_m3: float, sample_rate: int, rng: np.random.Generator) -> Array:
    """The room's diffuse answer, the same wherever the source is: four unlike tails that decay by 60 dB in `rt60_s`.

    The energy of W is that of the direct sound at the critical distance. dry : (samples,) as heard at one metre. Returns
    (4, samples).
    """
    times = np.arange(int(rt60_s * sample_rate), dtype=np.float32) / sample_rate
    tails = rng.standard_normal((ambisonics.NUM_CHANNELS, times.size), np.float32) * 10 ** (-3 * times / rt60_s)
    tails *= _DIFFUSE / np.sqrt(np.sum(tails**2, axis=-1, keepdims=True))
    tails /= np.float32(critical_distance(rt60_s, volume_m3))
    return signal.oaconvolve(dry[None], tails, axes=-1)[:, : dry.size]


def hush(num_samples: int, level_db: float, sample_rate: int, rng: np.random.Generator) -> Array:
    """Soft low noise from everywhere. level_db : RMS of W in dB of full scale. Returns (4, num_samples)."""
    noise = rng.standard_normal((ambisonics.NUM_CHANNELS, num_samples), np.float32)
    tone = low_passed(noise, _TONE_CORNER_HZ, sample_rate)
    rms = np.sqrt(np.mean(tone**2, axis=-1, keepdims=True))
    return tone * (_DIFFUSE * np.float32(10 ** (level_db / 20)) / rms)


def music(num_samples: int, sample_rate: int, rng: np.random.Generator) -> Array:
    """What an editor lays over a video for two ears, and what does not turn with the head: a chord that swells, RMS 1.

    Returns (2, num_samples), left first.
    """
    times = np.arange(num_samples, dtype=np.float32) / sample_rate
    root = rng.uniform(110, 220)
    pair = np.zeros((2, num_samples), np.float32)
    for ratio in _CHORDS:
        swell = 1 + 0.5 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.4) * times + rng.random()))
        tone = swell * np.sin(2 * np.pi * np.float32(root * ratio) * times)
        side = rng.uniform(0.3, 0.7)
        pair += np.array([[side], [1 - side]], np.float32) * tone.astype(np.float32)
    return pair / np.sqrt(np.mean(pair**2))
