"""Reads the sound field of a 360-degree video as ambiX, and says whether it can be used.

What makes a sound field unusable is a reason, in a fixed order, of which the first counts. What only speaks against it is a
doubt: several may hold, and the clip stays. docs/ambisonics.md has the physics of each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leftright import ambisonics
from leftright.ambisonics import Layout
from leftright.audio import SAMPLE_RATE, resample
from leftright.data.sound_field_measures import measure_sound_field
from leftright.errors import InputError
from leftright.spherical import read_metadata
from leftright.video import decode_audio, probe

ReadAs = Literal["declared", "ambix", "n3d", "fuma"]
"""How the channels are to be understood: as the file declares, and as ambiX where it does not, or in a given way."""

NUM_CHANNELS = (3, 4, 6)
"""First order without Z, first order, and first order with a stereo pair that is locked to the head."""

REASONS = (
    "unreadable",
    "no_sound",
    "not_first_order",
    "unknown_layout",
    "silent",
    "mono_copied",
    "silent_left",
    "silent_ahead",
)
"""Why a sound field is unusable, in the order in which the checks are made."""

DOUBTS = ("silent_up", "order_suspect", "looks_fuma", "looks_n3d", "impossible")
"""What speaks against a sound field without making it unusable."""

ADVICE = {
    "unreadable": "fetch the file again, or leave it out",
    "no_sound": "leave it out",
    "not_first_order": "first-order sound has 3, 4 or 6 channels; of a higher order in ACN order keep the first four"
    " (ffmpeg -i IN -c:v copy -filter:a 'pan=4.0|c0=c0|c1=c1|c2=c2|c3=c3' OUT); mono and stereo hold no sound field",
    "unknown_layout": "its channels are declared in an order or a normalisation that is not read: say which with --layout",
    "silent": "leave it out",
    "mono_copied": "all channels are one: the sound field was lost on the way; fetch the spatial format, or leave it out",
    "silent_left": "Y, left against right, is missing, so that no azimuth is to be had; leave it out",
    "silent_ahead": "X, ahead against behind, is missing above 500 Hz, so that no azimuth is to be had. Six channels may be 5.1"
    " surround, whose fourth is for low frequencies alone, or a sound field that an encoder took for it: leave it out",
    "silent_up": "Z is missing: no elevation, and azimuth as good as ever",
    "order_suspect": "the fourth channel is far weaker than the third, as if up stood there: W, X, Y, Z? If so, --layout fuma",
    "looks_fuma": "W is too weak for ambiX by about 3 dB, as Furse-Malham has it: if the order is W, X, Y, Z, --layout fuma",
    "looks_n3d": "W is too weak for ambiX by about 4.8 dB, as N3D has it: --layout n3d; loudspeakers' channels look so too",
    "impossible": "no sound from afar has so little in W: the channels may be in another order, or no sound field",
}
"""What each reason or doubt means for whoever has the file."""

Measures = Mapping[str, float]


@dataclass(frozen=True)
class Limits:
    """From where on a measure of `measure_sound_field` speaks against a sound field."""

    silent_db: float
    """Level of W below which the sound is silent, in dB of full scale."""
    copied_db: float
    """Difference of the channels from the first, below which they are its copies, in dB."""
    absent_db: float
    """Level of Y, Z or X against W below which the channel is missing, in dB."""
    order_db: float
    """Level of X against Z below which Z may stand in the place of X, in dB."""
    strong_db: float
    """Level against W from which Y and Z count as strong, which the doubt about the order asks for, in dB."""
    fuma_db: float
    """Level of Y, Z and X together against W from which it looks like Furse-Malham, in dB (ambiX 0, Furse-Malham 3.0)."""
    n3d_db: float
    """The same from which it looks like N3D, in dB (N3D 4.8)."""
    impossible_db: float
    """The same from which it is no sound field, however it is held, in dB."""


@dataclass(frozen=True)
class Verdict:
    """reason : one of REASONS, "" where usable. doubts : of DOUBTS. measures : {} where nothing could be heard."""

    reason: str
    doubts: tuple[str, ...]
    measures: Measures


_FAULTS: dict[str, Callable[[Measures, Limits], bool]] = {
    "silent": lambda measures, limits: measures["rms_db"] < limits.silent_db,
    "mono_copied": lambda measures, limits: measures["copy_db"] < limits.copied_db,
    "silent_left": lambda measures, limits: measures["left_db"] < limits.absent_db,
    "silent_ahead": lambda measures, limits: measures["ahead_db"] < limits.absent_db,
}

_SUSPICIONS: dict[str, Callable[[Measures, Limits], bool]] = {
    "silent_up": lambda measures, limits: measures["up_db"] < limits.absent_db,
    "order_suspect": lambda measures, limits: (
        measures["ahead_db"] - measures["up_db"] < limits.order_db
        and min(measures["left_db"], measures["up_db"]) >= limits.strong_db
    ),
    "looks_fuma": lambda measures, limits: limits.fuma_db <= measures["velocity_db"] < limits.n3d_db,
    "looks_n3d": lambda measures, limits: limits.n3d_db <= measures["velocity_db"] < limits.impossible_db,
    "impossible": lambda measures, limits: measures["velocity_db"] >= limits.impossible_db,
}


def judge(measures: Measures, limits: Limits) -> Verdict:
    """The verdict on what was measured: the first fault, or else every doubt."""
    reason = next((name for name, holds in _FAULTS.items() if holds(measures, limits)), "")
    doubts = () if reason else tuple(name for name, holds in _SUSPICIONS.items() if holds(measures, limits))
    return Verdict(reason, doubts, measures)


def examine(path: Path, layout: ReadAs, limits: Limits) -> tuple[Verdict, NDArray[np.float32]]:
    """Read the sound field of a media file and judge it.

    Returns the verdict with (4, samples) ambiX at SAMPLE_RATE, (4, 0) where there is nothing to read. Raises nothing for what
    is wrong with the file.
    """
    nothing = np.zeros((ambisonics.NUM_CHANNELS, 0), np.float32)
    try:
        num_channels, held = probe(path).num_channels, _held(path, layout)
        if not num_channels:
            return Verdict("no_sound", (), {}), nothing
        if num_channels not in NUM_CHANNELS:
            return Verdict("not_first_order", (), {}), nothing
        if not held:
            return Verdict("unknown_layout", (), {}), nothing
        waveform = read_sound_field(path, layout)
    except InputError:
        return Verdict("unreadable", (), {}), nothing
    measures = measure_sound_field(waveform, SAMPLE_RATE, "ambix" if held == "wxyz" else held)
    return judge(measures, limits), waveform


def read_sound_field(path: Path, layout: ReadAs) -> NDArray[np.float32]:
    """The sound field of a media file.

    layout : how its channels are to be understood. Returns (4, samples) ambiX at SAMPLE_RATE: of three channels with a silent
    Z, of six without the pair that is locked to the head. Raises InputError where the file cannot be read, has another number
    of channels, or declares what is not read.
    """
    held = _held(path, layout)
    if not held:
        raise InputError(f"{path}: {ADVICE['unknown_layout']}")
    if (num_channels := probe(path).num_channels) not in NUM_CHANNELS:
        raise InputError(f"{path}: has {describe_channels(num_channels)}; {ADVICE['not_first_order']}")
    waveform, sample_rate = decode_audio(path)
    return to_ambix(resample(waveform, sample_rate), held)


def to_ambix(waveform: NDArray[np.float32], held: Layout | Literal["wxyz"]) -> NDArray[np.float32]:
    """Three, four or six channels as they lie in a file, as ambiX.

    waveform : (3, 4 or 6, samples). held : how; "wxyz" is SN3D in Furse-Malham's order. Returns (4, samples).
    """
    if len(waveform) == 3:
        is_up_last = held in ("fuma", "wxyz")
        waveform = np.insert(waveform, 3, 0, axis=0) if is_up_last else ambisonics.with_up(waveform)
    waveform = waveform[: ambisonics.NUM_CHANNELS]
    if held == "wxyz":
        return waveform[[0, 2, 3, 1]]
    return np.asarray(ambisonics.convert(waveform, held, "ambix"), np.float32)


def describe_channels(num_channels: int) -> str:
    """A number of channels in words, with the order of the sound field that it may be."""
    names = {0: "no sound", 1: "1 channel, mono", 2: "2 channels, stereo", 3: "3 channels, first order without Z"}
    names |= {(order + 1) ** 2: f"{(order + 1) ** 2} channels, order {order}" for order in range(1, 8)}
    names |= {
        (order + 1) ** 2 + 2: f"{(order + 1) ** 2 + 2} channels, order {order} with a pair" for order in range(1, 8)
    }
    return names.get(num_channels, f"{num_channels} channels")


def _held(path: Path, layout: ReadAs) -> Layout | Literal["wxyz", ""]:
    """How a file holds its channels, "" where it declares what is not read."""
    if layout != "declared":
        return layout
    declared = read_metadata(path).sound_field.removesuffix("+head_locked")
    found: dict[str, Layout | Literal["wxyz", ""]] = {"": "ambix", "ambix": "ambix", "wxyz_sn3d": "wxyz"}
    return found.get(declared, "")
