"""Annotated sound events all around a microphone, in the form of TAU Spatial Sound Events 2019.

    foa_dev/split1_ir0_ov1_1.wav         four channels, ambiX, 16 bits
    metadata_dev/split1_ir0_ov1_1.csv    sound_event_recording,start_time,end_time,ele,azi,dist

Names count splits, places (`ir0` is free field, `ir1` a room) and how many events may overlap, as that set's do. Directions are
its multiples of ten degrees, distances its 1 m and 2 m. Every recording draws from a generator of its own, keyed by the seed.
"""

import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leftright import ambisonics, audio
from leftright.files import replace_file
from leftright.simulation import soundfield, sounds
from leftright.simulation.choreography import BRUSHING, SPEAKING, TAPPING, draw_events
from leftright.simulation.parameters import WorldParameters
from leftright.simulation.performer import draw
from leftright.simulation.surround import within

HEADER = "sound_event_recording,start_time,end_time,ele,azi,dist"
SAMPLE_RATE = 24_000

_KEY = 2019  # sets these generators apart from the videos'
_EVENT_S, _REST_S = (1.0, 3.0), (0.2, 0.8)
_STEP_DEG, _MAX_ELEVATION_DEG = 10, 40
_DISTANCES_M = (1, 2)
_LEVEL_DB = -26.0  # RMS of full scale at one metre
_PEAK = 0.9
_KINDS = {"speech": SPEAKING, "tapping": TAPPING, "brushing": BRUSHING}


@dataclass(frozen=True)
class Recording:
    """One recording of the plan, counted from 0."""

    index: int

    @property
    def max_overlap(self) -> int:
        """How many events may sound at once."""
        return 1 + self.index % 2

    @property
    def is_in_room(self) -> bool:
        """Whether its place reverberates."""
        return self.index // 2 % 2 == 1

    @property
    def name(self) -> str:
        """Such as `split1_ir0_ov1_1`."""
        return f"split{self.index % 4 + 1}_ir{int(self.is_in_room)}_ov{self.max_overlap}_{self.index + 1}"


@dataclass(frozen=True)
class Event:
    """One row of the annotations."""

    label: str
    start_s: float
    end_s: float
    elevation_deg: int
    azimuth_deg: int
    distance_m: int


def plan_recordings(parameters: WorldParameters) -> Iterator[Recording]:
    """Every recording of the set."""
    return map(Recording, range(parameters.sphere_tau_recordings))


def make_recording(parameters: WorldParameters, recording: Recording, directory: Path) -> None:
    """Write a recording and its annotations below `directory`. The annotations come last: where they are, both are."""
    rng = np.random.default_rng(np.random.SeedSequence(parameters.seed, spawn_key=(_KEY, recording.index)))
    num_samples = round(parameters.sphere_tau_duration_s * SAMPLE_RATE)
    field = soundfield.hush(num_samples, parameters.room_tone_db, SAMPLE_RATE, rng)
    room = draw(rng, (parameters.min_rt60_s, parameters.max_rt60_s), (1, 1)).room
    rt60_s = room.rt60_s if recording.is_in_room else 0.0
    events: list[Event] = []
    for _ in range(recording.max_overlap):
        now = rng.uniform(*_REST_S)
        while (until := now + rng.uniform(*_EVENT_S)) < parameters.sphere_tau_duration_s:
            event, dry = _draw_event(now, until, rng)
            begin = round(event.start_s * SAMPLE_RATE)
            heard = ambisonics.encode(dry / np.float32(event.distance_m), event.azimuth_deg, event.elevation_deg)
            if rt60_s > 0:
                heard += soundfield.reverberation(dry, rt60_s, room.volume_m3, SAMPLE_RATE, rng)
            stretch = field[:, begin : begin + dry.size]
            stretch += heard[:, : stretch.shape[1]]
            events.append(event)
            now = until + rng.uniform(*_REST_S)
    field *= np.float32(min(1.0, _PEAK / float(np.abs(field).max())))
    _write_wav(directory / "foa_dev" / f"{recording.name}.wav", field)
    _write_csv(directory / "metadata_dev" / f"{recording.name}.csv", events)


def _draw_event(start_s: float, end_s: float, rng: np.random.Generator) -> tuple[Event, NDArray[np.floating]]:
    """An event that sounds from start to end or a little less, and its sound at one metre with room for a tail."""
    performer = draw(rng, (0, 0), (1, 1))
    label = str(rng.choice(list(_KINDS)))
    events = draw_events(_KINDS[label], end_s - start_s + 1, rng)
    inside = within(events, [(0, end_s - start_s)])
    # Cut to what really sounds, so that the annotation is the sound's.
    begin = inside.onsets_s[0]
    sounding = replace(inside, onsets_s=inside.onsets_s - begin)
    length_s = float((sounding.onsets_s + sounding.durations_s).max())
    num_samples = round((length_s + 0.3) * SAMPLE_RATE)
    dry = sounds.dry_sound(performer, _KINDS[label], sounding, num_samples, SAMPLE_RATE, rng)
    elevation = _STEP_DEG * int(rng.integers(-_MAX_ELEVATION_DEG // _STEP_DEG, _MAX_ELEVATION_DEG // _STEP_DEG + 1))
    azimuth = _STEP_DEG * int(rng.integers(-18, 18))
    distance = int(rng.choice(_DISTANCES_M))
    event = Event(label, round(start_s, 3), round(start_s + length_s, 3), elevation, azimuth, distance)
    return event, dry * np.float32(10 ** (_LEVEL_DB / 20))


def _write_wav(path: Path, field: NDArray[np.floating]) -> None:
    with replace_file(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(len(field))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(audio.to_pcm(field).T.astype("<i2").tobytes())


def _write_csv(path: Path, events: list[Event]) -> None:
    rows = [
        f"{event.label},{event.start_s:.3f},{event.end_s:.3f},{event.elevation_deg},{event.azimuth_deg},{event.distance_m}"
        for event in sorted(events, key=lambda event: event.start_s)
    ]
    with replace_file(path) as temporary:
        temporary.write_text("\n".join([HEADER, *rows]) + "\n")
