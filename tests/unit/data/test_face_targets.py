"""Whose face sounds, where it is at a time, and where that is in a crop of the picture."""

import pickle

import numpy as np
import pandas as pd
import pytest

from leftright.data.augmentation import Augmentation, AugmentationRange
from leftright.data.face_targets import Faces, FixedFaces, Target, TrainingFaces, agreement, targets_of
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, window_geometry
from tests.packed_world import FRAME_RATE, SIDE, SQUARE, write_moving_world

RANGES = AugmentationRange(0.0, 0.0, 0.0)
NAN = float("nan")
CROP = 20


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> ShardReader:
    """Clips of 3 s with a face at every stored frame."""
    return ShardReader([write_moving_world(tmp_path_factory.mktemp("world") / "pack", num_channels=4)])


def store_of(reader: ShardReader, window_s: float = 1.0, crop: int = CROP) -> ClipStore:
    return ClipStore(reader, window_geometry(reader, window_s, 1, crop), cache_mb=8)


@pytest.fixture
def store(reader) -> ClipStore:
    return store_of(reader)


@pytest.fixture
def faces(store) -> Faces:
    return Faces(store, targets_of(store, range(len(store.reader)), 0.9))


def clip(xs: list[float], levels: list[float]) -> pd.Series:
    return pd.Series({"face_xs": xs, "face_led_db": levels})


def test_agreement_is_of_the_faces_place_with_the_louder_side():
    """Right is louder where the face is right: the level difference grows with x."""
    assert agreement(clip([0.1, 0.3, 0.5, 0.7], [-6.0, -2.0, 2.0, 6.0])) == pytest.approx(1.0)
    assert agreement(clip([0.1, 0.3, 0.5, 0.7], [6.0, 2.0, -2.0, -6.0])) == pytest.approx(-1.0)


def test_agreement_by_hand():
    """Deviations -1.5 -0.5 0.5 1.5 and -1 1 -1 1: their product sums to 2, over sqrt(5 * 4)."""
    assert agreement(clip([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 1.0, 3.0])) == pytest.approx(2 / 20**0.5)


def test_times_without_a_face_or_a_level_are_left_out():
    known = agreement(clip([0.1, 0.3, 0.5, 0.7], [-6.0, -2.5, 2.0, 6.0]))
    assert agreement(clip([0.1, NAN, 0.3, 0.5, 0.9, 0.7], [-6.0, 9.0, -2.5, 2.0, NAN, 6.0])) == pytest.approx(known)


def test_agreement_of_few_times_or_of_a_still_face_is_unknown():
    assert np.isnan(agreement(clip([0.1, 0.3, 0.5, NAN], [1.0, 2.0, 3.0, 4.0])))
    assert np.isnan(agreement(clip([0.5] * 5, [1.0, 2.0, 3.0, 4.0, 5.0])))


def with_column(reader: ShardReader, row: int, name: str, values: list[float]) -> ShardReader:
    changed = pickle.loads(pickle.dumps(reader))
    changed.index.at[row, name] = np.array(values)
    return changed


def test_only_faces_that_sound_are_asked_about(reader):
    """A clip whose louder side is opposite to its face, such as tapping hands, says nothing of the face."""
    levels = np.asarray(reader.index["face_led_db"][0])
    asked = {target.row for target in targets_of(store_of(reader), [0, 1, 2, 3], 0.9)}
    opposite = with_column(reader, 0, "face_led_db", (-levels).tolist())
    assert {target.row for target in targets_of(store_of(opposite), [0, 1, 2, 3], 0.9)} == asked - {0}
    assert 0 in asked
    unknown = with_column(reader, 0, "face_led_db", [NAN] * len(levels))
    assert 0 not in {target.row for target in targets_of(store_of(unknown), [0, 1], -1.0)}


def test_a_whole_window_of_sound_fits_around_each_target(store):
    """3 s of sound: from half a second after the start to half a second before the end."""
    times = sorted({target.time_s for target in targets_of(store, [0], 0.9)})
    assert times == pytest.approx(np.arange(3, 16) / FRAME_RATE)


def test_targets_have_the_detectors_box_of_their_time(reader, store):
    row = reader.index.iloc[0]
    for target in targets_of(store, [0], 0.9):
        frame = round(target.time_s * FRAME_RATE)
        names = ("face_lefts", "face_tops", "face_rights", "face_bottoms")
        assert target.box == pytest.approx([row[name][frame] for name in names])


def test_a_time_without_a_box_is_no_target(reader):
    lefts = np.asarray(reader.index["face_lefts"][0]).copy()
    lefts[7] = NAN
    times = {target.time_s for target in targets_of(store_of(with_column(reader, 0, "face_lefts", lefts)), [0], 0.9)}
    assert 7 / FRAME_RATE not in times and 6 / FRAME_RATE in times


def test_clips_without_a_frame_outside_the_sounds_time_are_left_out(reader):
    """A window of 2.9 of 3 s leaves no other time to show."""
    assert targets_of(store_of(reader, window_s=2.9), range(8), 0.9) == []


def test_the_frame_shown_is_never_of_the_sounds_time(faces):
    for target in faces.targets:
        outside = faces.outside(target) / FRAME_RATE
        assert len(outside)
        assert (np.abs(outside - target.time_s) > 0.5).all()
    by_hand = Faces(faces.store, []).outside(Target(0, 1.5, (0.0, 0.0, 1.0, 1.0)))
    assert by_hand.tolist() == [0, 1, 2, 3, 4, 5, 13, 14, 15, 16, 17]  # frames 6 to 12 are at 1.0 to 2.0 s


