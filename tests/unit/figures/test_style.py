"""Left is blue and right is red, and no colour scale leans to a side."""

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.figure import Figure

from leftright.figures import style


def test_left_is_blue_and_right_is_red():
    left, right = style.side_colour(-3.0), style.side_colour(3.0)
    assert left[2] > left[0]
    assert right[0] > right[2]


def test_the_scale_of_points_agrees_with_the_sides():
    scale = style.side_scale([-4.0, 6.0])
    left, right = (colormaps[style.SIDE_COLOURS](scale(level)) for level in (-5.0, 5.0))
    assert left[2] > left[0]
    assert right[0] > right[2]


def test_the_scale_is_symmetric_and_few_levels_exceed_it():
    levels = np.append(np.random.default_rng(0).normal(size=300), [80.0, np.nan])
    scale = style.side_scale(levels)
    assert scale.vmin == -scale.vmax
    assert 2 <= scale.vmax <= 5


@pytest.mark.parametrize("levels", [[], [0.0, 0.0], [np.nan]])
def test_a_scale_of_nothing_is_still_a_scale(levels):
    scale = style.side_scale(levels)
    assert (scale.vmin, scale.vmax) == (-1.0, 1.0)


def test_a_figure_is_saved_on_leaving_and_not_on_an_error(tmp_path):
    with style.figure(tmp_path / "deep" / "a.png", 2, 1) as drawing:
        assert isinstance(drawing, Figure)
        drawing.add_subplot().plot([0, 1])
    assert (tmp_path / "deep" / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ZeroDivisionError), style.figure(tmp_path / "b.png", 2, 1):
        raise ZeroDivisionError
    assert not (tmp_path / "b.png").exists()


def test_the_bar_says_which_end_is_which():
    drawing = Figure()
    style.side_bar(drawing, drawing.add_subplot(), style.side_scale([5.0]))
    bar = drawing.axes[1]
    assert bar.get_title() == "sound at the right"
    assert [text.get_text() for text in bar.texts] == ["sound at the left"]
    assert bar.get_ylim()[0] < bar.get_ylim()[1]
