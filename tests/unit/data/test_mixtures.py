"""Pairs of windows: two videos, and each one's own picture beside its own sound."""

import pickle

import numpy as np
import pytest

from leftright.data.augmentation import AugmentationRange
from leftright.data.contrast import Others
from leftright.data.mixtures import FixedPairs, TrainingPairs
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, TrainingWindows, Window, window_geometry
from tests.packed_world import TONES_HZ, write_moving_world

RANGES = AugmentationRange(0.0, 0.0, 0.0)
NUM_CLIPS = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ClipStore:
    reader = ShardReader([write_moving_world(tmp_path_factory.mktemp("world") / "pack", num_channels=NUM_CLIPS // 2)])
    return ClipStore(reader, window_geometry(reader, 1.0, 2, crop=24), cache_mb=8)


def training(store: ClipStore, seed: int = 0) -> TrainingPairs:
    return TrainingPairs(store, range(NUM_CLIPS), RANGES, seed, Others(store, range(NUM_CLIPS), "mismatch", 0.0))


def fixed(store: ClipStore, windows: list[Window], seed: int = 0) -> FixedPairs:
    return FixedPairs(store, windows, Others(store, range(NUM_CLIPS), "mismatch", 0.0), seed)


def same(first, second) -> bool:
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True))


def heard_kind(waveform: np.ndarray) -> int:
    """Which of the tones is in a sound (2, samples)."""
    power = np.abs(np.fft.rfft(waveform.sum(axis=0).astype(float)))
    hertz_per_bin = 16_000 / waveform.shape[-1]
    return int(np.argmax([power[round(tone / hertz_per_bin)] for tone in TONES_HZ]))


def seen_kind(frames: np.ndarray) -> int:
    """Which of the colours the square has, in frames (time, 3, crop, crop): the first is redder than blue."""
    red, blue = (frames[:, channel].astype(float).mean() for channel in (0, 2))
    return int(blue > red)


def test_each_picture_stands_beside_its_own_sound(store):
    """Colour and tone are one in this world: were the clips' sounds exchanged, the pairs of different kinds would tell."""
    pairs = [training(store)[number] for number in range(24)]
    kinds = [[(heard_kind(item.waveform[clip]), seen_kind(item.frames[clip])) for clip in range(2)] for item in pairs]
    assert all(heard == seen for pair in kinds for heard, seen in pair)
    assert any(first[0] != second[0] for first, second in kinds)


def test_the_two_are_of_different_videos(store):
    windows = [Window(row, 4) for row in range(NUM_CLIPS)]
    pairs = fixed(store, windows)
    videos = store.reader.index["video"]
    assert all(videos[asked.row] != videos[other.row] for asked, other in zip(windows, pairs.others, strict=True))
    for number, (asked, other) in enumerate(zip(windows, pairs.others, strict=True)):
        np.testing.assert_array_equal(pairs[number].waveform[0], store.waveform(asked))
        np.testing.assert_array_equal(pairs[number].waveform[1], store.waveform(other))
        np.testing.assert_array_equal(pairs[number].frames[1], store.frames(other))


def test_each_has_a_coin_of_its_own(store):
    coins = {tuple(training(store)[number].is_mirrored.tolist()) for number in range(40)}
    assert coins == {(False, False), (False, True), (True, False), (True, True)}


def test_the_first_of_a_pair_is_what_the_other_tasks_look_at(store):
    flip = TrainingWindows(store, range(NUM_CLIPS), RANGES, 0)
    for number in range(10):
        np.testing.assert_array_equal(training(store)[number].waveform[0], flip[number].waveform)
        np.testing.assert_array_equal(training(store)[number].frames[0], flip[number].frames)


def test_a_pair_follows_from_the_seed_and_its_number_alone(store):
    used = training(store)
    for number in range(9):
        used[number]
    assert same(training(store)[30], used[30])
    assert same(training(store)[30], pickle.loads(pickle.dumps(used))[30])
    assert not same(training(store)[30], training(store, seed=1)[30])


def test_evaluation_changes_nothing_and_follows_from_number_and_seed(store):
    windows = [Window(row, 0) for row in range(NUM_CLIPS)]
    first, again, another = fixed(store, windows), fixed(store, windows), fixed(store, windows, seed=1)
    assert len(first) == NUM_CLIPS
    assert first.others == again.others != another.others
    assert same(first[3], again[3])
    assert not first[3].is_mirrored.any() and (first[3].gain == 1).all() and (first[3].shift == 0).all()
