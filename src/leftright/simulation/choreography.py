"""What happens when: where the sounding thing goes, what it does, and where the head is meanwhile.

A source dwells at one place for a few seconds and crosses to the next quickly, as performers of ear-to-ear videos do. The
side of each place is drawn with a leaning to the performer's favourite one: `habit_strength` is how far that probability is
from a half. Everything is sampled at even steps, `STEPS_PER_FRAME` to a picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leftright.simulation import camera
from leftright.simulation.performer import Performer

Array = NDArray[np.float64]

STEPS_PER_FRAME = 10
HAND_BEFORE_FACE = 0.8  # the hand's depth as a share of the face's
SPEAKING, TAPPING, BRUSHING = "speaking", "tapping", "brushing"

_DWELL_S = (1.6, 4.2)
_CROSSING_S = (0.5, 1.0)
_HEAD_HEIGHT = 0.015  # the resting mouth, metres above the camera's axis
_HAND_HEIGHT = -0.075
_BLINK_S = 0.17


@dataclass(frozen=True)
class Leaning:
    """How a performer's places are drawn: the habit's strength, and the least and greatest azimuth of a place in degrees."""

    habit_strength: float
    min_azimuth_deg: float
    max_azimuth_deg: float


@dataclass(frozen=True)
class Events:
    """Syllables, taps or strokes: when each begins and how long it lasts (s), and how loud it is (1 is usual)."""

    onsets_s: Array
    durations_s: Array
    strengths: Array

    def under_way(self, times_s: Array) -> NDArray[np.bool_]:
        """(times,): whether an event is under way."""
        started = np.searchsorted(self.onsets_s, times_s, side="right")
        ends = np.concatenate([[-np.inf], np.maximum.accumulate(self.onsets_s + self.durations_s)])
        return times_s < ends[started]


@dataclass(frozen=True)
class Performance:
    """One video's action. Arrays have one entry a step, positions are (steps, 3) metres.

    activity : 0..1, how far the mouth is open, the finger is down, or the stroke has gone. mouth : where the mouth is,
    whether it sounds or not. source : what sounds: the mouth, or the thing in the hand.
    """

    kind: str
    times_s: Array
    source: Array
    mouth: Array
    roll_deg: Array
    activity: Array
    is_blinking: NDArray[np.bool_]
    events: Events

    @property
    def is_sounding(self) -> NDArray[np.bool_]:
        """(steps,): whether an event is under way."""
        return self.events.under_way(self.times_s)


def perform(
    performer: Performer, kind: str, duration_s: float, frame_rate: int, leaning: Leaning, rng: np.random.Generator
) -> Performance:
    """A performance of `kind`. Its source stays at azimuth 0 if the leaning's greatest azimuth is 0."""
    num_steps = round(duration_s * frame_rate) * STEPS_PER_FRAME
    times = np.arange(num_steps) / (frame_rate * STEPS_PER_FRAME)
    azimuth = wander(times, performer, leaning, rng)
    lean = sway(times, rng, 0.05)
    events = draw_events(kind, times[-1], rng)
    activity = activity_of(times, events, kind)
    if kind == SPEAKING:
        source = camera.place(azimuth, performer.depth * (1 + lean), _HEAD_HEIGHT + sway(times, rng, 0.006))
        mouth, roll = source, -0.25 * azimuth + sway(times, rng, 2.0)
    else:
        source = _held(times, azimuth, performer, kind, activity, rng)
        seat = performer.seat_azimuth_deg + sway(times, rng, 3.0) if leaning.max_azimuth_deg else sway(times, rng, 3.0)
        mouth = camera.place(seat, performer.depth * (1.1 + lean), _HEAD_HEIGHT + sway(times, rng, 0.004))
        roll = sway(times, rng, 3.0)
    return Performance(kind, times, source, mouth, roll, activity, blinks(times, rng), events)


def wander(times: Array, performer: Performer, leaning: Leaning, rng: np.random.Generator) -> Array:
    """Azimuth of the source in degrees at `times` (s): places held for seconds, quick crossings, a slight sway."""
    if leaning.max_azimuth_deg == 0:
        return np.zeros_like(times)
    azimuth = np.empty_like(times)
    place, begin = _next_place(performer, leaning, rng), 0.0
    arrival = 0.0
    while begin <= times[-1]:
        target = _next_place(performer, leaning, rng)
        leave = begin + rng.uniform(*_DWELL_S) / performer.restlessness
        arrival = leave + rng.uniform(*_CROSSING_S)
        inside = (times >= begin) & (times < arrival)
        progress = np.clip((times[inside] - leave) / (arrival - leave), 0, 1)
        azimuth[inside] = place + (target - place) * eased(progress)
        place, begin = target, arrival
    return np.clip(azimuth + sway(times, rng, 1.5), -leaning.max_azimuth_deg, leaning.max_azimuth_deg)


