"""What the figures of localize show: sides where they belong, boxes where the region is, and no crash on what is undefined."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from leftright.figures import localization as figures
from leftright.figures import style
from leftright.results import Value


def example(led_db=5.0, box=(0, 8, 16, 12)):
    importance = np.zeros((16, 16))
    importance[box[0] : box[2], box[1] : box[3]] = 2.0
    frame = np.full((3, 16, 16), 128, np.uint8)
    return figures.RegionExample("ch000v00", 1.0, frame, importance, box, led_db, 0.6)


@pytest.mark.parametrize(("led_db", "end"), [(5.0, 5.0), (-3.0, -3.0), (99.0, 6.0)])
def test_the_bar_runs_to_the_side_of_the_sound(led_db, end):
    axes = Figure().add_subplot()
    figures._draw_level(axes, led_db, style.side_scale([6.0]))
    bar = axes.patches[0]
    assert bar.get_x() + bar.get_width() == end
    assert axes.get_xlim() == (-6.0, 6.0)


def test_the_box_surrounds_the_region_s_pixels():
    axes = Figure().add_subplot()
    figures._draw_region(axes, example())
    for box in axes.patches:
        assert (box.get_x(), box.get_y()) == (7.5, -0.5)  # pixel centres are whole numbers
        assert (box.get_width(), box.get_height()) == (4, 16)
    assert axes.get_ylim() == (15.5, -0.5)


def test_importance_is_drawn_relative_to_its_greatest():
    axes = Figure().add_subplot()
    figures._draw_region(axes, example())
    shown = axes.images[1].get_array()
    assert shown[0, 9] == 1
    assert shown[0, 0] == 0


@pytest.fixture
def windows():
    generator = np.random.default_rng(0)
    columns = {prediction.column: generator.normal(size=12) for prediction in figures.PREDICTIONS}
    table = pd.DataFrame({**columns, "pca_second": 0.0, "led_db": generator.normal(size=12)})
    return table.assign(video=[f"v{number // 3}" for number in range(12)])


@pytest.fixture
def undefined():
    names = [
        f"localize.{prediction.name}.{kind}" for prediction in figures.PREDICTIONS for kind in ("pearson", "spearman")
    ]
    return dict.fromkeys(names, Value(None))


def test_undefined_correlations_and_missing_priors_can_be_drawn(tmp_path, windows, undefined):
    windows["sound_prior"] = np.nan
    figures.correlation_figure(tmp_path / "correlations.png", undefined)
    figures.prediction_figure(tmp_path / "predictions.png", windows, undefined)
    figures.embedding_figure(tmp_path / "embeddings.png", windows, (0.9, 0.0))
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_examples_makes_a_sheet(tmp_path, count):
    figures.region_figure(tmp_path / "regions.png", [example(level) for level in range(count)])
    assert (tmp_path / "regions.png").stat().st_size > 5_000


def test_the_table_s_order_and_names():
    assert [prediction.name for prediction in figures.PREDICTIONS] == [
        "sound_prior",
        "pca",
        "cca",
        "salience_prior",
        "motion_prior",
        "roi",
    ]
