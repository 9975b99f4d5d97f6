"""First-order ambisonics: four channels that hold a sound field, and what a direction means in them.

Everything inside is ambiX: channels in ACN order (W, Y, Z, X), normalised SN3D, so that a plane wave of amplitude 1 has W = 1
and its direction's coordinates in Y, Z and X (Nachbar et al., "AmbiX", 2011). Azimuth is in degrees, positive to the left
(counter-clockwise seen from above), 0 straight ahead; elevation is positive upwards. X points ahead, Y left, Z up.

Functions of waveforms take numpy arrays and torch tensors alike where they only mix channels; this module imports no torch.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

W, Y, Z, X = 0, 1, 2, 3
NUM_CHANNELS = 4

Layout = Literal["ambix", "n3d", "fuma"]
"""How four channels are ordered and normalised: ACN with SN3D, ACN with N3D, or Furse-Malham (W, X, Y, Z, with W 3 dB down)."""

Waveform = TypeVar("Waveform")

_AXES = (X, Y, Z)  # the channels in the order of coordinates
_SILENT = 1e-12  # power (-120 dB of full scale)


def directions(azimuth_deg: ArrayLike, elevation_deg: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Unit vectors (..., 3), ahead, left and up, from azimuth and elevation (...) in degrees."""
    azimuth, elevation = np.broadcast_arrays(np.radians(azimuth_deg), np.radians(elevation_deg))
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1)


def angles(vectors: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Azimuth in (-180, 180] and elevation in -90..90 degrees of vectors (..., 3) of any length."""
    ahead, left, up = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    return np.degrees(np.arctan2(left, ahead)), np.degrees(np.arctan2(up, np.hypot(ahead, left)))


def encode(dry: NDArray[np.floating], azimuth_deg: ArrayLike, elevation_deg: ArrayLike = 0.0) -> NDArray[np.floating]:
    """A plane wave from a direction.

    dry : (samples,). azimuth_deg, elevation_deg : one number each, or (samples,) for a source that moves. Returns (4, samples).
    """
    ahead, left, up = np.moveaxis(directions(azimuth_deg, elevation_deg), -1, 0).astype(dry.dtype)
    return np.stack([dry, dry * left, dry * up, dry * ahead])


def rotate(waveform: NDArray[np.floating], rotation: NDArray[np.floating]) -> NDArray[np.floating]:
    """Turn the whole sound field.

    waveform : (..., 4, samples). rotation : (3, 3), what becomes of the directions ahead, left and up (their images are its
    columns). Returns the same shape. Raises ValueError where the matrix is no rotation.
    """
    if rotation.shape != (3, 3) or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6):
        raise ValueError("expected the 3 x 3 matrix of a rotation: its rows must be orthogonal unit vectors")
    if np.linalg.det(rotation) < 0:
        raise ValueError("expected the matrix of a rotation, got one that mirrors")
    turned = waveform.copy()
    turned[..., _AXES, :] = rotation.astype(waveform.dtype) @ waveform[..., _AXES, :]
    return turned


def rotation_matrix(yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> NDArray[np.float64]:
    """The rotation about the up axis (yaw, to the left), after one about the left axis (pitch, the front down), after one about
    the front axis (roll, the left side up): (3, 3).
    """
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_up = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
    about_left = [[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]]
    about_front = [[1, 0, 0], [0, np.cos(roll), -np.sin(roll)], [0, np.sin(roll), np.cos(roll)]]
    return np.array(about_up) @ np.array(about_left) @ np.array(about_front)


def rotate_z(waveform: Waveform, cosine: Waveform, sine: Waveform) -> Waveform:
    """Turn the sound field about the up axis, to the left; what was at azimuth a is at a + angle. W and Z stay.

    waveform : (..., 4, samples), array or tensor. cosine, sine : of the angle, broadcast over (..., samples): numbers, or
    (batch, 1) for a batch in which every item turns by its own. Returns a new one of the same shape.
    """
    field: Any = waveform
    ahead, left = field[..., X, :], field[..., Y, :]
    turned = field + 0  # a copy, of either kind
    turned[..., X, :] = ahead * cosine - left * sine
    turned[..., Y, :] = left * cosine + ahead * sine
    return cast(Waveform, turned)


def convert(waveform: NDArray[np.floating], source: Layout, target: Layout) -> NDArray[np.floating]:
    """Bring four channels from one layout to another. waveform : (..., 4, samples). Returns the same shape."""
    ambix = waveform[..., np.argsort(_ORDERS[source]), :] / _gains(source, waveform.dtype)
    return (ambix * _gains(target, waveform.dtype))[..., _ORDERS[target], :]


# Which ACN channel stands in each place.
_ORDERS: dict[str, Sequence[int]] = {"ambix": (W, Y, Z, X), "n3d": (W, Y, Z, X), "fuma": (W, X, Y, Z)}


def _gains(layout: Layout, dtype: np.dtype) -> NDArray[np.floating]:
    """What SN3D's channels, in ACN order, are multiplied by: (4, 1)."""
    first = {"ambix": (1.0, 1.0), "n3d": (1.0, np.sqrt(3)), "fuma": (np.sqrt(0.5), 1.0)}[layout]
    return np.array([first[0], *[first[1]] * 3], dtype)[:, None]


def with_up(waveform: NDArray[np.floating]) -> NDArray[np.floating]:
    """Three channels (W, Y, X), as sets without height have them, with a silent Z: (..., 3, samples) to (..., 4, samples)."""
    if waveform.shape[-2] != NUM_CHANNELS - 1:
        raise ValueError(f"expected three channels, got {waveform.shape[-2]}")
    return np.insert(waveform, Z, 0, axis=-2)


def steer(
    waveform: NDArray[np.floating], azimuth_deg: float, elevation_deg: float = 0.0, omni_share: float = 0.5
) -> NDArray[np.floating]:
    """What a directional microphone hears that points at a direction.

    waveform : (..., 4, samples). omni_share : 0.5 is a cardioid, deaf behind; 0 a figure of eight; 1 hears all around. Returns
    (..., samples); a plane wave from that direction keeps its amplitude.
    """
    axis = directions(azimuth_deg, elevation_deg).astype(waveform.dtype)
    towards = np.einsum("k,...kn->...n", axis, waveform[..., _AXES, :])
    return omni_share * waveform[..., W, :] + (1 - omni_share) * towards


def intensity(waveform: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mean product of pressure and velocity, which points to where the sound comes from.

    waveform : (..., 4, samples). Returns (..., 3), ahead, left and up; for one plane wave as long as its power.
    """
    wide = waveform.astype(np.float64)
    return np.mean(wide[..., W, None, :] * wide[..., _AXES, :], axis=-1)


def direction_of_arrival(waveform: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Azimuth and elevation (...) in degrees that the intensity of a waveform (..., 4, samples) points to; NaN in silence."""
    vectors = intensity(waveform)
    is_silent = np.mean(np.square(waveform[..., W, :], dtype=np.float64), axis=-1) < _SILENT
    azimuth, elevation = angles(vectors)
    return np.where(is_silent, np.nan, azimuth), np.where(is_silent, np.nan, elevation)


def wrapped(angle_deg: ArrayLike) -> NDArray[np.float64]:
    """The same angle (...) in [-180, 180) degrees."""
    return (np.asarray(angle_deg, dtype=np.float64) + 180) % 360 - 180
