"""How every figure looks: colours that colour-blind people tell apart, type that stays readable in a page.

Left is blue and right is red, as on audio plugs and in the log energy difference's sign. Figures are drawn without pyplot,
so that no state is shared and no display is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

DPI = 150
SIDE_COLOURS = "RdBu_r"  # diverging: blue is left (negative), red is right
IMPORTANCE_COLOURS = "viridis"
BLUE, ORANGE = "#0072B2", "#E69F00"  # Okabe & Ito
GREY, INK = "#767676", "#222222"

_SETTINGS: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "savefig.facecolor": "white",
}


@contextmanager
def figure(path: Path, width_in: float, height_in: float) -> Iterator[Figure]:
    """An empty figure to draw on; it is saved as `path` on leaving."""
    with rc_context(_SETTINGS):
        drawing = Figure(figsize=(width_in, height_in), layout="constrained")
        yield drawing
        path.parent.mkdir(parents=True, exist_ok=True)
        drawing.savefig(path, dpi=DPI)


def side_scale(levels_db: ArrayLike) -> Normalize:
    """A colour scale for level differences, symmetric about the middle, that few of them exceed."""
    finite = np.abs(np.asarray(levels_db, dtype=np.float64))
    finite = finite[np.isfinite(finite)]
    limit = float(np.ceil(np.quantile(finite, 0.98))) if len(finite) else 1.0
    return Normalize(-max(limit, 1.0), max(limit, 1.0))


def side_colour(level_db: float) -> tuple[float, float, float, float]:
    """The colour of the side on which the sound is."""
    return colormaps[SIDE_COLOURS](0.88 if level_db > 0 else 0.12)


def side_bar(drawing: Figure, axes: Axes, scale: Normalize) -> None:
    """A colour bar of the level difference that says which end is left."""
    bar = drawing.colorbar(ScalarMappable(scale, SIDE_COLOURS), ax=axes, shrink=0.85, aspect=28, extend="both")
    bar.set_label("log energy difference (dB)")
    bar.outline.set_visible(False)
    bar.ax.set_title("sound at the right", fontsize=8, loc="center", pad=10)
    bar.ax.text(0.5, -0.07, "sound at the left", transform=bar.ax.transAxes, fontsize=8, ha="center", va="top")
