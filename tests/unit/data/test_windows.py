import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from leftright.data.augmentation import AugmentationRange
from leftright.data.shards import ShardReader
from leftright.data.windows import (
    ClipStore,
    FixedWindows,
    StepLoader,
    StepSampler,
    TrainingWindows,
    Window,
    evenly_spaced,
    same_centres,
    window_geometry,
)
from leftright.errors import InputError
from tests.packed_world import SIDE, write_packed_world

RANGES = AugmentationRange(0.2, 0.1, 0.2)


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> ShardReader:
    return ShardReader([write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=3)])


def store_of(reader: ShardReader, cache_mb: int = 0, window_s: float = 1.0, frame_step: int = 2) -> ClipStore:
    return ClipStore(reader, window_geometry(reader, window_s, frame_step, crop=16), cache_mb)


def training(reader: ShardReader, seed: int = 0) -> TrainingWindows:
    return TrainingWindows(store_of(reader), range(6), RANGES, seed)


def same(first, second) -> bool:
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True))


def test_a_window_is_the_sound_and_the_frames_of_one_time(reader):
    store = store_of(reader)
    window = Window(row=2, first_frame=3)
    np.testing.assert_array_equal(store.waveform(window), reader.waveform(2, 8000, 16_000))
    np.testing.assert_array_equal(store.frames(window), reader.frames(2, 3, 6)[[0, 2, 4]])


def test_the_cache_changes_nothing_and_saves_decoding(reader, monkeypatch):
    kept, plain, window = store_of(reader, cache_mb=64), store_of(reader), Window(1, 4)
    np.testing.assert_array_equal(kept.frames(window), plain.frames(window))
    monkeypatch.setattr(ShardReader, "frames", lambda *_: pytest.fail("decoded again"))
    kept.frames(Window(1, 0))


def test_a_full_cache_still_reads(reader):
    store = store_of(reader)
    store._room = store.num_frames[0] * 3 * SIDE * SIDE
    for row in (0, 1, 0, 1):
        np.testing.assert_array_equal(store.frames(Window(row, 0)), reader.frames(row, 0, 6)[[0, 2, 4]])
    assert list(store._cache) == [0]


def test_a_training_item_follows_from_the_seed_and_its_number_alone(reader):
    fresh, used = training(reader), training(reader)
    for number in range(9):
        used[number]
    assert same(fresh[40], used[40])
    assert same(fresh[40], pickle.loads(pickle.dumps(used))[40])
    assert not same(fresh[40], training(reader, seed=1)[40])
    assert not same(fresh[40], fresh[41])


def test_every_clip_comes_once_an_epoch_in_an_order_of_its_own(reader, monkeypatch):
    rows = []
    monkeypatch.setattr(ClipStore, "item", lambda self, window, *_, **__: rows.append(window.row))
    windows = training(reader)
    for number in range(6 * 6):
        windows[number]
    epochs = [tuple(rows[start : start + 6]) for start in range(0, 36, 6)]
    assert all(sorted(epoch) == list(range(6)) for epoch in epochs)
    assert len(set(epochs)) > 1


def test_evaluation_looks_at_the_centre_and_changes_nothing(reader):
    item = FixedWindows(store_of(reader), [Window(0, 2)])[0]
    np.testing.assert_array_equal(item.frames, reader.frames(0, 2, 6)[[0, 2, 4], :, 4:20, 4:20])
    assert (item.gain == 1).all() and (item.shift == 0).all() and not item.is_flipped and not item.is_mirrored


@pytest.mark.parametrize(("num_windows", "starts"), [(1, [3]), (2, [0, 6]), (3, [0, 3, 6]), (99, list(range(7)))])
def test_windows_are_spread_from_start_to_end(reader, num_windows, starts):
    windows = evenly_spaced(store_of(reader), [4], num_windows)
    assert windows == [Window(4, start) for start in starts]


def test_clips_shorter_than_a_window_are_left_out(reader):
    assert store_of(reader, window_s=2.0).long_enough(range(6)) == list(range(6))
    assert store_of(reader, window_s=2.01).long_enough(range(6)) == []


