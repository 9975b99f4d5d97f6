"""Were the channels swapped: the pretext task's accuracy, its control, and how it was learnt."""

from pathlib import Path

import pandas as pd

from leftright.errors import InputError
from leftright.reporting import drawing
from leftright.reporting.accounts import SCHEMES
from leftright.reporting.blocks import Cell, Column, Figure, Panel, Prose, Row, Section, Table
from leftright.reporting.inputs import Inputs, Trained
from leftright.reporting.numbers import count, interval, measured, number_of

CHANCE = 0.5
_ROWS = (
    ("Windows, as heard", "test", "flip.accuracy"),
    ("Windows, as heard", "validation", "flip.accuracy_val"),
    ("Windows, as heard", "training", "flip.accuracy_train"),
    ("Clips, by the mean of their windows", "test", "flip.accuracy_clip"),
    ("Windows, made mono", "test", "flip.accuracy_mono"),
)
_PANELS = (
    ("loss", "Loss", {"train_loss": "training", "val_loss": "validation"}),
    ("accuracy", "Flip accuracy", {"train_accuracy": "training", "val_accuracy": "validation"}),
)


def section(inputs: Inputs, figures: Path) -> Section:
    """Flip accuracy by split, the mono control, and the training curves. figures : the directory for what is drawn here."""
    title = "Swapped or not"
    if inputs.trained is None:
        return Section(title, (Prose("Not run: no model was given.", "note"),))
    return Section(title, (Prose(_INTRODUCTION), _table(inputs, inputs.trained), _curves(inputs.trained, figures)))


_INTRODUCTION = (
    "The model sees a window of a clip and hears it, and tells whether its left and right channels have been swapped. Each "
    "window counts once, in an orientation drawn by a coin, so chance is 0.5. As a control, the same windows are made mono: "
    "there is then nothing left that could tell, and an accuracy other than chance would show that something else gives the "
    "answer away."
)


def held_out(predictions: pd.DataFrame, curated: pd.DataFrame, stage: str = "pretrain") -> str:
    """What the test clips do not share with training: the first kind of split whose test part holds all of them.

    predictions : with `clip`, `split`. curated : with `clip` and the columns of splits. Returns "channel", "video" or "scene".
    stage : whose they are. Raises InputError where the model was judged on no split of this curation.
    """
    judged = set(predictions.loc[predictions["split"] == "test", "clip"])
    for scheme in SCHEMES:
        if judged <= set(curated.loc[curated[f"split_{scheme}"] == "test", "clip"]):
            return scheme
    raise InputError(f"{stage}: its test clips are those of no split of curated.parquet; run pack and {stage} again")


def _table(inputs: Inputs, trained: Trained) -> Table:
    values = [(judged, part, inputs.metrics.get(key)) for judged, part, key in _ROWS]
    rows = tuple(
        Row((Cell(judged), Cell(part), Cell(measured(value), interval(value)), Cell(number_of(value))))
        for judged, part, value in values
    )
    columns = (
        Column("Judged", "text"),
        Column("part", "text"),
        Column("accuracy", detail="95 % interval"),
        Column("N"),
    )
    tested = trained.predictions[trained.predictions["split"] == "test"]
    scheme = held_out(trained.predictions, inputs.curated)
    return Table(
        f"Flip accuracy. The {scheme}s of validation and test are not among those of training.",
        columns,
        rows,
        f"The test part has {count(tested['video'].nunique())} videos of {count(tested['channel'].nunique())} channels. The "
        "model was chosen on the validation part; the test part had no say in it. The published flip accuracy stands in the "
        "paper’s main text, which is not held: unknown.",
    )


def _curves(trained: Trained, figures: Path) -> Figure:
    curves = trained.curves
    steps = curves["step"].to_numpy(dtype="float64")
    panels = []
    for name, title, columns in _PANELS:
        path = figures / f"training_{name}.svg"
        known = {
            label: curves[column].to_numpy(dtype="float64") for column, label in columns.items() if column in curves
        }
        with drawing.panel(path, title=title) as axes:
            drawing.lines(axes, steps, known, xlabel="training step", ylabel="")
            if name == "accuracy":
                drawing.reference(axes, CHANCE, "chance")
        panels.append(Panel(path, f"{title} over training steps: {', '.join(known)}"))
    return Figure(
        "Training, and the model so far on the validation videos. Any set holds videos that are swapped as published: a model "
        "that has learnt answers those wrongly, ever more surely, so that its loss on them grows.",
        tuple(panels),
    )
