"""Sets of spatial sound events as TAU and the DCASE challenges publish them: what sounds when, and from where.

    ROOT/foa_dev/.../NAME.wav          four channels, first-order ambisonics
    ROOT/metadata_dev/.../NAME.csv     what sounds in it

Annotations come in two forms. TAU Spatial Sound Events 2019 has a header and a row an event, elevation *before* azimuth,
distance in metres. From DCASE 2020 on there is no header and a row an event and frame of 100 ms: frame, class, source or
track, azimuth, elevation, and in STARSS23 the distance in centimetres; results of DCASE 2020 and 2021 lack the source.

Azimuth is ours, positive to the left: STARSS23's README ("Reference labels and directions-of-arrival") has it increase
counter-clockwise with 90 degrees at the left, as TAU-NIGENS 2020's and 2021's have, and gives steering vectors that are SN3D in
ACN order ("Recording formats"). The normalisation of the 2019 set is not confirmed here: if its Y, Z and X are louder by
sqrt(3), its layout is `n3d`.
"""

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright import ambisonics, audio
from leftright.errors import InputError
from leftright.video import decode_audio

HEADER_2019 = ("sound_event_recording", "start_time", "end_time", "ele", "azi", "dist")
FRAME_S = 0.1
"""How long a frame of the frame-wise form lasts (DCASE 2020, task 3)."""

EVENT_COLUMNS: dict[str, str] = {
    "recording": "str",
    "start_s": "float64",
    "end_s": "float64",
    "event": "str",  # the class: its name, or its number where the set gives only that
    "azimuth_deg": "float64",  # in [-180, 180), positive to the left
    "elevation_deg": "float64",
    "distance_m": "float64",  # NaN where the set says nothing of it
}

_CORRECT = "correct the row, or get the set again"
_CM_PER_M = 100


@dataclass(frozen=True)
class TauRecording:
    """A recording of a set: its name, which is the path below the folder of sounds without suffix, and its two files."""

    recording: str
    sound: Path
    annotations: Path


def find_recordings(root: Path, subset: str = "dev") -> list[TauRecording]:
    """Every recording of a set, by name. Nothing is read.

    root : holds `foa_<subset>` and `metadata_<subset>`. Raises InputError where a folder is missing or empty, or where sounds
    and annotations do not name the same recordings.
    """
    sounds, annotations = _files(root / f"foa_{subset}", ".wav"), _files(root / f"metadata_{subset}", ".csv")
    for name, path in sounds.items():
        if name not in annotations:
            expected = root / f"metadata_{subset}" / f"{name}.csv"
            raise InputError(f"{expected}: no such annotations, and {path.name} lies there; get the set again")
    for name, path in annotations.items():
        if name not in sounds:
            raise InputError(
                f"{root / f'foa_{subset}' / name}.wav: no such sound, and {path.name} annotates it; get the set again"
            )
    return [TauRecording(name, sounds[name], annotations[name]) for name in sounds]


def read_events(recordings: Sequence[TauRecording]) -> pd.DataFrame:
    """The events of all recordings as one table with EVENT_COLUMNS, in the order of recording and start.

    Raises InputError as `read_annotations`.
    """
    tables = [read_annotations(each.annotations).assign(recording=each.recording) for each in recordings]
    return pd.concat(tables, ignore_index=True)[list(EVENT_COLUMNS)]


def read_annotations(path: Path) -> pd.DataFrame:
    """The events of one CSV file of either form, in the order of their start; the file's stem is the recording.

    In the frame-wise form frames that follow one another with one class, source and direction are one event. Raises InputError
    where a row is not of the form, with its number.
    """
    rows = _rows(path)
    is_2019 = bool(rows) and not rows[0][1][0].lstrip("-").isdigit()
    events = _events_2019(path, rows) if is_2019 else _merged(_frames(path, rows))
    table = pd.DataFrame(events, columns=list(EVENT_COLUMNS)[1:])
    table.insert(0, "recording", path.stem)
    return table.astype(EVENT_COLUMNS).sort_values(["start_s", "end_s"], kind="stable", ignore_index=True)


def read_sound(path: Path, layout: ambisonics.Layout = "ambix") -> NDArray[np.float32]:
    """A recording's sound, ambiX at 16 kHz: (4, samples).

    layout : what the file's four channels are. Raises InputError where there are not four, or where it cannot be decoded.
    """
    waveform, sample_rate = decode_audio(path)
    if len(waveform) != ambisonics.NUM_CHANNELS:
        raise InputError(
            f"{path}: has {len(waveform)} channels, not the four of first-order ambisonics; take foa_*, not mic_*"
        )
    return audio.resample(ambisonics.convert(waveform, layout, "ambix"), sample_rate)


