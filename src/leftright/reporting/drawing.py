"""Figures as small SVG panels that follow the reader's light or dark setting.

Panels are drawn as wide as a phone's screen, so that their text stays legible there; on a wider screen two stand side by side.
Matplotlib knows no style sheets: its colours are replaced by CSS variables, which a style inside the file defines.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from leftright.files import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, RULE, LEFT, RIGHT = "#1c1d1f", "#63676d", "#dcdad4", "#1f5f9e", "#b8482a"
_LIGHT = {"ink": INK, "muted": MUTED, "rule": RULE, "left": LEFT, "right": RIGHT}
_DARK = {"ink": "#e4e4e2", "muted": "#9b9fa6", "rule": "#34373c", "left": "#7db3ee", "right": "#ee9474"}
_FONT = "-apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "leftright",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.unicode_minus": True,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.4,
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
}


@contextmanager
def panel(path: Path, *, title: str, height_in: float = 2.5, width_in: float = 3.6) -> "Iterator[Axes]":
    """Axes to draw on; they become the SVG file `path`. The same drawing gives the same bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(cast(Any, _SETTINGS)):
        figure = Figure(figsize=(width_in, height_in))
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.set_title(title, pad=8)
        yield axes
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    with replace_file(path) as temporary:
        temporary.write_text(_themed(stream.getvalue()))


def _themed(svg: str) -> str:
    for name, colour in _LIGHT.items():
        svg = svg.replace(colour, f"var(--{name})")
    svg = re.sub(r"font-family: [^;\"]*", f"font-family: {_FONT}", svg)
    style = (
        f"<style>:root{{{_variables(_LIGHT)}}}@media(prefers-color-scheme:dark){{:root{{{_variables(_DARK)}}}}}</style>"
    )
    return re.sub(r"(<svg [^>]*>)", lambda match: f"{match.group(1)}\n{style}", svg, count=1)


def _variables(palette: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


def lines(
    axes: "Axes", x: NDArray[np.float64], series: Mapping[str, NDArray[np.float64]], *, xlabel: str, ylabel: str
) -> None:
    """Curves over one x, such as losses over steps; NaN where a curve was not measured."""
    for (name, y), colour in zip(series.items(), (LEFT, RIGHT, MUTED), strict=False):
        known = np.isfinite(y)
        sparse = known.sum() <= 30
        axes.plot(
            x[known], y[known], color=colour, linewidth=1.3, label=name, marker="o" if sparse else "", markersize=2.5
        )
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    if len(series) > 1:
        axes.legend(loc="best")


def reference(axes: "Axes", y: float, name: str) -> None:
    """A dashed horizontal line with its name at the right, such as chance."""
    axes.axhline(y, color=MUTED, linewidth=0.7, linestyle=(0, (4, 3)))
    axes.annotate(
        name, (1, y), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points",
        ha="right", color=MUTED, fontsize=8,
    )  # fmt: skip


def forest(
    axes: "Axes",
    names: Sequence[str],
    published: Sequence[float | None],
    measured: Sequence[tuple[float, float, float] | None],
    *,
    left: float,
) -> None:
    """One line a name, the first on top: the published number as an open mark, the measured one filled, with its interval.

    measured : (value, low, high); None where there is none. left : where the axis begins; it ends at 1.
    """
    heights = range(len(names))
    for height, given, ours in zip(heights, published, measured, strict=True):
        if given is not None:
            axes.plot(given, height, marker="D", markersize=4.5, color=MUTED, markerfacecolor="none")
        if ours is not None:
            axes.plot(ours[1:], (height, height), color=LEFT, linewidth=1.4, solid_capstyle="butt")
            axes.plot(ours[0], height, marker="o", markersize=4.5, color=LEFT)
    axes.axvline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.set_yticks(list(heights), names)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left, 1.02)


def ladder(
    axes: "Axes", numbers: NDArray[np.float64], lows: NDArray[np.float64], highs: NDArray[np.float64],
    marked: NDArray[np.bool_], *, xlabel: str, ylabel: str,
) -> None:  # fmt: skip
    """Many numbers with their intervals side by side, in rising order; marked ones in the other colour. NaN bounds: none."""
    order = np.argsort(numbers, kind="stable")
    for place, index in enumerate(order):
        colour = RIGHT if marked[index] else LEFT
        axes.plot((place, place), (lows[index], highs[index]), color=colour, linewidth=0.9, alpha=0.45)
        axes.plot(place, numbers[index], "o", color=colour, markersize=2.6, markeredgewidth=0)
    axes.axhline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_xticks([])


def strips(axes: "Axes", groups: Mapping[str, NDArray[np.float64]], *, xlabel: str, seed: int = 0) -> None:
    """One row of dots a group, the first on top; dots are spread in height so that they can be told apart."""
    generator = np.random.default_rng(seed)
    for height, (colour, numbers) in enumerate(zip((LEFT, RIGHT, RIGHT), groups.values(), strict=False)):
        spread = generator.uniform(-0.22, 0.22, len(numbers))
        axes.plot(numbers, height + spread, "o", color=colour, markersize=3, alpha=0.7, markeredgewidth=0)
    axes.axvline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(groups)), [f"{name} ({len(numbers)})" for name, numbers in groups.items()])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlabel(xlabel)


def scatter(axes: "Axes", x: NDArray[np.float64], y: NDArray[np.float64], *, xlabel: str, ylabel: str) -> None:
    """Dots, faint where they are many."""
    alpha = float(np.clip(60 / max(len(x), 1), 0.15, 0.8))
    axes.plot(x, y, "o", color=LEFT, markersize=3, alpha=alpha, markeredgewidth=0)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