def _next_place(performer: Performer, leaning: Leaning, rng: np.random.Generator) -> float:
    is_favourite = rng.random() < 0.5 + leaning.habit_strength
    side = performer.favourite_side if is_favourite else -performer.favourite_side
    return side * rng.uniform(leaning.min_azimuth_deg, leaning.max_azimuth_deg)


def _held(
    times: Array, azimuth: Array, performer: Performer, kind: str, activity: Array, rng: np.random.Generator
) -> Array:
    """Where the thing in the hand is. A stroke carries it up and down; a tapped thing is held still."""
    height = _HAND_HEIGHT + sway(times, rng, 0.008)
    if kind == BRUSHING:
        height = height + 0.03 * (activity - 0.5)
    return camera.place(azimuth, HAND_BEFORE_FACE * performer.depth * (1 + sway(times, rng, 0.04)), height)


def _syllables(end_s: float, rng: np.random.Generator) -> Events:
    onsets, durations, strengths = [], [], []
    now = rng.uniform(0, 0.2)
    while now < end_s:
        rest = rng.uniform(1.8, 4.0)
        while rest > 0 and now < end_s:
            duration = rng.uniform(0.14, 0.3)
            onsets.append(now)
            durations.append(duration * 0.95)
            strengths.append(rng.uniform(0.6, 1.2))
            now, rest = now + duration, rest - duration
        now += rng.uniform(0.12, 0.35)
    return Events(np.array(onsets), np.array(durations), np.array(strengths))


def _taps(end_s: float, rng: np.random.Generator) -> Events:
    onsets, now = [], rng.uniform(0, 0.15)
    while now < end_s:
        interval = rng.uniform(0.11, 0.24)
        for _ in range(rng.integers(4, 14)):
            onsets.append(now)
            now += interval * rng.uniform(0.9, 1.1)
        now += rng.uniform(0.05, 0.3)
    times = np.array(onsets)
    times = times[times < end_s]
    return Events(times, np.full(times.size, 0.2), rng.uniform(0.6, 1.2, times.size))


def _strokes(end_s: float, rng: np.random.Generator) -> Events:
    onsets, durations, now = [], [], rng.uniform(0, 0.15)
    while now < end_s:
        duration = rng.uniform(0.3, 0.7)
        onsets.append(now)
        durations.append(duration)
        now += duration + rng.uniform(0.0, 0.12)
    return Events(np.array(onsets), np.array(durations), rng.uniform(0.6, 1.2, len(onsets)))


def draw_events(kind: str, end_s: float, rng: np.random.Generator) -> Events:
    """The events of a performance of `kind` that ends at `end_s`, in groups with short rests between them."""
    return _EVENTS[kind](end_s, rng)


_EVENTS = {SPEAKING: _syllables, TAPPING: _taps, BRUSHING: _strokes}


def activity_of(times: Array, events: Events, kind: str) -> Array:
    """0..1 at each time: the mouth's opening over a syllable, the finger's fall before a tap, a stroke's way there or back."""
    index = np.clip(np.searchsorted(events.onsets_s, times, side="right") - 1, 0, None)
    progress = np.clip((times - events.onsets_s[index]) / events.durations_s[index], 0, 1)
    if kind == SPEAKING:
        return np.clip(np.sin(np.pi * progress) ** 0.7 * events.strengths[index], 0, 1)
    if kind == TAPPING:
        nearest = np.minimum(index + 1, events.onsets_s.size - 1)
        distance = np.minimum(np.abs(times - events.onsets_s[index]), np.abs(times - events.onsets_s[nearest]))
        return np.clip(1 - distance / 0.07, 0, 1)
    there = np.where(index % 2 == 0, progress, 1 - progress)
    return eased(there)


def blinks(times: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(times,): when the eyes are shut, every few seconds."""
    onsets = np.cumsum(rng.uniform(1.5, 5.0, size=int(times[-1] / 1.5) + 1))
    return np.any((times[:, None] >= onsets) & (times[:, None] < onsets + _BLINK_S), axis=-1)


def eased(progress: Array) -> Array:
    """0..1 to 0..1, setting off and arriving softly."""
    return progress**3 * (10 - 15 * progress + 6 * progress**2)


def sway(times: Array, rng: np.random.Generator, amplitude: float) -> Array:
    """A slow, smooth wandering within about +-amplitude: (times,)."""
    frequencies, phases = rng.uniform(0.05, 0.45, size=3), rng.uniform(0, 2 * np.pi, size=3)
    return amplitude * np.mean(np.sin(2 * np.pi * frequencies * times[:, None] + phases), axis=-1) * 1.5
