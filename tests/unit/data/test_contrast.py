"""The wrong sound: of another video, or far away in the same clip, and the same one whenever the item is asked for."""

import pickle

import numpy as np
import pytest

from leftright.data.augmentation import Augmentation, AugmentationRange
from leftright.data.contrast import ContrastWindows, FixedContrasts, Others, contrast
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, TrainingWindows, Window, window_geometry
from tests.packed_world import write_moving_world

RANGES = AugmentationRange(0.2, 0.1, 0.2)
NUM_CLIPS = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ClipStore:
    """Clips of 3 s, in which a window of 1 s starts at one of the stored frames 0 to 12."""
    reader = ShardReader([write_moving_world(tmp_path_factory.mktemp("world") / "pack", num_channels=NUM_CLIPS // 2)])
    return ClipStore(reader, window_geometry(reader, 1.0, 2, crop=16), cache_mb=8)


def others(store: ClipStore, task: str, min_shift_s: float = 1.0, rows=range(NUM_CLIPS)) -> Others:
    return Others(store, rows, task, min_shift_s)


def drawn(from_: Others, window: Window, count: int = 200) -> list[Window]:
    return [from_.draw(window, np.random.default_rng(seed)) for seed in range(count)]


def same(first, second) -> bool:
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True))


def test_a_mismatch_is_of_another_video_anywhere_in_any_of_its_clips(store):
    videos = store.reader.index["video"]
    found = drawn(others(store, "mismatch"), Window(3, 0), 400)
    assert {window.row for window in found} == set(range(NUM_CLIPS)) - {3}
    assert videos[3] not in {videos[window.row] for window in found}
    assert {window.first_frame for window in found} == set(range(13))


def test_another_clip_of_the_same_video_is_no_mismatch(store):
    """Two clips of one recording sound alike: that one of them is wrong cannot be heard."""
    reader = pickle.loads(pickle.dumps(store.reader))
    reader.index.loc[4, "video"] = reader.index.loc[3, "video"]
    twins = ClipStore(reader, store.geometry, cache_mb=0)
    found = drawn(Others(twins, range(NUM_CLIPS), "mismatch", 0.0), Window(3, 0))
    assert {window.row for window in found} == set(range(NUM_CLIPS)) - {3, 4}


def test_a_mismatch_is_of_the_clips_that_it_may_choose_from(store):
    """Training must not hear the test clips."""
    found = drawn(others(store, "mismatch", rows=[1, 5, 6]), Window(5, 0))
    assert {window.row for window in found} == {1, 6}


def test_clips_of_one_video_have_no_mismatch(store):
    with pytest.raises(ValueError, match="clips of two videos"):
        others(store, "mismatch", rows=[2])
    assert drawn(others(store, "shift", rows=[2]), Window(2, 0), 1)


@pytest.mark.parametrize(
    ("first_frame", "min_shift_s", "places"),
    [
        (0, 1.0, range(6, 13)),
        (12, 1.0, range(7)),
        (6, 1.0, (0, 12)),
        (5, 1.0, (11, 12)),
        (6, 0.5, (0, 1, 2, 3, 9, 10, 11, 12)),
        (4, 9.0, (12,)),  # the clip is too short: its farther end
        (8, 9.0, (0,)),
    ],
)
def test_a_shift_is_far_enough_away_in_the_same_clip(store, first_frame, min_shift_s, places):
    found = drawn(others(store, "shift", min_shift_s), Window(2, first_frame))
    assert {window.row for window in found} == {2}
    assert {window.first_frame for window in found} == set(places)


@pytest.mark.parametrize("task", ["mismatch", "shift"])
def test_a_training_item_follows_from_the_seed_and_its_number_alone(store, task):
    def fresh(seed: int = 0) -> ContrastWindows:
        return ContrastWindows(store, range(NUM_CLIPS), RANGES, seed, others(store, task))

    used = fresh()
    for number in range(9):
        used[number]
    assert same(fresh()[21], used[21])
    assert same(fresh()[21], pickle.loads(pickle.dumps(used))[21])
    assert not same(fresh()[21], fresh(seed=1)[21])
    assert not same(fresh()[21], fresh()[22])


@pytest.mark.parametrize("task", ["mismatch", "shift"])
def test_all_tasks_see_the_same_windows_and_variations(store, task):
    """What is compared between the tasks is what is asked, not what is looked at."""
    own = ContrastWindows(store, range(NUM_CLIPS), RANGES, 3, others(store, task))
    flip = TrainingWindows(store, range(NUM_CLIPS), RANGES, 3)
    for number in range(20):
        for name in ("waveform", "frames", "gain", "shift", "is_mirrored"):
            np.testing.assert_array_equal(getattr(own[number], name), getattr(flip[number], name))


def test_the_own_sound_is_the_windows_and_the_wrong_one_the_other_places(store):
    none = Augmentation.none(24, 24, 16)
    item = contrast(store, Window(2, 3), Window(5, 7), none)
    np.testing.assert_array_equal(item.waveform, store.reader.waveform(2, 8000, 16_000))
    np.testing.assert_array_equal(item.other_waveform, store.reader.waveform(5, round(7 / 6 * 16_000), 16_000))
    np.testing.assert_array_equal(item.frames, store.reader.frames(2, 3, 6)[[0, 2, 4], :, 4:20, 4:20])


def test_evaluation_items_change_nothing_and_follow_from_number_and_seed(store):
    windows = [Window(0, 2), Window(5, 9)]

    def fixed(seed: int) -> FixedContrasts:
        return FixedContrasts(store, windows, others(store, "mismatch"), seed)

    items = fixed(0)
    assert len(items) == 2
    item = items[1]
    assert (item.gain == 1).all() and (item.shift == 0).all() and not item.is_mirrored
    np.testing.assert_array_equal(item.frames, store.reader.frames(5, 9, 6)[[0, 2, 4], :, 4:20, 4:20])
    np.testing.assert_array_equal(item.waveform, store.waveform(windows[1]))
    items[0]
    assert same(item, items[1]) and same(item, fixed(0)[1])
    assert any(not same(item, fixed(seed)[1]) for seed in range(1, 5))
