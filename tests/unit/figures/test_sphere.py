"""The overlay marks the azimuth that was heard, on either side of the picture's edge; figures are drawn."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from leftright import equirectangular
from leftright.figures import sphere

GREY = np.full((40, 80, 3), 100, np.uint8)


@pytest.mark.parametrize("azimuth", [0, 90, -90, 45])
def test_the_mark_is_at_the_azimuth(azimuth):
    drawn = sphere.overlaid(GREY, azimuth, 1.0).astype(int)
    change = np.abs(drawn - 100).sum(axis=(0, 2))
    assert abs((change.argmax() + 0.5) / 80 - float(equirectangular.x_of(azimuth))) < 1.5 / 80
    assert change[int(80 * float(equirectangular.x_of(azimuth + 180)))] == 0


def test_behind_it_is_at_both_edges():
    drawn = sphere.overlaid(GREY, 180, 1.0).astype(int)
    change = np.abs(drawn - 100).sum(axis=(0, 2))
    assert change[0] > 0 and change[-1] > 0 and change[40] == 0


def test_it_fades_where_no_direction_is_heard():
    faint, bright = (np.abs(sphere.overlaid(GREY, 0, share).astype(int) - 100).sum() for share in (0.1, 1.0))
    assert faint < bright / 3
    assert sphere.overlaid(GREY, 0, 1.0).shape == GREY.shape and GREY.max() == 100


def test_small_pictures_are_enlarged_whole_times():
    frames = np.random.default_rng(0).integers(0, 255, (2, 48, 96, 3)).astype(np.uint8)
    large = sphere.enlarged(frames, 100)
    assert large.shape == (2, 144, 288, 3)
    np.testing.assert_array_equal(large[:, ::3, ::3], frames)
    assert sphere.enlarged(large, 100) is large


def test_figures_are_drawn(tmp_path):
    angles = np.linspace(-180, 170, 36)
    radians = np.radians(angles)
    events = pd.DataFrame(
        {"first": np.cos(radians), "second": np.sin(radians), "azimuth_deg": angles, "heard_deg": angles + 5}
    )
    sphere.azimuth_figure(tmp_path / "azimuth.png", events, (0.6, 0.3))
    sphere.strip(tmp_path / "strip.png", [GREY] * 3, [0.0, 1.0, 2.0], "sp001")
    for name in ("azimuth.png", "strip.png"):
        assert imread(tmp_path / name).std() > 0.02
