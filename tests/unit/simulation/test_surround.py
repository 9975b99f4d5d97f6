import itertools

import numpy as np
import pytest

from leftright.ambisonics import wrapped
from leftright.simulation.choreography import SPEAKING, STEPS_PER_FRAME, Events
from leftright.simulation.surround import stage, take_turns, walk, within
from tests.tiny_world import tiny_world

LONG = {"sphere_min_duration_s": 12.0, "sphere_max_duration_s": 12.0}
TIMES = np.arange(600) / 50


@pytest.mark.parametrize("num_sources", [1, 2, 3])
def test_never_two_have_a_turn_at_once_and_everybody_has_one(num_sources):
    for seed in range(10):
        turns = take_turns(num_sources, 12.0, np.random.default_rng(seed))
        assert all(turns)
        ordered = sorted(turn for own in turns for turn in own)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(ordered))
        assert ordered[-1][1] >= 11


def test_a_walk_goes_all_around_and_never_jumps():
    walks = [walk(TIMES, [], np.random.default_rng(seed)) for seed in range(30)]
    seen = np.histogram(wrapped(np.concatenate(walks)), bins=12, range=(-180, 180))[0]
    assert seen.min() > 0.3 * seen.mean()
    assert max(np.abs(np.diff(each)).max() for each in walks) < 400 / 50  # degrees a second, at 50 steps a second
    moved = [np.ptp(each) for each in walks]
    assert np.median(moved) > 60


def test_those_who_dwell_keep_apart():
    close = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        first = walk(TIMES, [], rng)
        close.append(np.abs(wrapped(walk(TIMES, [first], rng) - first)) < 25)
    assert np.mean(close) < 0.12  # by chance 50 of 360 degrees, .14; what is left is passing by
    assert not np.any([each[0] for each in close])


def test_events_count_where_a_turn_holds_them_whole():
    events = Events(np.array([0.0, 1.0, 2.0, 3.0]), np.full(4, 0.5), np.arange(4.0))
    assert within(events, [(0.9, 2.2), (2.9, 9.0)]).strengths.tolist() == [1, 3]
    assert within(events, []).onsets_s.size == 0


def test_a_scene_has_sources_that_sound_in_turn_and_others_that_never_do():
    world = tiny_world(**LONG, sphere_max_elevation_deg=15.0)
    for seed in range(8):
        scene = stage(world, 3, 2, np.random.default_rng(seed))
        assert scene.times_s.size == 60 * STEPS_PER_FRAME
        sounding = np.array([part.events.under_way(scene.times_s) for part in scene.sources])
        assert sounding.any(axis=1).all() and sounding.sum(axis=0).max() == 1
        for part in scene.silent:
            assert not part.is_source and not part.activity.any()
        for part in (*scene.sources, *(each for each in scene.silent if each.kind == SPEAKING)):
            assert np.abs(part.elevation_deg).max() <= 15
            assert 0.25 < part.distance_m.min() <= part.distance_m.max() < 0.8


def test_sources_may_sound_at_once():
    overlap = []
    for seed in range(5):
        scene = stage(tiny_world(**LONG, sphere_overlap_share=1.0), 3, 0, np.random.default_rng(seed))
        overlap.append(sum(part.events.under_way(scene.times_s).astype(int) for part in scene.sources).max())
    assert max(overlap) == 3


def test_mouths_move_when_their_owners_sound_and_only_then():
    world = tiny_world(**LONG, instrument_share=0.0)
    scene = stage(world, 2, 0, np.random.default_rng(3))
    for part in scene.sources:
        sounding = part.events.under_way(scene.times_s)
        assert part.activity[sounding].mean() > 0.5
        assert part.activity[~sounding].max() < 0.1


def test_things_that_never_sound_lie_still_and_some_people_walk():
    things = tiny_world(**LONG, instrument_share=1.0)
    for seed in range(5):
        for part in stage(things, 1, 2, np.random.default_rng(seed)).silent:
            assert np.ptp(part.azimuth_deg) == 0 and part.elevation_deg.max() < -40
    people = tiny_world(**LONG, instrument_share=0.0)
    silent = [part for seed in range(10) for part in stage(people, 1, 2, np.random.default_rng(seed)).silent]
    walked = np.array([np.ptp(part.azimuth_deg) > 20 for part in silent])
    assert 0 < walked.mean() < 1
