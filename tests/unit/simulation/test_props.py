import numpy as np
import pytest

from leftright.simulation import props
from leftright.simulation.drawing import lay
from leftright.simulation.performer import BRUSHED, TAPPED, Instrument, Room

ROOM = Room((200, 190, 180), (120, 90, 70), (255, 240, 210), 5, 0.1, 40.0)


@pytest.mark.parametrize("shape", [*TAPPED, *BRUSHED])
def test_instrument_covers_the_place_that_sounds_in_its_colours(shape):
    thing = Instrument("tapping", shape, (10, 200, 10), (200, 10, 200), 0.05, 600.0)
    picture = np.zeros((120, 120, 3), np.uint8)
    lay(picture, props.draw_instrument(thing, 20.0), (60, 60), 20.0)
    assert picture[60, 60].max() > 0
    covered = picture.any(axis=-1).mean()
    assert 0.05 < covered < 0.5


@pytest.mark.parametrize("is_pointing", [True, False])
def test_hand_reaches_down_from_its_origin(is_pointing):
    picture = np.zeros((200, 120, 3), np.uint8)
    lay(picture, props.draw_hand((220, 180, 150), is_pointing, 20.0), (60, 40), 20.0)
    rows = np.nonzero(picture.any(axis=(1, 2)))[0]
    assert 30 <= rows[0] <= 45
    assert rows[-1] > 120


def test_an_arm_hangs_as_far_as_asked():
    for bottom in (8.7, 12.0):
        picture = np.zeros((200, 120, 3), np.uint8)
        lay(picture, props.draw_arm((200, 40, 40), 10.0, bottom), (60, 40), 10.0)
        assert np.nonzero(picture.any(axis=(1, 2)))[0][-1] == pytest.approx(40 + 10 * bottom, abs=1.5)


def test_furniture_ends_at_the_floor():
    reach = []
    for seed in range(12):
        picture = np.zeros((120, 120, 3), np.uint8)
        lay(picture, props.draw_furniture(ROOM, np.random.default_rng(seed), 100.0), (60, 10), 100.0)
        reach.append(np.nonzero(picture.any(axis=(1, 2)))[0][-1])
    assert min(reach) < 65 and 83 <= max(reach) <= 87  # pictures hang, lamps and plants stand 75 below the origin


def test_room_is_its_own_seed():
    first, again = (props.draw_room(ROOM, 128, 96) for _ in range(2))
    other = props.draw_room(Room(**{**ROOM.__dict__, "furniture": 6}), 128, 96)
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.2
    assert first.shape == (96, 128, 3)