def _files(folder: Path, suffix: str) -> dict[str, Path]:
    """The files below a folder by their names without suffix, ordered."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the directory that holds foa_dev and metadata_dev")
    paths = sorted(path for path in folder.rglob(f"*{suffix}") if not path.name.startswith("."))
    if not paths:
        raise InputError(f"{folder}: holds no {suffix} file; get the set again")
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with its number counted from 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            numbered = [
                (number, [value.strip() for value in row]) for number, row in enumerate(csv.reader(file), start=1)
            ]
    except FileNotFoundError:
        raise InputError(f"{path}: no such annotations; correct the path, or get the set again") from None
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); get the set again") from None
    return [(number, row) for number, row in numbered if any(row)]


def _events_2019(path: Path, rows: list[tuple[int, list[str]]]) -> list[tuple[object, ...]]:
    """(start, end, event, azimuth, elevation, distance) of each row after the header."""
    header = tuple(rows[0][1])
    if header != HEADER_2019:
        raise InputError(f"{path}: its header is {','.join(header)}, not {','.join(HEADER_2019)}; {_CORRECT}")
    events: list[tuple[object, ...]] = []
    for number, row in rows[1:]:
        if len(row) != len(HEADER_2019):
            raise InputError(f"{path}: row {number} has {len(row)} values, not {len(HEADER_2019)}; {_CORRECT}")
        start_s, end_s, elevation, azimuth, distance_m = _numbers(path, number, row[1:])
        if not 0 <= start_s < end_s:
            raise InputError(f"{path}: row {number} lasts from {row[1]} to {row[2]} s; {_CORRECT}")
        events.append((start_s, end_s, row[0], *_direction(path, number, azimuth, elevation), distance_m))
    return events


@dataclass(frozen=True)
class _Frame:
    """One row of the frame-wise form."""

    index: int
    event: int
    source: int
    azimuth_deg: float
    elevation_deg: float
    distance_m: float

    @property
    def what(self) -> tuple[float, ...]:
        """What frames of one event have in common."""
        return self.event, self.source, self.azimuth_deg, self.elevation_deg


def _frames(path: Path, rows: list[tuple[int, list[str]]]) -> list[_Frame]:
    width = len(rows[0][1]) if rows else 5
    if width not in (4, 5, 6):
        raise InputError(f"{path}: row {rows[0][0]} has {width} values, not 4 to 6; {_CORRECT}")
    frames: list[_Frame] = []
    for number, row in rows:
        if len(row) != width:
            raise InputError(f"{path}: row {number} has {len(row)} values, and the first has {width}; {_CORRECT}")
        values = _numbers(path, number, row)
        if width == 4:
            values.insert(2, 0.0)
        index, event, source, azimuth, elevation = values[:5]
        if index < 0:
            raise InputError(f"{path}: row {number} is of frame {row[0]}; {_CORRECT}")
        distance_m = values[5] / _CM_PER_M if width == 6 else np.nan
        direction = _direction(path, number, azimuth, elevation)
        frames.append(_Frame(int(index), int(event), int(source), *direction, distance_m))
    return frames


def _merged(frames: list[_Frame]) -> list[tuple[object, ...]]:
    """(start, end, event, azimuth, elevation, mean distance) of each run of frames that have all but the distance in common."""
    events: list[tuple[object, ...]] = []
    ordered = sorted(frames, key=lambda frame: (frame.what, frame.index))
    for _, same in itertools.groupby(ordered, key=lambda frame: frame.what):
        unlike = {frame.index: frame for frame in same}  # a frame said twice is one
        for _, numbered in itertools.groupby(enumerate(unlike.values()), key=lambda pair: pair[1].index - pair[0]):
            run = [frame for _, frame in numbered]
            first, last = run[0], run[-1]
            span = (round(first.index * FRAME_S, 6), round((last.index + 1) * FRAME_S, 6))
            distance_m = float(np.mean([frame.distance_m for frame in run]))
            events.append((*span, str(first.event), first.azimuth_deg, first.elevation_deg, distance_m))
    return events


def _numbers(path: Path, number: int, values: Sequence[str]) -> list[float]:
    try:
        found = [float(value) for value in values]
    except ValueError:
        found = [np.nan]
    if not np.isfinite(found).all():
        raise InputError(f"{path}: row {number} ({','.join(values)}) holds what is no number; {_CORRECT}")
    return found


def _direction(path: Path, number: int, azimuth_deg: float, elevation_deg: float) -> tuple[float, float]:
    if abs(azimuth_deg) > 180 or abs(elevation_deg) > 90:
        raise InputError(
            f"{path}: row {number} has azimuth {azimuth_deg:g} and elevation {elevation_deg:g}, "
            f"which are not in -180 to 180 and -90 to 90; {_CORRECT}"
        )
    return float(ambisonics.wrapped(azimuth_deg)), elevation_deg
