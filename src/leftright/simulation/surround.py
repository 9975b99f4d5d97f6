"""Who is where around a listener, and whose turn it is to sound.

Sources dwell and cross as performers of ear-to-ear videos do, only all around, and take turns or overlap. Some people and
things never sound, and some of these walk about, too: neither what is seen nor what moves tells where the sound comes from, but
the open mouth and the hand at work do. Everything is sampled at even steps, `STEPS_PER_FRAME` to a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leftright.ambisonics import wrapped
from leftright.simulation.choreography import (
    BRUSHING,
    HAND_BEFORE_FACE,
    SPEAKING,
    STEPS_PER_FRAME,
    TAPPING,
    Events,
    activity_of,
    blinks,
    draw_events,
    eased,
    sway,
)
from leftright.simulation.parameters import WorldParameters
from leftright.simulation.performer import Performer, draw

Array = NDArray[np.float64]
Turn = tuple[float, float]  # from when to when, in seconds

_DWELL_S = (2.0, 5.0)
_STEP_DEG = (30.0, 150.0)  # how far a crossing goes
_SPEED_DEG_S = (60.0, 130.0)
_APART_DEG = 40.0  # between two that dwell, where there is room
_TURN_S, _REST_S = (1.5, 4.0), (0.1, 0.5)
_OWN_REST_S = (0.5, 2.0)  # of one that takes no turns
_WALKING_SHARE = 0.4  # of the people who never sound
_RESTING_ELEVATION_DEG = (-52.0, -46.0)  # on the table
_NO_EVENTS = Events(np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Part:
    """One person or thing around the listener. Arrays have one entry a step.

    kind : what it does if it sounds. azimuth_deg : of the mouth, or of the thing in the hand; it runs on past +-180, so that
    it has no jumps. activity : 0..1, as in a `Performance`. events : none if it never sounds. gain_db : against what is usual.
    """

    performer: Performer
    kind: str
    azimuth_deg: Array
    elevation_deg: Array
    distance_m: Array
    activity: Array
    is_blinking: NDArray[np.bool_]
    events: Events
    gain_db: float

    @property
    def is_source(self) -> bool:
        """Whether it ever sounds."""
        return self.events.onsets_s.size > 0


@dataclass(frozen=True)
class Scene:
    """All that happens around the listener: those that sound, and those that never do."""

    times_s: Array
    sources: tuple[Part, ...]
    silent: tuple[Part, ...]


def stage(parameters: WorldParameters, num_sources: int, num_silent: int, rng: np.random.Generator) -> Scene:
    """A scene of so many that sound and so many that never do, of a length within the parameters' bounds."""
    duration_s = rng.uniform(parameters.sphere_min_duration_s, parameters.sphere_max_duration_s)
    num_steps = round(duration_s * parameters.sphere_frame_rate) * STEPS_PER_FRAME
    times = np.arange(num_steps) / (parameters.sphere_frame_rate * STEPS_PER_FRAME)
    overlaps = rng.random() < parameters.sphere_overlap_share
    turns = [_own_turns(times[-1], rng) for _ in range(num_sources)] if overlaps else take_turns(
        num_sources, times[-1], rng
    )  # fmt: skip
    silent: list[Part] = []
    for _ in range(num_silent):
        silent.append(_silent_part(parameters, times, silent, rng))
    sources: list[Part] = []
    for own in turns:
        sources.append(_source(parameters, times, own, [*silent, *sources], rng))
    return Scene(times, tuple(sources), tuple(silent))


def take_turns(num_sources: int, end_s: float, rng: np.random.Generator) -> list[list[Turn]]:
    """Turns of each source until `end_s`, never two at once. All have had one before any has a second."""
    turns: list[list[Turn]] = [[] for _ in range(num_sources)]
    now, last, waiting = 0.0, -1, list(rng.permutation(num_sources))
    while now < end_s:
        if not waiting:
            waiting = [index for index in rng.permutation(num_sources) if num_sources == 1 or index != last]
        last = int(waiting.pop(0))
        until = now + rng.uniform(*_TURN_S)
        turns[last].append((now, until))
        now = until + rng.uniform(*_REST_S)
    return turns


def _own_turns(end_s: float, rng: np.random.Generator) -> list[Turn]:
    turns: list[Turn] = []
    now = rng.uniform(0, _OWN_REST_S[0])
    while now < end_s:
        until = now + rng.uniform(*_TURN_S)
        turns.append((now, until))
        now = until + rng.uniform(*_OWN_REST_S)
    return turns