def test_a_crop_larger_than_the_frames_is_refused(reader):
    with pytest.raises(InputError, match="crop 25: the packed frames have 24"):
        window_geometry(reader, 1.0, 1, crop=25)


def test_shards_of_two_frame_rates_are_refused(reader):
    mixed = pickle.loads(pickle.dumps(reader))
    mixed.index.loc[0, "frame_rate"] = 5.0
    with pytest.raises(InputError, match=r"frame rates \[5.0, 6.0\]"):
        window_geometry(mixed, 1.0, 1, crop=8)


@pytest.mark.parametrize("num_processes", [1, 2, 4])
def test_processes_share_the_global_batch(num_processes):
    shares = [list(StepSampler(3, 8, process, num_processes)) for process in range(num_processes)]
    for step in range(3):
        numbers = [number for share in shares for number in share[step]]
        assert sorted(numbers) == list(range(8 * step, 8 * step + 8))


def test_a_loader_goes_on_behind_what_was_handed_out(reader):
    whole = list(StepLoader(training(reader), StepSampler(5, 3, 0, 1), num_workers=0))
    interrupted = StepLoader(training(reader), StepSampler(5, 3, 0, 1), num_workers=0)
    batches = iter(interrupted)
    for _ in range(2):
        next(batches)
    resumed = StepLoader(training(reader), StepSampler(5, 3, 0, 1), num_workers=0)
    resumed.load_state_dict(interrupted.state_dict())
    rest = list(resumed)
    assert len(rest) == 3 and len(resumed) == 5
    assert all(same(first, second) for first, second in zip(whole[2:], rest, strict=True))


def test_batches_are_stacked_items(reader):
    windows = training(reader)
    batch = next(iter(StepLoader(windows, StepSampler(1, 4, 0, 1), num_workers=0)))
    assert batch.waveform.shape == (4, 2, 16_000) and batch.waveform.dtype == torch.int16
    assert batch.frames.shape == (4, 3, 3, 16, 16) and batch.frames.dtype == torch.uint8
    assert batch.is_flipped.dtype == batch.is_mirrored.dtype == torch.bool
    np.testing.assert_array_equal(batch.waveform[2].numpy(), windows[2].waveform)


def test_reading_works_from_another_process(reader):
    here = list(StepLoader(training(reader), StepSampler(2, 2, 0, 1), num_workers=0))
    there = list(StepLoader(training(reader), StepSampler(2, 2, 0, 1), num_workers=1))
    assert all(same(first, second) for first, second in zip(here, there, strict=True))


def test_a_frame_shows_what_is_heard(reader: ShardReader, tmp_path: Path):
    """In the packed world the square's half of the picture is the louder channel's, in any window."""
    store = store_of(reader)
    for row in range(6):
        item = FixedWindows(store, [Window(row, 5)])[0]
        levels = np.square(item.waveform.astype(float)).mean(axis=1)
        halves = item.frames.reshape(3, 3, 16, 2, 8).mean(axis=(0, 1, 2, 4))
        assert np.argmax(levels) == np.argmax(halves)


@pytest.mark.parametrize("num_windows", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("window_s", [0.5, 0.75, 1.0, 1.9, 2.0])
def test_one_geometry_has_the_windows_of_its_own(reader, num_windows, window_s):
    store = store_of(reader, window_s=window_s)
    assert same_centres([store], range(4), num_windows) == [evenly_spaced(store, range(4), num_windows)]


@pytest.mark.parametrize("num_windows", [1, 2, 3])
def test_several_geometries_share_their_centres(reader, num_windows):
    stores = [store_of(reader, window_s=window_s) for window_s in (1.5, 1.0, 0.5)]
    placed = same_centres(stores, [0, 3], num_windows)
    for store, windows in zip(stores, placed, strict=True):
        assert [window.row for window in windows] == [0] * num_windows + [3] * num_windows
        assert all(0 <= window.first_frame <= store.last_starts[window.row] for window in windows)
    centres = np.array([
        [window.first_frame + store.geometry.duration_s * 6 / 2 for window in windows]
        for store, windows in zip(stores, placed, strict=True)
    ])  # fmt: skip
    assert np.ptp(centres, axis=0).max() <= 1.0
