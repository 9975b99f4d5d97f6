"""What the pictures of the examples show: right is up, boxes lie where they were found, and one scale serves all sounds."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from leftright.figures import downstream as figures
from leftright.figures import style

FRAME = np.full((3, 16, 32), 128, np.uint8)


def stereo_example(true_db, predicted_db):
    times_s = np.linspace(0.1, 1.9, len(true_db))
    return figures.StereoExample(
        "a", np.stack([FRAME] * 3), times_s, np.array(true_db), np.array(predicted_db), duration_s=2.0
    )


def test_right_is_up_and_the_axis_is_symmetric():
    axes = Figure().add_subplot()
    figures._draw_levels(axes, stereo_example([-4.0, 6.0, 6.0], [0.0, 1.0, np.nan]))
    low, high = axes.get_ylim()
    assert low == -high
    assert high >= 6
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert heights["right"] > heights["left"]
    mono, true, predicted = axes.get_lines()
    assert not np.any(mono.get_ydata())
    assert true.get_ydata()[-1] == 6.0
    assert to_rgb(predicted.get_color()) == to_rgb(style.ORANGE)


@pytest.mark.parametrize("levels", [np.array([np.nan, np.nan]), np.array([0.0, 0.1])])
def test_an_axis_of_almost_nothing_still_has_a_height(levels):
    assert figures.level_limit(levels, levels) == 3.0


def test_frames_stand_over_their_times():
    axes = Figure().add_subplot()
    figures._draw_strip(axes, stereo_example([0.0], [0.0]))
    edges = np.array([image.get_extent()[:2] for image in axes.images])
    assert edges == pytest.approx(np.array([(0, 2 / 3), (2 / 3, 4 / 3), (4 / 3, 2)]))


def test_boxes_are_fractions_of_the_picture():
    face = figures.TrackedFace("a", FRAME, 5.0, FRAME, 1.0, (0.25, 0.5, 0.75, 1.0), (0.0, 0.0, 0.5, 0.5), 0.0)
    axes = Figure().add_subplot()
    figures._draw_heard(axes, face)
    *_, predicted, _, true = axes.patches
    assert (true.get_x(), true.get_y(), true.get_width(), true.get_height()) == (7.5, 7.5, 16, 8)
    assert (predicted.get_x(), predicted.get_y(), predicted.get_width()) == (-0.5, -0.5, 16)
    assert to_rgb(predicted.get_edgecolor()) == to_rgb(style.ORANGE)
    assert axes.get_ylim() == (15.5, -0.5), "y grows downwards"


def test_a_tone_is_where_its_frequency_is():
    """1 kHz is bin 32 of 512 at 16 kHz; two ears at full scale have twice the power of one."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16_000).astype(np.float32)
    both, one = (figures.spectrogram_db(np.stack([tone, right])) for right in (tone, 0 * tone))
    assert both[:, 20].argmax() == 32
    assert both[32, 20] - one[32, 20] == pytest.approx(10 * np.log10(2), abs=1e-3)


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_faces_makes_a_sheet(tmp_path, count):
    face = figures.TrackedFace("a", FRAME, 5.0, FRAME, 1.0, (0.2, 0.2, 0.6, 0.6), (0.0, 0.0, 0.5, 0.5), 0.3)
    figures.tracking_figure(tmp_path / "track.png", [face] * count)
    assert (tmp_path / "track.png").stat().st_size > 5_000


def test_silence_can_be_drawn(tmp_path):
    silent = np.zeros((2, 8000), np.float32)
    clip = figures.AskedClip("a", FRAME, silent, silent)
    figures.separation_figure(tmp_path / "separate.png", silent, [clip, clip])
    figures.stereo_figure(tmp_path / "stereo.png", stereo_example([np.nan], [np.nan]))
    assert len(list(tmp_path.iterdir())) == 2
