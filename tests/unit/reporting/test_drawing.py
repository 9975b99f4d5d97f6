"""Figures: the same drawing gives the same bytes, and its colours follow the reader's setting."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np

from leftright.reporting import drawing

SVG = "{http://www.w3.org/2000/svg}"


def forest(path: Path) -> str:
    with drawing.panel(path, title="Pearson R") as axes:
        drawing.forest(axes, ["PCA proj", "Predicted ROI"], [0.7, None], [(0.8, 0.7, 0.9), None], left=-0.1)
    return path.read_text()


def test_the_same_drawing_gives_the_same_bytes(tmp_path: Path) -> None:
    assert forest(tmp_path / "a.svg") == forest(tmp_path / "b.svg")


def test_text_stays_text(tmp_path: Path) -> None:
    tree = ET.fromstring(forest(tmp_path / "a.svg"))
    written = {"".join(element.itertext()) for element in tree.iter(f"{SVG}text")}
    assert {"Pearson R", "PCA proj", "Predicted ROI"} <= written


def test_every_colour_has_a_light_and_a_dark_value(tmp_path: Path) -> None:
    """No fixed colour is left outside the style, where it would be unreadable on one of the two grounds."""
    text = forest(tmp_path / "a.svg")
    style = text[text.index("<style>:root") : text.index("</style>", text.index("<style>:root"))]
    used = {name.split(")")[0] for name in text.split("var(--")[1:]}
    light, dark = style.split("@media(prefers-color-scheme:dark)")
    assert used
    assert all(f"--{name}:" in light and f"--{name}:" in dark for name in used)
    assert not re.search("#[0-9a-f]{6}", text.replace(style, ""))


def test_the_last_name_stands_at_the_bottom(tmp_path: Path) -> None:
    tree = ET.fromstring(forest(tmp_path / "a.svg"))
    heights = {"".join(element.itertext()): float(element.get("y", 0)) for element in tree.iter(f"{SVG}text")}
    assert heights["Pearson R"] < heights["PCA proj"] < heights["Predicted ROI"]


def test_what_was_not_measured_draws_no_line(tmp_path: Path) -> None:
    steps, loss = np.arange(4.0), np.array([0.7, np.nan, 0.5, np.nan])
    with drawing.panel(tmp_path / "a.svg", title="Loss") as axes:
        drawing.lines(axes, steps, {"validation": loss}, xlabel="step", ylabel="")
        (line,) = axes.get_lines()
        assert line.get_xdata().tolist() == [0.0, 2.0]
