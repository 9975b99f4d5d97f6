import numpy as np
import pytest

from leftright.simulation import camera
from leftright.simulation.choreography import (
    BRUSHING,
    SPEAKING,
    STEPS_PER_FRAME,
    TAPPING,
    Events,
    Leaning,
    perform,
    wander,
)
from leftright.simulation.performer import Performer, draw

KINDS = (SPEAKING, TAPPING, BRUSHING)
MILD = Leaning(habit_strength=0.15, min_azimuth_deg=10, max_azimuth_deg=30)


@pytest.fixture(scope="module")
def performer() -> Performer:
    return draw(np.random.default_rng(5), (0.1, 0.2), (0.4, 0.5))


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_of_the_film_has_a_place(performer, kind):
    performance = perform(performer, kind, 5.0, 12, MILD, np.random.default_rng(1))
    assert performance.times_s.size == 60 * STEPS_PER_FRAME
    assert performance.source.shape == performance.mouth.shape == (600, 3)
    assert np.abs(camera.azimuth_deg(performance.source)).max() <= MILD.max_azimuth_deg + 1e-9
    assert 0 <= performance.activity.min() < performance.activity.max() <= 1


def test_speaker_sounds_at_the_mouth_and_a_hand_does_not(performer):
    speaking, tapping = (
        perform(performer, kind, 5.0, 12, MILD, np.random.default_rng(1)) for kind in (SPEAKING, TAPPING)
    )
    np.testing.assert_array_equal(speaking.source, speaking.mouth)
    assert np.linalg.norm(tapping.source - tapping.mouth, axis=-1).min() > 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_sound_fills_most_of_the_time(performer, kind):
    performance = perform(performer, kind, 20.0, 12, MILD, np.random.default_rng(2))
    assert performance.is_sounding.mean() > 0.75


def test_mouth_is_shut_in_the_pauses(performer):
    performance = perform(performer, SPEAKING, 20.0, 12, MILD, np.random.default_rng(3))
    assert performance.activity[~performance.is_sounding].max() < 0.15
    assert performance.activity[performance.is_sounding].mean() > 0.4


def test_finger_is_down_when_a_tap_is_heard(performer):
    performance = perform(performer, TAPPING, 10.0, 12, MILD, np.random.default_rng(3))
    at_taps = np.interp(performance.events.onsets_s, performance.times_s, performance.activity)
    assert np.median(at_taps) > 0.9


@pytest.mark.parametrize("strength", [0.0, 0.15, 0.5])
def test_habit_is_the_share_of_places_on_the_favourite_side(performer, strength):
    leaning = Leaning(strength, 10, 30)
    times = np.arange(0, 3000, 0.1)
    azimuth = wander(times, performer, leaning, np.random.default_rng(4))
    on_favourite_side = (np.sign(azimuth) == performer.favourite_side).mean()
    assert on_favourite_side == pytest.approx(0.5 + strength, abs=0.05)


def test_source_dwells_to_the_side_and_hardly_in_the_middle(performer):
    azimuth = wander(np.arange(0, 600, 0.1), performer, MILD, np.random.default_rng(5))
    assert (np.abs(azimuth) < 8).mean() < 0.15


def test_no_leaning_at_all_is_straight_ahead(performer):
    performance = perform(performer, BRUSHING, 4.0, 12, Leaning(0, 0, 0), np.random.default_rng(6))
    np.testing.assert_array_equal(camera.azimuth_deg(performance.source), 0)


def test_sounding_counts_overlapping_events(performer):
    performance = perform(performer, TAPPING, 4.0, 12, MILD, np.random.default_rng(6))
    events = Events(np.array([1.0, 1.1]), np.array([1.0, 0.2]), np.ones(2))
    object.__setattr__(performance, "events", events)
    sounding = performance.times_s[performance.is_sounding]
    assert sounding[0] == pytest.approx(1.0, abs=0.01)
    assert sounding[-1] == pytest.approx(2.0, abs=0.01)
    assert sounding.size == pytest.approx(120, abs=2)
