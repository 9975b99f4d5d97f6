"""The figures of `localize`: embeddings coloured by level difference, correlations, and regions that a person can check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from leftright.figures import style
from leftright.results import Value


@dataclass(frozen=True)
class Prediction:
    """One row of the supplement's Table 1.

    name : its key in the metrics. label : what the table calls it. column : where its values stand in the windows' table.
    unit : what they are.
    """

    name: str
    label: str
    column: str
    unit: str


_PICTURE = "picture x (0 left, 1 right)"
PREDICTIONS = (
    Prediction("sound_prior", "Sound prior", "sound_prior", "mean level difference (dB)"),
    Prediction("pca", "PCA projection", "pca", "first principal component"),
    Prediction("cca", "CCA projection", "cca", "canonical direction"),
    Prediction("salience_prior", "Salience prior", "salience_prior_x", _PICTURE),
    Prediction("motion_prior", "Motion prior", "motion_prior_x", _PICTURE),
    Prediction("roi", "Predicted ROI", "roi_x", _PICTURE),
)
"""In the table's order: three from the sound, three from the picture."""
_LEVEL = "log energy difference (dB)"


def embedding_figure(path: Path, windows: pd.DataFrame, explained: Sequence[float]) -> None:
    """The supplement's Figure 1: the first two principal components of audio embeddings, coloured by level difference.

    windows : rows with `video`, `pca`, `pca_second`, `led_db`. The first window of each video is a large point, so that
        each stands for a different video as in the paper; all windows are drawn small.
    explained : share of variance of each component.
    """
    scale = style.side_scale(windows["led_db"])
    videos = windows.drop_duplicates("video")
    with style.figure(path, 7.2, 5.4) as drawing:
        axes = drawing.add_subplot()
        axes.axvline(0, color="0.9", linewidth=1, zorder=0)
        for rows, size, alpha in ((windows, 9, 0.35), (videos, 62, 1.0)):
            _points(axes, rows, "pca", "pca_second", scale, size, alpha)
        axes.set_xlabel(f"first principal component ({explained[0]:.0%} of variance)")
        axes.set_ylabel(f"second principal component ({explained[1]:.0%})")
        axes.set_title(
            f"Audio embeddings of {len(videos)} held-out videos\n"
            f"one large point a video, small ones for all {len(windows)} windows"
        )
        style.side_bar(drawing, axes, scale)


def _points(axes: Axes, windows: pd.DataFrame, x: str, y: str, scale: Normalize, size: float, alpha: float) -> None:
    """Two columns against each other, coloured by level difference."""
    axes.scatter(
        windows[x],
        windows[y],
        s=size,
        c=windows["led_db"],
        cmap=style.SIDE_COLOURS,
        norm=scale,
        alpha=alpha,
        edgecolors=style.GREY,  # keeps points near the scale's pale middle visible
        linewidths=0.5,
    )


def correlation_figure(path: Path, values: Mapping[str, Value]) -> None:
    """Table 1 as a figure: each prediction's two correlations with their intervals.

    values : the stage's metrics, of which `localize.<prediction>.pearson` and `.spearman` are shown.
    """
    with style.figure(path, 7.2, 3.9) as drawing:
        axes = drawing.add_subplot()
        axes.axvline(0, color=style.GREY, linewidth=1)
        axes.axhline(2.5, color="0.9", linewidth=1)
        for place, prediction in enumerate(PREDICTIONS):
            _interval(axes, place - 0.13, values[f"localize.{prediction.name}.pearson"], style.BLUE, "o")
            _interval(axes, place + 0.13, values[f"localize.{prediction.name}.spearman"], style.ORANGE, "D")
        axes.set_yticks(range(len(PREDICTIONS)), [prediction.label for prediction in PREDICTIONS])
        axes.set_ylim(len(PREDICTIONS) - 0.5, -0.5)
        axes.set_xlim(-1.03, 1.03)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="0.93")
        axes.set_axisbelow(True)
        axes.set_xlabel("correlation with the log energy difference, 95 % interval over videos")
        axes.set_title("Where the sound is: from the sound (top), from the picture (bottom)")
        drawing.legend(
            handles=[
                Line2D([], [], color=style.BLUE, marker="o", label="Pearson"),
                Line2D([], [], color=style.ORANGE, marker="D", label="Spearman"),
            ],
            loc="outside lower center",
            ncols=2,
        )


def _interval(axes: Axes, place: float, value: Value, colour: str, marker: str) -> None:
    if value.value is None:
        axes.text(0.02, place, "undefined", color=style.GREY, fontsize=8, va="center")
        return
    if value.low is not None and value.high is not None:
        axes.plot([value.low, value.high], [place, place], color=colour, linewidth=2.2, alpha=0.75)
    axes.plot(value.value, place, marker, color=colour, markersize=6)


