"""Table 1: where the sound is, by the sound and by the picture, published beside measured."""

from itertools import groupby
from pathlib import Path
from typing import Literal

from leftright.reporting import drawing, published
from leftright.reporting.blocks import Block, Cell, Column, Figure, Panel, Prose, Row, Section, Table, cells
from leftright.reporting.inputs import Inputs
from leftright.reporting.numbers import decimal, interval, measured, number_of
from leftright.reporting.published import TABLE_1, Correlation
from leftright.results import Value

Statistic = Literal["pearson", "spearman"]
STATISTICS: tuple[tuple[Statistic, str], ...] = (("pearson", "Pearson R"), ("spearman", "Spearman R"))
_HEADINGS = {"sound": "From the sound", "picture": "From the picture"}
_STAGE_FIGURES = {
    "embeddings": (
        "Audio embeddings on their first two principal components, coloured by the log energy difference of the channels "
        "(the supplement’s Figure 1). Where the first component orders the colours, the network has learnt, without being "
        "told, to which side a sound is."
    ),
    "regions": (
        "Predicted regions of interest on frames of held-out videos. The box covers what the model’s answer rests on most; "
        "the bar below says to which side the sound is louder. They should point the same way."
    ),
}


def section(inputs: Inputs, figures: Path) -> Section:
    """Table 1, its intervals drawn, and the figures of `localize`. figures : the directory for what is drawn here."""
    blocks: list[Block] = [Prose(_INTRODUCTION), table(inputs)]
    if any(_bounds(inputs.metrics.get(entry.metric(statistic))) for entry in TABLE_1 for statistic, _ in STATISTICS):
        blocks.append(_intervals(inputs, figures))
    if inputs.localized is not None:
        known = inputs.localized.figures
        blocks += [_stage_figure(known[name], caption) for name, caption in _STAGE_FIGURES.items() if name in known]
    return Section("Where the sound is", tuple(blocks))


_INTRODUCTION = (
    "Six predictions of where a sound comes from, each compared with the log energy difference of the two channels (right "
    "minus left, in dB). The projections are of the audio network’s embedding. The predicted region of interest is found "
    "by covering parts of the picture and seeing which matters most to the model. The priors are what could be guessed from "
    "a performer’s habits alone, without listening or looking: a model that is no better than they has learnt habits."
)


def table(inputs: Inputs) -> Table:
    """Table 1: published beside measured."""
    rows = [
        row
        for modality, entries in groupby(TABLE_1, key=lambda entry: entry.modality)
        for row in (Row(cells(_HEADINGS[modality]), "heading"), *(_row(entry, inputs) for entry in entries))
    ]
    columns = [Column("Prediction", "text")]
    for _, title in STATISTICS:
        columns += [Column("published", group=title), Column("measured", detail="95 % interval", group=title)]
    return Table(
        "Table 1. Correlation with the log energy difference; higher is better.",
        (*columns, Column("N")),
        tuple(rows),
        f"Published: {published.PAPER}, Table 1; its N is unknown. Measured: on N windows of videos of the test split, with "
        "95 % intervals by bootstrap over videos; `docs/localize.md` says how each is computed. Undefined numbers, such as the "
        f"correlation of a constant, are unknown.{_APART if inputs.truth is not None else ''}",
    )


_APART = (
    " The published numbers are of real videos and these of a simulated world: they stand side by side to show that the "
    "whole works, not which is better."
)


def _row(entry: Correlation, inputs: Inputs) -> Row:
    row = [Cell(entry.name)]
    values = [inputs.metrics.get(entry.metric(statistic)) for statistic, _ in STATISTICS]
    for (statistic, _), value in zip(STATISTICS, values, strict=True):
        row += [Cell(decimal(entry.published(statistic))), Cell(measured(value), interval(value))]
    return Row((*row, Cell(number_of(values[0]))))


def _intervals(inputs: Inputs, figures: Path) -> Figure:
    """Both statistics on the same scale."""
    bounds = {
        statistic: [_bounds(inputs.metrics.get(entry.metric(statistic))) for entry in TABLE_1]
        for statistic, _ in STATISTICS
    }
    lowest = min(bound[1] for found in bounds.values() for bound in found if bound is not None)
    panels = []
    for statistic, title in STATISTICS:
        path = figures / f"table1_{statistic}.svg"
        names, given = [entry.name for entry in TABLE_1], [entry.published(statistic) for entry in TABLE_1]
        with drawing.panel(path, title=title, height_in=2.3) as axes:
            drawing.forest(axes, names, given, bounds[statistic], left=min(lowest, 0.0) - 0.05)
        panels.append(Panel(path, f"{title}, published and measured, for each row of Table 1"))
    caption = "Table 1 drawn: published (open diamond) and measured (dot, with its 95 % interval)."
    return Figure(caption, tuple(panels))


def _bounds(value: Value | None) -> tuple[float, float, float] | None:
    if value is None or value.value is None:
        return None
    return value.value, _or(value.low, value.value), _or(value.high, value.value)


def _or(bound: float | None, value: float) -> float:
    return value if bound is None else bound


def _stage_figure(path: Path, caption: str) -> Figure:
    return Figure(caption, (Panel(path, caption.split(". ")[0]),), wide=True)
