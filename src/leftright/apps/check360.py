"""Whether 360-degree videos can be used: what they declare, what their sound field is, and where it is heard from.

Exit status 1 where one cannot.
"""

import textwrap
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from leftright import arguments
from leftright.audio import SAMPLE_RATE
from leftright.data import sphere_picture
from leftright.data.sound_field import ADVICE, Limits, ReadAs, Verdict, describe_channels, examine
from leftright.data.sound_field_measures import directions_of_arrival
from leftright.data.sphere_picture import picture_doubts
from leftright.errors import InputError, UnusableError
from leftright.spherical import Metadata, read_metadata
from leftright.video import MediaInfo, probe

_SECTION = "evaluate360"


def run(
    files: Positional[tuple[Path, ...]], *, layout: ReadAs = "declared", params: Path = Path("params.yaml")
) -> None:
    """Print what each file declares, what was measured of its sound field, and the verdict.

    files : media files. layout : how their channels are to be understood; `declared` takes them for ambiX where they say
    nothing. params : the file whose section `evaluate360` has the limits. Raises UnusableError, after everything was printed,
    where a file cannot be used, InputError where there is no file to look at.
    """
    if not files:
        raise InputError("name the videos to look at")
    limits = arguments.dataclass_of(Limits, params, _SECTION)
    unusable = [path for path in files if not _check(path, layout, limits)]
    if unusable:
        raise UnusableError(f"{len(unusable)} of {len(files)} cannot be used")


def _check(path: Path, layout: ReadAs, limits: Limits) -> bool:
    """Print one file's lines; whether it can be used."""
    print(path)
    try:
        declared, info = read_metadata(path), probe(path)
        _print("declares", _declared(declared))
        _print("holds", _held(info))
    except InputError as error:
        _print("verdict", f"unusable (unreadable): {str(error).removeprefix(f'{path}: ')}")
        return False
    verdict, waveform = examine(path, layout, limits)
    if verdict.measures:
        _print("measured", _measured(verdict))
    _print("verdict", f"unusable ({verdict.reason}): {ADVICE[verdict.reason]}" if verdict.reason else "usable")
    for doubt in verdict.doubts:
        _print("doubt", f"{doubt}: {ADVICE[doubt]}")
    for doubt in picture_doubts(declared, info.width, info.height):
        _print("picture", f"{doubt}: {sphere_picture.ADVICE[doubt]}")
    if not verdict.reason:
        print("\n".join(_arrivals(waveform)))
    return not verdict.reason


def _print(label: str, text: str) -> None:
    print(textwrap.fill(text, 100, initial_indent=f"  {label:<10}", subsequent_indent=" " * 12, break_on_hyphens=False))


def _declared(metadata: Metadata) -> str:
    picture = metadata.projection or "no projection"
    if metadata.projection == "equirectangular":
        shares = ", ".join(f"{share:.0%}" for share in metadata.cropped)
        picture += (
            ", the whole sphere" if metadata.is_full_sphere else f", without {shares} at top, bottom, left, right"
        )
    if metadata.stereo_mode:
        picture += f", {metadata.stereo_mode.replace('_', '-')}"
    if any(turn := (metadata.yaw_deg, metadata.pitch_deg, metadata.roll_deg)):
        picture += ", turned by yaw {:g}, pitch {:g}, roll {:g} degrees".format(*turn)
    sounds = {
        "": "no sound field",
        "ambix": f"ambiX (ACN, SN3D) of order {metadata.ambisonic_order}",
        "wxyz_sn3d": "SN3D in the order W, X, Y, Z",
        "other": "a sound field that is not read here",
    }
    sound = sounds[metadata.sound_field.removesuffix("+head_locked")]
    return f"{picture}; {sound}{' with a head-locked pair' if metadata.has_head_locked else ''}"


def _held(info: MediaInfo) -> str:
    picture = f"picture {info.width} x {info.height}" if info.video_codec else "no picture"
    if not info.num_channels:
        return f"{picture}; no sound"
    layout = "" if info.channel_layout == f"{info.num_channels} channels" else f", layout {info.channel_layout}"
    return f"{picture}; {describe_channels(info.num_channels)} ({info.audio_codec}, {info.sample_rate} Hz{layout})"


def _measured(verdict: Verdict) -> str:
    levels = ", ".join(
        f"{name} {_level(verdict.measures[key])}" for name, key in (("Y", "left_db"), ("Z", "up_db"), ("X", "ahead_db"))
    )
    together = f"the three together {verdict.measures['velocity_db']:+.1f} dB (ambiX 0, Furse-Malham 3.0, N3D 4.8)"
    return f"W {verdict.measures['rms_db']:.1f} dB of full scale; against W at 0.5-7 kHz {levels}, {together}"


def _level(level_db: float) -> str:
    return f"{level_db:+.1f} dB" if level_db > -100 else "silent"


def _arrivals(waveform: np.ndarray) -> list[str]:
    """A row a second: where the sound comes from, and how directed it is."""
    arrivals = directions_of_arrival(waveform, SAMPLE_RATE)
    lines = ["  second   azimuth     elevation    directed (1: from one direction, 0: from all around)"]
    rows = zip(arrivals.start_s, arrivals.azimuth_deg, arrivals.elevation_deg, arrivals.directedness, strict=True)
    for start_s, azimuth_deg, elevation_deg, directedness in rows:
        if np.isnan(azimuth_deg):
            lines.append(f"  {start_s:6.0f}  silence")
            continue
        side = "left" if azimuth_deg > 0 else "right"
        height = "up" if elevation_deg > 0 else "down"
        lines.append(
            f"  {start_s:6.0f}  {abs(azimuth_deg):4.0f} {side:<6}  {abs(elevation_deg):4.0f} {height:<5}  {directedness:6.2f}"
        )
    return lines