def prediction_figure(path: Path, windows: pd.DataFrame, values: Mapping[str, Value]) -> None:
    """Each prediction against the level difference, a point a window.

    windows : rows with `led_db`, and the column of each of PREDICTIONS. values : as `correlation_figure`.
    """
    scale = style.side_scale(windows["led_db"])
    with style.figure(path, 9.6, 6.0) as drawing:
        panels = drawing.subplots(2, 3, sharex=True)
        for axes, prediction in zip(panels.flat, PREDICTIONS, strict=True):
            _points(axes, windows, "led_db", prediction.column, scale, 16, 0.8)
            axes.axvline(0, color="0.85", linewidth=1, zorder=0)
            result = values[f"localize.{prediction.name}.pearson"].value
            axes.set_title(f"{prediction.label}: R {'undefined' if result is None else f'= {result:.2f}'}")
            axes.set_ylabel(prediction.unit)
        drawing.supxlabel(f"{_LEVEL}: left is negative, right is positive", fontsize=10)


@dataclass(frozen=True)
class RegionExample:
    """One window of a clip to be shown.

    frame : (3, height, width) uint8, the window's middle one as the model saw it. importance : (height, width), how much
    the model's answer changes where this pixel is masked. box : top, left, bottom, right of the predicted region.
    """

    video: str
    start_s: float
    frame: NDArray[np.uint8]
    importance: NDArray[np.float64]
    box: tuple[int, int, int, int]
    led_db: float
    roi_x: float


def region_figure(path: Path, examples: Sequence[RegionExample]) -> None:
    """A sheet of frames with what mattered to the model, the predicted region, and the side that the level says.

    Under each frame a bar runs from the middle to the side where the sound is louder, as long as the difference is large.
    """
    num_columns = min(4, len(examples))
    num_rows = -(-len(examples) // num_columns)
    scale = style.side_scale([example.led_db for example in examples])
    with style.figure(path, 2.5 * num_columns, 3.15 * num_rows + 0.9) as drawing:
        drawing.suptitle(
            "Predicted regions (box) of held-out videos, and where the level difference says the sound is (bar)",
            fontsize=11,
        )
        grid = drawing.add_gridspec(2 * num_rows, num_columns, height_ratios=[1, 0.1] * num_rows)
        panels = []
        for place, example in enumerate(examples):
            row, column = divmod(place, num_columns)
            picture, level = (drawing.add_subplot(grid[2 * row + below, column]) for below in (0, 1))
            _draw_region(picture, example)
            _draw_level(level, example.led_db, scale)
            panels += [picture, level]
        importance = ScalarMappable(Normalize(0, 1), style.IMPORTANCE_COLOURS)
        bar = drawing.colorbar(importance, ax=panels, location="bottom", shrink=0.4, aspect=40, ticks=[0, 1])
        bar.ax.set_xticklabels(["none", "the most in this window"])
        bar.set_label("change of the model's answer where this place is masked", fontsize=9)


def _draw_region(axes: Axes, example: RegionExample) -> None:
    axes.imshow(example.frame.transpose(1, 2, 0))
    weight = np.maximum(example.importance, 0) / max(float(example.importance.max()), 1e-12)
    axes.imshow(weight, cmap=style.IMPORTANCE_COLOURS, vmin=0, vmax=1, alpha=0.5 * weight)
    top, left, bottom, right = example.box
    place = (left - 0.5, top - 0.5)
    for colour, width in (("black", 3.2), ("white", 1.6)):
        axes.add_patch(Rectangle(place, right - left, bottom - top, fill=False, edgecolor=colour, linewidth=width))
    axes.set_title(
        f"{example.video}  {example.start_s:.1f} s\nROI x {example.roi_x:.2f}, level {example.led_db:+.1f} dB",
        fontsize=8.5,
    )
    axes.set_axis_off()


def _draw_level(axes: Axes, led_db: float, scale: Normalize) -> None:
    limit = float(scale.vmax or 1)
    axes.barh(0, float(np.clip(led_db, -limit, limit)), height=0.8, color=style.side_colour(led_db))
    axes.axvline(0, color=style.INK, linewidth=1)
    axes.set_xlim(-limit, limit)
    axes.set_yticks([])
    axes.set_xticks([-limit, limit], [f"left\n{-limit:.0f} dB", f"right\n{limit:+.0f} dB"], fontsize=7)
    axes.spines[["left"]].set_visible(False)
