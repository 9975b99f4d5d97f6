"""The figures of `evaluate360`: embeddings coloured by azimuth, and pictures with the azimuth that was heard."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from leftright import equirectangular
from leftright.ambisonics import wrapped
from leftright.figures import style

Pixels = NDArray[np.uint8]

_AZIMUTH_COLOURS = "twilight_shifted"  # cyclic: behind is one colour from either side
_SCALE = Normalize(-180, 180)
_MARK = np.array((255, 214, 64), np.float32)  # RGB of the heard azimuth
_SPREAD_DEG = 14.0  # of the mark
_TICKS = (-180, -90, 0, 90, 180)


def azimuth_figure(path: Path, events: pd.DataFrame, explained: Sequence[float]) -> None:
    """The supplement's Figure 2: the first two principal components of the embeddings of sound events, coloured by azimuth;
    beside it the azimuth read off them against the true one.

    events : `first`, `second`, `azimuth_deg`, `heard_deg`, a row an event. explained : share of variance of each component.
    """
    with style.figure(path, 9.6, 4.3) as drawing:
        plane, against = drawing.subplots(1, 2, width_ratios=(1.15, 1))
        colours = {"c": events["azimuth_deg"], "cmap": _AZIMUTH_COLOURS, "norm": _SCALE}
        plane.scatter(events["first"], events["second"], s=26, edgecolor="white", linewidth=0.4, **colours)
        plane.set_aspect("equal", adjustable="datalim")
        plane.set_xlabel(f"first principal component ({explained[0]:.0%} of the variance)")
        plane.set_ylabel(f"second ({explained[1]:.0%})")
        plane.set_title(f"Audio embeddings of {len(events)} events")
        _colour_bar(drawing, plane)
        _draw_against(against, events)


def _draw_against(axes: Axes, events: pd.DataFrame) -> None:
    true = events["azimuth_deg"].to_numpy()
    error = wrapped(events["heard_deg"].to_numpy() - true)
    axes.axline((0, 0), slope=1, color=style.GREY, linewidth=0.8, zorder=0)
    # Drawn near the diagonal that it belongs to: 179 and -179 degrees are neighbours.
    axes.scatter(true, true + error, s=18, color=style.BLUE, edgecolor="white", linewidth=0.4)
    axes.set(xlim=(-180, 180), ylim=(-270, 270), xticks=_TICKS, yticks=(-180, -90, 0, 90, 180))
    axes.set_xlabel("true azimuth (degrees, left positive)")
    axes.set_ylabel("read off the components (degrees)")
    axes.set_title("Angle of the two components")


def _colour_bar(drawing: Figure, axes: Axes) -> None:
    bar = drawing.colorbar(ScalarMappable(_SCALE, _AZIMUTH_COLOURS), ax=axes, shrink=0.85, aspect=28, ticks=_TICKS)
    bar.ax.set_yticklabels(["behind", "right", "ahead", "left", "behind"])
    bar.outline.set_visible(False)


def enlarged(frames: Pixels, least_height: int) -> Pixels:
    """Frames (time, height, width, 3), whole times as large where they are lower than `least_height`."""
    times = -(-least_height // frames.shape[1])
    return frames.repeat(times, axis=1).repeat(times, axis=2) if times > 1 else frames


def overlaid(frame: Pixels, azimuth_deg: float, share: float) -> Pixels:
    """A picture with a bright column at an azimuth, which runs over the picture's edge, the brighter the larger `share` (0..1).

    frame : (height, width, 3) RGB, of even sides. Returns one of the same shape.
    """
    width = frame.shape[1]
    seen = equirectangular.azimuth_of((np.arange(width) + 0.5) / width)
    away = wrapped(seen - azimuth_deg)
    weight = (0.6 * share * np.exp(-0.5 * (away / _SPREAD_DEG) ** 2)).astype(np.float32)[None, :, None]
    mixed = (frame * (1 - weight) + _MARK * weight).round().astype(np.uint8)
    column = int(equirectangular.x_of(azimuth_deg) * width)
    thickness = max(1, width // 256)
    for offset in range(thickness):
        mixed[:, (column + offset) % width] = (0.4 * mixed[:, (column + offset) % width] + 0.6 * _MARK).astype(np.uint8)
    return mixed


def strip(path: Path, frames: Sequence[Pixels], times_s: Sequence[float], title: str) -> None:
    """Some pictures of an overlay in one, two abreast, with their times."""
    rows = -(-len(frames) // 2)
    height, width = frames[0].shape[:2]
    with style.figure(path, 9.6, 0.4 + rows * (4.8 * height / width + 0.3)) as drawing:
        grid = drawing.subplots(rows, 2, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, frame, time_s in zip(grid.flat, frames, times_s, strict=False):
            axes.imshow(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA))
            axes.set_title(f"{time_s:.1f} s", fontsize=9)
        drawing.suptitle(f"{title}: azimuth heard (yellow)", x=0.01, ha="left", fontsize=11)
