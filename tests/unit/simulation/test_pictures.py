from dataclasses import replace

import numpy as np
import pytest

from leftright.simulation import camera
from leftright.simulation.camera import Camera
from leftright.simulation.choreography import (
    BRUSHING,
    SPEAKING,
    STEPS_PER_FRAME,
    TAPPING,
    Leaning,
    Performance,
    perform,
)
from leftright.simulation.performer import Performer, draw, draw_look
from leftright.simulation.pictures import Bystander, face_boxes, film
from tests.boxes import overlaps
from tests.face_detector import small_detector

CAMERA = Camera(75, 256, 192)
MILD = Leaning(0.15, 10, 30)


@pytest.fixture(scope="module")
def performer() -> Performer:
    return draw(np.random.default_rng(11), (0.1, 0.2), (0.42, 0.45))


def performed(performer: Performer, kind: str) -> Performance:
    return perform(performer, kind, 3.0, 6, MILD, np.random.default_rng(2))


def filmed(performer: Performer, performance: Performance, **choices: object) -> np.ndarray:
    return np.stack(list(film(performer, performance, CAMERA, **choices))).astype(int)


def opened_at(frames: np.ndarray, shut: np.ndarray) -> np.ndarray:
    """Where each picture differs from the one with the mouth shut: mean x in pixels."""
    differs = np.abs(frames - shut).sum(axis=-1) > 30
    columns = np.arange(frames.shape[2]) + 0.5
    return (differs.sum(axis=1) @ columns) / differs.sum(axis=(1, 2))


def test_mouth_is_drawn_where_the_sound_comes_from(performer):
    performance = performed(performer, SPEAKING)
    azimuths = np.linspace(25, -25, performance.times_s.size)
    places = camera.place(azimuths, np.array(0.45), np.array(0.0))
    crossing = replace(performance, source=places, mouth=places)
    wide, shut = (filmed(performer, replace(crossing, activity=np.full_like(azimuths, level))) for level in (1.0, 0.0))
    expected = CAMERA.width * CAMERA.image_x(azimuths[::STEPS_PER_FRAME])
    assert expected[0] < 60
    assert expected[-1] > 196
    np.testing.assert_allclose(opened_at(wide, shut), expected, atol=2.5)


@pytest.mark.parametrize("kind", [TAPPING, BRUSHING])
def test_hand_at_work_is_drawn_where_the_sound_comes_from(performer, kind):
    vivid = replace(performer, **{"tapped" if kind == TAPPING else "brushed": _vivid(performer, kind)})
    performance = performed(vivid, kind)
    frames = filmed(vivid, performance, has_face=False)
    green = (frames[..., 1] - frames[..., 0] > 80) & (frames[..., 1] - frames[..., 2] > 80)
    columns = np.arange(CAMERA.width) + 0.5
    seen = (green.sum(axis=1) @ columns) / green.sum(axis=(1, 2))
    expected = CAMERA.project(performance.source[::STEPS_PER_FRAME])[:, 0]
    inside = np.abs(expected - CAMERA.width / 2) < 80  # elsewhere the picture's edge cuts the thing
    np.testing.assert_allclose(seen[inside], expected[inside], atol=8)


def _vivid(performer: Performer, kind: str):
    shape = "tin" if kind == TAPPING else "sponge"
    return replace(performer.tapped, kind=kind, shape=shape, colour=(0, 230, 0), accent=(0, 230, 0))


def test_twice_as_near_is_twice_as_large(performer):
    performance = performed(performer, SPEAKING)
    mouth = np.tile([0.8, 0.0, 0.0], (performance.times_s.size, 1))
    sizes = []
    for depth in (1.0, 0.5):
        still = replace(performance, mouth=mouth * [depth, 1, 1], source=mouth, roll_deg=np.zeros(len(mouth)))
        wide, shut = (filmed(performer, replace(still, activity=np.full(len(mouth), level)))[0] for level in (1.0, 0.0))
        sizes.append((np.abs(wide - shut).sum(axis=-1) > 30).sum())
    assert sizes[1] / sizes[0] == pytest.approx(4, rel=0.25)


def test_no_face_leaves_the_hand_alone(performer):
    performance = performed(performer, TAPPING)
    alone, together = filmed(performer, performance, has_face=False), filmed(performer, performance)
    upper_middle = (slice(None), slice(30, 100), slice(100, 156))
    assert np.abs(alone[upper_middle] - alone[0][upper_middle[1:]]).mean() < 3
    assert np.abs(alone[upper_middle] - together[upper_middle]).mean() > 10


def test_bystander_is_there_and_does_not_move(performer):
    bystander = Bystander(draw_look(np.random.default_rng(1)), np.array([0.6, 0.3, 0.0]))
    performance = performed(performer, BRUSHING)
    with_one, without = filmed(performer, performance, bystander=bystander), filmed(performer, performance)
    x = int(CAMERA.project(bystander.position)[0])
    difference = np.abs(with_one - without).sum(axis=-1)
    assert difference[:, 60:110, x - 15 : x + 15].mean() > 30
    assert difference[:, :, CAMERA.width - 60 :].max() == 0


def test_face_boxes_are_what_a_detector_boxes():
    """Ten performers, speaking and tapping: .88 is the mean overlap measured on sixty of them."""
    detector, found = small_detector(), []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        performer = draw(rng, (0.1, 0.2), (0.38, 0.56))
        performance = perform(performer, SPEAKING if seed % 2 else TAPPING, 3.0, 2, MILD, rng)
        frames = list(film(performer, performance, CAMERA))
        found.append(overlaps(detector, frames, face_boxes(performer, performance, CAMERA)))
    assert np.isfinite(found).mean() > 0.9
    assert np.nanmean(found) > 0.84
    assert np.nanmin(found) > 0.6


def test_face_boxes_end_with_the_picture(performer):
    performance = performed(performer, SPEAKING)
    azimuths = np.linspace(0, 70, performance.times_s.size)
    leaving = replace(performance, mouth=camera.place(azimuths, np.array(0.45), np.array(0.0)))
    boxes = face_boxes(performer, leaving, CAMERA)
    assert boxes[0, [0, 2]].mean() == pytest.approx(0.5, abs=0.02)
    inside = np.isfinite(boxes).all(axis=-1)
    np.testing.assert_array_equal(inside, np.isfinite(boxes).any(axis=-1))
    assert np.flatnonzero(inside).tolist() == list(range(inside.sum()))  # gone once, gone for good
    assert not inside[-1]
    assert boxes[inside].min() == 0 and boxes[inside].max() <= 1