def test_the_sound_is_that_around_the_targets_time(reader, faces):
    item = faces.item(Target(2, 1.25, (0.0, 0.0, 1.0, 1.0)), 0, Augmentation.none(SIDE, SIDE, CROP))
    np.testing.assert_array_equal(item.waveform, reader.waveform(2, 12_000, 16_000))


def test_the_sound_is_heard_where_the_box_is(faces):
    """The square that is asked about is on the side that is louder at the target's very time."""
    for target in faces.targets[::3]:
        item = faces.item(target, 0, Augmentation.none(SIDE, SIDE, CROP))
        middle = item.waveform[:, 8000:9000].astype(
            float
        )  # from the target's time on, until the square may change sides
        louder_right = np.square(middle[1]).sum() > np.square(middle[0]).sum()
        assert louder_right == (item.box[0] + item.box[2] > 1)


def drawn_box(frame: np.ndarray) -> list[int]:
    """Left, top, right and bottom of the square in a frame (3, side, side), in whole pixels: it alone has a colour."""
    is_square = np.ptp(frame.astype(int), axis=0) > 60
    rows, columns = np.flatnonzero(is_square.any(axis=1)), np.flatnonzero(is_square.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


@pytest.mark.parametrize(("top", "left"), [(0, 0), (4, 0), (0, 4), (2, 3)])
def test_the_box_lies_in_the_crop_where_it_is_drawn(reader, faces, top, left):
    """Any crop: the pixels of the square are the box, where the crop's edge cuts it as well."""
    crop = Augmentation(top, left, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), False)
    for target in faces.targets[::5]:
        frame = round(target.time_s * FRAME_RATE)  # shown at the sound's time, as the task never does
        item = faces.item(target, frame, crop)
        np.testing.assert_allclose(item.box * CROP, drawn_box(item.frame), atol=1.01)  # JPEG blurs an edge by a pixel


def test_a_box_in_a_crop_by_hand(faces):
    """A box from (6, 12) to (18, 24) of 24 pixels, in the crop of 20 whose corner is (2, 4): (4, 8) to (16, 20)."""
    crop = Augmentation(4, 2, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), False)
    item = faces.item(Target(0, 1.5, (0.25, 0.5, 0.75, 1.0)), 0, crop)
    np.testing.assert_allclose(item.box, [0.2, 0.4, 0.8, 1.0])


def test_what_the_crop_cuts_off_is_cut_off_the_box(faces):
    crop = Augmentation(4, 4, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), False)
    item = faces.item(Target(0, 1.5, (0.0, 0.0, 0.5, 0.5)), 0, crop)
    np.testing.assert_allclose(item.box, [0.0, 0.0, 0.4, 0.4])
    gone = faces.item(Target(0, 1.5, (0.0, 0.0, 0.1, 0.5)), 0, crop)
    assert gone.box[0] == gone.box[2] == 0


def test_a_box_of_the_crop_is_found_again_in_the_whole_picture(faces):
    fixed = FixedFaces(faces, seed=0)
    for number, target in enumerate(faces.targets[:6]):
        inside = np.clip(np.array(target.box), 2 / SIDE, 22 / SIDE)  # what the crop from the centre leaves
        np.testing.assert_allclose(fixed.whole(fixed[number].box, number), inside, atol=1e-6)
    np.testing.assert_allclose(fixed.whole(np.array([[0.0, 0.0, 1.0, 1.0]]), 0), [[2 / 24, 2 / 24, 22 / 24, 22 / 24]])


def test_each_clip_comes_once_an_epoch_with_all_of_its_targets_in_time(faces):
    training = TrainingFaces(faces, RANGES, seed=0)
    rows = sorted({target.row for target in faces.targets})
    assert sorted(training.rows) == rows
    sounds = {training[number].waveform.tobytes() for number in range(10 * len(rows))}
    assert len(sounds) > 5 * len(rows)


def test_a_training_item_follows_from_the_seed_and_its_number_alone(faces):
    def same(first, second) -> bool:
        return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, second, strict=True))

    used, fresh = (TrainingFaces(faces, RANGES, seed=0) for _ in range(2))
    for number in range(9):
        used[number]
    assert same(used[20], fresh[20]) and same(pickle.loads(pickle.dumps(used))[20], fresh[20])
    assert not same(fresh[20], TrainingFaces(faces, RANGES, seed=1)[20])
    assert len({bool(fresh[number].is_mirrored) for number in range(20)}) == 2


def test_no_target_at_all_is_refused(store):
    with pytest.raises(ValueError, match="no target"):
        TrainingFaces(Faces(store, []), RANGES, seed=0)


def test_evaluation_shows_a_frame_of_another_time_that_follows_from_number_and_seed(faces):
    first, again, another = (FixedFaces(faces, seed) for seed in (0, 0, 1))
    assert len(first) == len(faces.targets)
    assert first.frames == again.frames != another.frames
    for target, frame in zip(faces.targets, first.frames, strict=True):
        assert abs(frame / FRAME_RATE - target.time_s) > 0.5
    item = first[0]
    assert not item.is_mirrored and (item.gain == 1).all() and (item.shift == 0).all()
    stored = faces.store.stored_frames(faces.targets[0].row, [first.frames[0]])[0]
    np.testing.assert_array_equal(item.frame, stored[:, 2:22, 2:22])
    assert pytest.approx(item.box[3] - item.box[1], abs=0.11) == SQUARE / CROP
