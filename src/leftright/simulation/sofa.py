"""Measured head-related impulse responses from a SOFA file (AES69), and a moving source heard through them.

SOFA counts azimuth in degrees, positive to the left, as we do. A moving source is cut into overlapping windows, each
filtered by the nearest measured direction and added up again.
"""

from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from leftright.errors import InputError

Array = NDArray[np.floating]

_BLOCK_S = 0.02  # window; a source moves by less than the measured grid's step in it


@dataclass(frozen=True)
class HeadResponses:
    """Impulse responses (directions, 2, taps), left first, at `sample_rate`, for unit vectors `directions` (directions, 3)."""

    responses: Array
    directions: Array
    distance: float
    sample_rate: int

    def render(self, dry: Array, position: Array) -> Array:
        """The two ears' sound of a moving source.

        dry : (samples,) as heard at one metre, at this set's sample rate. position : (steps, 3) metres, spread evenly over the
        sound. Returns (2, samples), left first.
        """
        hop = int(_BLOCK_S * self.sample_rate) // 2
        window = signal.windows.hann(2 * hop, sym=False)
        padded = np.pad(dry, (hop, 2 * hop))
        starts = np.arange(0, dry.size + hop, hop)
        blocks = padded[starts[:, None] + np.arange(2 * hop)] * window
        centres = np.clip(starts / dry.size * (len(position) - 1), 0, len(position) - 1).round().astype(int)
        filtered = self._filter(blocks, position[centres])
        ears = np.zeros((2, starts[-1] + filtered.shape[-1]))
        for start, block in zip(starts, filtered, strict=True):
            ears[:, start : start + block.shape[-1]] += block
        return ears[:, hop : hop + dry.size]

    def _filter(self, blocks: Array, position: Array) -> Array:
        distance = np.linalg.norm(position, axis=-1, keepdims=True)
        nearest = np.argmax(position / distance @ self.directions.T, axis=-1)
        num_samples = blocks.shape[-1] + self.responses.shape[-1] - 1
        spectra = np.fft.rfft(blocks, num_samples)[:, None] * np.fft.rfft(self.responses, num_samples)[nearest]
        return np.fft.irfft(spectra, num_samples) / distance[:, None]


def read(path: Path, sample_rate: int) -> HeadResponses:
    """Read a SOFA file of free-field responses and bring it to `sample_rate`. Raises InputError if it is not one."""
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: reading a SOFA file needs h5py; install it, or leave hrtf empty") from None
    if not path.is_file():
        raise InputError(f"{path}: no such SOFA file; correct hrtf, or leave it empty for a spherical head")
    try:
        with h5py.File(path) as file:
            responses = np.asarray(file["Data.IR"], dtype=np.float64)
            spherical = np.asarray(file["SourcePosition"], dtype=np.float64)
            own_rate = int(np.ravel(file["Data.SamplingRate"])[0])
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: not a SOFA file of impulse responses ({error}); give another one") from None
    if responses.ndim != 3 or responses.shape[1] != 2:
        raise InputError(f"{path}: holds responses of shape {responses.shape}, not of two ears; give another one")
    common = gcd(sample_rate, own_rate)
    responses = signal.resample_poly(responses, sample_rate // common, own_rate // common, axis=-1)
    return HeadResponses(_as_at_one_metre(responses), _unit_vectors(spherical), float(spherical[0, 2]), sample_rate)


def _as_at_one_metre(responses: Array) -> Array:
    # Sets differ in level: on average over all directions an ear shall hear what it would without a head.
    return responses / np.sqrt(np.mean(np.sum(responses**2, axis=-1)))


def _unit_vectors(spherical: Array) -> Array:
    azimuth, elevation = np.radians(spherical[:, 0]), np.radians(spherical[:, 1])
    level = np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=-1)
