"""The three priors look at the other videos of a channel, and only at them."""

import numpy as np
import pandas as pd
import pytest

from leftright.baselines.priors import PRIORS, channel_priors, motion_columns, salience_columns, strongest_window
from leftright.metrics.regions import window_starts


def still(num_frames=4, height=20, width=40, colour=(60, 90, 120)):
    """Frames (time, 3, height, width) of one colour."""
    return np.broadcast_to(np.array(colour, np.uint8)[None, :, None, None], (num_frames, 3, height, width)).copy()


def position(columns, window_px=8):
    starts = window_starts(len(columns), window_px, 4)
    return strongest_window(columns, starts, window_px, (starts + window_px / 2) / len(columns))


def test_salience_finds_the_odd_patch():
    frames = still()
    frames[..., 5:15, 28:36] = 255
    assert position(salience_columns(frames)) == pytest.approx(32 / 40)


def test_salience_equals_the_naive_sum():
    frames = np.random.default_rng(0).integers(0, 256, (3, 3, 5, 6), dtype=np.uint8)
    average = [frames[:, colour].mean() for colour in range(3)]
    naive = [
        sum((float(frames[t, c, y, x]) - average[c]) ** 2 for t in range(3) for c in range(3) for y in range(5))
        for x in range(6)
    ]
    np.testing.assert_allclose(salience_columns(frames), naive, rtol=1e-5)


def test_motion_finds_what_moves_not_what_stands_out():
    frames = still()
    frames[..., 0:8] = 255
    frames[1::2, :, :, 20:24] = 130
    assert position(motion_columns(frames)) == pytest.approx(22 / 40, abs=0.06)


def test_motion_equals_the_naive_sum():
    frames = np.random.default_rng(1).integers(0, 256, (3, 3, 5, 6), dtype=np.uint8)
    naive = [
        sum(
            (float(frames[t + 1, c, y, x]) - float(frames[t, c, y, x])) ** 2
            for t in range(2)
            for c in range(3)
            for y in range(5)
        )
        for x in range(6)
    ]
    np.testing.assert_allclose(motion_columns(frames), naive, rtol=1e-5)


def test_one_frame_does_not_move():
    assert motion_columns(still(num_frames=1)).tolist() == [0.0] * 40


def test_what_does_not_move_is_in_the_middle():
    assert position(motion_columns(still())) == pytest.approx(0.5)


def test_places_turn_with_the_picture():
    frames = still()
    frames[..., 3:9, 4:9] = 200
    frames[1:, :, 10:12, 30:33] = 10
    for columns in (salience_columns, motion_columns):
        assert position(columns(frames[..., ::-1])) == pytest.approx(1 - position(columns(frames)))


@pytest.fixture
def clips():
    rows = [
        ("a1", "a", 10.0, 0.2, 0.9),
        ("a1", "a", 20.0, 0.2, 0.9),
        ("a2", "a", -6.0, 0.8, 0.1),
        ("a3", "a", 0.0, 0.8, 0.3),
        ("b1", "b", 5.0, 0.4, 0.4),
    ]
    return pd.DataFrame(rows, columns=["video", "channel", "led_db", "salience_x", "motion_x"])


def test_priors_by_hand(clips):
    priors = channel_priors(clips, clips)
    assert tuple(priors.columns) == PRIORS
    assert priors.loc["a1"].tolist() == pytest.approx([-3.0, 0.8, 0.2])
    assert priors.loc["a2"].tolist() == pytest.approx([10.0, 0.2, 0.9])
    assert priors.loc["a3"].tolist() == pytest.approx([8.0, 0.2, 0.9])


def test_the_only_video_of_a_channel_has_none(clips):
    assert channel_priors(clips, clips).loc["b1"].isna().all()


def test_a_channel_that_is_not_in_the_reference_has_none(clips):
    training = clips[clips["channel"] == "b"]
    assert channel_priors(clips, training).loc[["a1", "a2", "a3"]].isna().all(axis=None)


def test_only_reference_clips_are_asked(clips):
    training = clips[clips["video"] == "a2"]
    assert channel_priors(clips, training).loc["a1"].tolist() == [-6.0, 0.8, 0.1]


def test_a_video_never_informs_its_own_guess(clips):
    changed = clips.copy()
    changed.loc[changed["video"] == "a1", ["led_db", "salience_x", "motion_x"]] = [999.0, 0.0, 0.0]
    before, after = channel_priors(clips, clips), channel_priors(clips, changed)
    pd.testing.assert_series_equal(before.loc["a1"], after.loc["a1"])
    assert not before.loc["a2"].equals(after.loc["a2"])


def test_other_channels_do_not_count(clips):
    changed = clips.copy()
    changed.loc[changed["channel"] == "b", "led_db"] = 999.0
    pd.testing.assert_frame_equal(channel_priors(clips, clips), channel_priors(clips, changed))