def within(events: Events, turns: Sequence[Turn]) -> Events:
    """The events that begin and end inside one of the turns."""
    ends = events.onsets_s + events.durations_s
    is_inside = np.zeros(ends.size, bool)
    for start, end in turns:
        is_inside |= (events.onsets_s >= start) & (ends <= end)
    return Events(events.onsets_s[is_inside], events.durations_s[is_inside], events.strengths[is_inside])


def walk(times: Array, others: Sequence[Array], rng: np.random.Generator) -> Array:
    """Azimuth in degrees at `times` (s) of one who dwells at places all around and crosses between them.

    others : azimuths at the same times, from which the places are kept apart if there is room. The result has no jumps.
    """
    azimuth = np.empty_like(times)
    place, begin = _free_place(rng.uniform(-180, 180, size=24), [other[0] for other in others]), 0.0
    while begin <= times[-1]:
        leave = begin + rng.uniform(*_DWELL_S)
        steps = rng.choice([-1.0, 1.0], size=24) * rng.uniform(*_STEP_DEG, size=24)
        arrival_index = min(int(np.searchsorted(times, leave + 1)), times.size - 1)
        target = _free_place(place + steps, [other[arrival_index] for other in others])
        arrival = leave + abs(target - place) / rng.uniform(*_SPEED_DEG_S)
        inside = (times >= begin) & (times < arrival)
        progress = np.clip((times[inside] - leave) / (arrival - leave), 0, 1)
        azimuth[inside] = place + (target - place) * eased(progress)
        place, begin = target, arrival
    return azimuth + sway(times, rng, 2.0)


def _free_place(candidates: Array, taken_deg: Sequence[float]) -> float:
    """The first of the candidate azimuths that keeps apart from all that are taken, or else the one that does most."""
    if not taken_deg:
        return float(candidates[0])
    nearest = np.abs(wrapped(candidates[:, None] - np.array(taken_deg))).min(axis=1)
    is_free = nearest >= _APART_DEG
    return float(candidates[np.argmax(is_free) if is_free.any() else np.argmax(nearest)])


def _source(
    parameters: WorldParameters, times: Array, turns: Sequence[Turn], others: Sequence[Part], rng: np.random.Generator
) -> Part:
    performer = _performer(parameters, rng)
    kind = SPEAKING
    if rng.random() < parameters.instrument_share:
        kind = TAPPING if rng.random() < performer.taps else BRUSHING
    events = within(draw_events(kind, times[-1], rng), turns)
    azimuth = walk(times, [other.azimuth_deg for other in others], rng)
    activity = activity_of(times, events, kind) if events.onsets_s.size else np.zeros_like(times)
    return _placed(parameters, performer, kind, times, azimuth, events, activity, rng)


def _silent_part(parameters: WorldParameters, times: Array, others: Sequence[Part], rng: np.random.Generator) -> Part:
    """Somebody with the mouth shut, or a thing that lies on the table."""
    performer = _performer(parameters, rng)
    is_thing = rng.random() < parameters.instrument_share
    taken = [other.azimuth_deg for other in others]
    azimuth = walk(times, taken, rng)
    if is_thing or rng.random() >= _WALKING_SHARE:
        azimuth = np.full_like(times, azimuth[0]) + (0 if is_thing else sway(times, rng, 2.0))
    kind = (TAPPING if rng.random() < performer.taps else BRUSHING) if is_thing else SPEAKING
    part = _placed(parameters, performer, kind, times, azimuth, _NO_EVENTS, np.zeros_like(times), rng)
    if not is_thing:
        return part
    elevation = np.full_like(times, rng.uniform(*_RESTING_ELEVATION_DEG))
    return Part(
        performer, kind, azimuth, elevation, np.full_like(times, 0.45), part.activity, part.is_blinking, _NO_EVENTS, 0
    )


def _performer(parameters: WorldParameters, rng: np.random.Generator) -> Performer:
    distance_m = (parameters.sphere_min_distance_m, parameters.sphere_max_distance_m)
    return draw(rng, (parameters.min_rt60_s, parameters.max_rt60_s), distance_m)


def _placed(
    parameters: WorldParameters, performer: Performer, kind: str, times: Array, azimuth: Array, events: Events,
    activity: Array, rng: np.random.Generator,
) -> Part:  # fmt: skip
    highest = parameters.sphere_max_elevation_deg
    elevation = np.clip(rng.uniform(-highest, highest) + sway(times, rng, 2.0), -highest, highest)
    distance = performer.depth * (1 + sway(times, rng, 0.05)) * (1.0 if kind == SPEAKING else HAND_BEFORE_FACE)
    return Part(
        performer, kind, azimuth, elevation, distance, activity, blinks(times, rng), events, float(rng.uniform(-3, 3))
    )
