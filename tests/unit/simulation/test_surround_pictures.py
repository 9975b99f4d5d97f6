"""Everybody is drawn where the sound comes from, at their size, also where the picture's edges meet."""

from dataclasses import replace

import numpy as np
import pytest

from leftright import equirectangular
from leftright.ambisonics import wrapped
from leftright.simulation.choreography import BRUSHING, SPEAKING, STEPS_PER_FRAME, TAPPING, Events
from leftright.simulation.panorama import Place
from leftright.simulation.performer import draw
from leftright.simulation.surround import Part, Scene
from leftright.simulation.surround_pictures import film

WIDTH, HEIGHT = 256, 128
BLANK = Place(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), np.zeros((HEIGHT, WIDTH, 4), np.uint8))
TALKING = Events(np.zeros(1), np.ones(1), np.ones(1))
SILENT = Events(np.zeros(0), np.zeros(0), np.zeros(0))


def part(kind: str, azimuth_deg, elevation_deg: float = 0.0, distance_m: float = 0.5, events: Events = TALKING) -> Part:
    azimuth = np.repeat(np.atleast_1d(np.asarray(azimuth_deg, float)), STEPS_PER_FRAME)
    performer = draw(np.random.default_rng(11), (0.1, 0.2), (0.5, 0.5))
    vivid = replace(performer.tapped, shape="tin", colour=(0, 230, 0), accent=(0, 230, 0))
    brushed = replace(vivid, kind=BRUSHING, shape="sponge")
    return Part(
        replace(performer, tapped=vivid, brushed=brushed), kind, azimuth, np.full_like(azimuth, elevation_deg),
        np.full_like(azimuth, distance_m), np.zeros_like(azimuth), np.zeros(azimuth.size, bool), events, 0.0,
    )  # fmt: skip


def filmed(*sources: Part, silent: tuple[Part, ...] = (), **choices: bool) -> np.ndarray:
    times = np.arange(len((*sources, *silent)[0].azimuth_deg)) / 50
    return np.stack(list(film(Scene(times, sources, silent), BLANK, **choices))).astype(int)


def mouth_moves(source: Part) -> np.ndarray:
    """Where pictures of an open and a shut mouth differ: (frames, height, width)."""
    wide = filmed(replace(source, activity=np.ones_like(source.activity)))
    return np.abs(wide - filmed(source)).sum(axis=-1) > 30


def middle_azimuth(is_there: np.ndarray) -> np.ndarray:
    """The azimuth of what is marked in (frames, height, width), also around the seam."""
    azimuth = np.radians(equirectangular.azimuth_of((np.arange(WIDTH) + 0.5) / WIDTH))
    columns = is_there.sum(axis=1)
    return np.degrees(np.arctan2(columns @ np.sin(azimuth), columns @ np.cos(azimuth)))


AROUND = [0, 30, 90, 150, 180, -150, -90, -20]


def test_a_mouth_opens_where_the_sound_comes_from():
    moves = mouth_moves(part(SPEAKING, AROUND, elevation_deg=10))
    assert moves.any(axis=(1, 2)).all()
    assert np.abs(wrapped(middle_azimuth(moves) - AROUND)).max() < 2
    rows = (moves.sum(axis=2) @ (np.arange(HEIGHT) + 0.5)) / moves.sum(axis=(1, 2))
    np.testing.assert_allclose(rows / HEIGHT, equirectangular.y_of(10), atol=0.012)


@pytest.mark.parametrize("kind", [TAPPING, BRUSHING])
def test_a_thing_is_where_the_sound_comes_from(kind):
    frames = filmed(part(kind, AROUND))
    green = (frames[..., 1] - frames[..., 0] > 60) & (frames[..., 1] - frames[..., 2] > 60)
    assert np.abs(wrapped(middle_azimuth(green) - AROUND)).max() < 4


def test_a_hand_at_work_moves():
    for kind in (TAPPING, BRUSHING):
        source = part(kind, 40)
        down = filmed(replace(source, activity=np.ones_like(source.activity)))
        assert (np.abs(down - filmed(source)).sum(axis=-1) > 30).sum() > 5


def test_a_face_behind_is_half_at_each_edge():
    ahead, behind = filmed(part(SPEAKING, 0)), filmed(part(SPEAKING, 180))
    np.testing.assert_array_equal(np.roll(ahead, WIDTH // 2, axis=2), behind)
    drawn = np.abs(behind[0] - 90).sum(axis=-1).max(axis=0) > 20
    assert drawn[:5].all() and drawn[-5:].all() and not drawn[WIDTH // 4 : 3 * WIDTH // 4].any()


def test_size_is_that_of_a_head_at_its_distance():
    """Twice as near is twice as large, and half a metre away a head and its hair are some 27 degrees high, 19 pixels."""
    heights = []
    for distance in (1.0, 0.5):
        source = part(SPEAKING, 0, elevation_deg=0, distance_m=distance)
        drawn = np.abs(filmed(source)[0] - 90).sum(axis=-1)[:, WIDTH // 2] > 30
        heights.append(HEIGHT // 2 - int(np.argmax(drawn)))  # from the crown to the mouth
    assert heights[1] / heights[0] == pytest.approx(2, rel=0.15)
    assert heights[1] == pytest.approx(np.degrees(1.5 * 0.118 / 0.5) / 180 * HEIGHT, rel=0.25)


def test_the_nearer_hides_the_farther():
    near, far = part(SPEAKING, 0, distance_m=0.45), part(TAPPING, 0, distance_m=0.6)
    np.testing.assert_array_equal(filmed(near, far), filmed(far, near))
    green = filmed(far, near)[0]
    assert not ((green[..., 1] - green[..., 0] > 100) & (green[..., 1] - green[..., 2] > 100)).any()


def test_unseen_sources_are_not_in_the_picture():
    assert (filmed(part(SPEAKING, 0), shows_sources=False) == 90).all()
    bystander = part(SPEAKING, 60, events=SILENT)
    both = filmed(part(SPEAKING, 0), silent=(bystander,), shows_sources=False)
    np.testing.assert_array_equal(both, filmed(silent=(bystander,)))


def test_the_table_hides_people_and_not_what_lies_on_it():
    table = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    table[90:] = (150, 110, 70, 255)
    place = replace(BLANK, table=table)
    person, thing = part(SPEAKING, 0), part(TAPPING, 60, elevation_deg=-50, events=SILENT)
    scene = Scene(np.arange(STEPS_PER_FRAME) / 50, (person,), (thing,))
    (frame,) = film(scene, place)
    assert (frame[90:, WIDTH // 2 - 20 : WIDTH // 2 + 20] == (150, 110, 70)).all()
    x, y = int(WIDTH * equirectangular.x_of(60)), int(HEIGHT * equirectangular.y_of(-50))
    assert frame[y, x, 1] > frame[y, x, 0] + 60
