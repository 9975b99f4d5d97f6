import numpy as np
import pytest

from leftright.data.augmentation import AugmentationRange
from leftright.data.shards import ShardReader
from leftright.data.sphere_windows import FixedRotations, Rotations, TrainingRotations
from leftright.data.windows import ClipStore, Window
from leftright.models import WindowGeometry
from tests.sphere_world import FRAME_RATE, HEIGHT, write_packed_spheres

GEOMETRY = WindowGeometry(1.0, FRAME_RATE, 2, HEIGHT)
RANGES = AugmentationRange(0.2, 0.1, 0.2)
NEAR = Rotations(0.95, 1.05)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ClipStore:
    packed = write_packed_spheres(tmp_path_factory.mktemp("world") / "pack", num_videos=5)
    return ClipStore(ShardReader([packed]), GEOMETRY, cache_mb=16)


def test_windows_hold_four_channels_and_the_whole_picture(store):
    item = TrainingRotations(store, [0, 1], RANGES, NEAR, seed=0, mirrors=True)[0]
    assert item.waveform.shape == (4, GEOMETRY.num_samples)
    assert item.frames.shape == (GEOMETRY.num_frames, 3, HEIGHT, 2 * HEIGHT)


def test_item_n_is_a_function_of_seed_and_n(store):
    def items(seed: int):
        windows = TrainingRotations(store, [0, 1, 2], RANGES, NEAR, seed, mirrors=True)
        return [windows[number] for number in (7, 3, 7)]

    first, _, again = items(0)
    other = items(1)[0]
    np.testing.assert_array_equal(first.waveform, again.waveform)
    assert (first.columns, first.theta, first.is_rotated) == (again.columns, again.theta, again.is_rotated)
    assert (first.columns, first.theta) != (other.columns, other.theta)


@pytest.mark.parametrize(("low", "high"), [(0.95, 1.05), (0.25, 1.75)])
def test_turns_are_spread_over_what_was_asked_for(store, low, high):
    windows = TrainingRotations(store, [0, 1, 2], RANGES, Rotations(low, high), seed=0, mirrors=True)
    items = [windows[number] for number in range(400)]
    turns = np.array([item.theta for item in items]) / np.pi
    assert low <= turns.min() < low + 0.05 * (high - low) and high - 0.05 * (high - low) < turns.max() <= high
    assert 0.4 < np.mean([item.is_rotated for item in items]) < 0.6
    columns = [item.columns for item in items]
    assert min(columns) >= 0 and max(columns) < 2 * HEIGHT and len(set(columns)) > HEIGHT


def test_half_of_the_windows_are_mirrored_or_none(store):
    def share(mirrors: bool) -> float:
        windows = TrainingRotations(store, [0, 1, 2], RANGES, NEAR, seed=0, mirrors=mirrors)
        return float(np.mean([windows[number].is_mirrored for number in range(400)]))

    assert 0.4 < share(True) < 0.6
    assert share(False) == 0


def test_a_fixed_window_has_its_own_angle_whatever_stands_beside_it(store):
    many = FixedRotations(store, [Window(0, 0), Window(1, 2)], NEAR, seed=0)
    one = FixedRotations(store, [Window(1, 2)], NEAR, seed=0)
    assert many[1].theta == one[0].theta != many[0].theta
    assert (many[1].is_mirrored, many[1].columns, many[1].is_rotated) == (False, 0, False)
    np.testing.assert_array_equal(many[1].gain, np.ones(3))
