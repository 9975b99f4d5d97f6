"""Known truth: what a simulated world lets us check, beside what it does not prove."""

from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd

from leftright.metrics import flip as metrics_of
from leftright.metrics.correlation import correlation
from leftright.reporting import drawing, truth
from leftright.reporting.blocks import Block, Cell, Column, Figure, Panel, Prose, Row, Section, Table, cells
from leftright.reporting.inputs import Inputs, Localized, Truth
from leftright.reporting.numbers import count, decimal, interval, of, plural
from leftright.reporting.shares import Resampling
from leftright.reporting.truth import Audit, Score
from leftright.results import Value


@dataclass(frozen=True)
class Checks:
    """All that was checked against the truth; None where the stage that would be checked was not run.

    places : the judged windows of valid videos, with `true_x` and `true_azimuth_deg`.
    """

    scores: tuple[Score, ...]
    accuracy: Value | None
    audit: Audit | None
    places: pd.DataFrame | None
    roi: Value | None
    level: Value | None


def check(inputs: Inputs, known: Truth, resampling: Resampling) -> Checks:
    """Compare the stages' results with what was planted."""
    accuracy = audit = places = roi = level = None
    if inputs.trained is not None:
        valid = truth.valid_test_predictions(inputs.trained.predictions, known.videos)
        accuracy = metrics_of.accuracy(valid, resampling.seed)
        audit = truth.flip_audit(inputs.trained.predictions, known.videos, resampling)
    if inputs.localized is not None:
        places = _places(inputs.localized, inputs.curated, known)
        videos, settings = places["video"].tolist(), asdict(resampling)
        roi = correlation("pearson", places["roi_x"], places["true_x"], videos, **settings)
        level = correlation("pearson", places["led_db"], -places["true_azimuth_deg"], videos, **settings)
    scores = truth.filter_scores(known.videos, inputs.curated, inputs.videos, resampling)
    return Checks(tuple(scores), accuracy, audit, places, roi, level)


def _places(localized: Localized, curated: pd.DataFrame, known: Truth) -> pd.DataFrame:
    valid = known.videos.loc[known.videos["fault"].isin(truth.VALID), "video"]
    windows = localized.windows[localized.windows["video"].isin(valid)]
    return truth.source_places(windows, curated, known.trajectories)


def values(checks: Checks) -> dict[str, Value]:
    """The checks as metrics, by key."""
    found: dict[str, Value | None] = {
        "truth.flip.accuracy_valid": checks.accuracy,
        "truth.audit.auc": checks.audit.auc if checks.audit else None,
        "truth.roi.pearson": checks.roi,
        "truth.level.pearson": checks.level,
    }
    for score in checks.scores:
        found[f"truth.filter.{score.fault}.precision"] = score.precision
        found[f"truth.filter.{score.fault}.recall"] = score.recall
    return {key: value for key, value in found.items() if value is not None}


def section(checks: Checks, figures: Path) -> Section:
    """The checks as a section. figures : the directory for what is drawn here."""
    blocks: list[Block] = [Prose(_INTRODUCTION), _filter_table(checks.scores)]
    if table := _model_table(checks):
        blocks.append(table)
    if checks.audit is not None:
        blocks.append(_audit_figure(checks.audit, figures))
    if checks.places is not None:
        blocks.append(_places_figure(checks.places, figures))
    return Section("Known truth", tuple(blocks))


_INTRODUCTION = (
    "The videos are simulated, so what was planted in each is known. The stages never saw it; it is compared with what they "
    "found only here. These numbers say how well the program finds what it should in a world made for it, not how it does "
    "on real videos."
)


def _filter_table(scores: tuple[Score, ...]) -> Table:
    rows = [
        row
        for unit, group in groupby(scores, key=lambda score: score.unit)
        for row in (Row(cells(f"Counted in {unit}"), "heading"), *(_score_row(score) for score in group))
    ]
    columns = (Column("Planted", "text"), Column("named", "code"), Column("precision", detail="of those named"))
    return Table(
        "Each planted fault, and whether it was named as what it is.",
        (*columns, Column("recall", detail="of those planted")),
        tuple(rows),
        "None of these is what must be kept: videos without a fault, with a second silent face, with swapped channels or with "
        "a mirrored picture. The filter cannot see the last two; the flip audit below looks for them.",
    )


_NAMES = {truth.KEPT: "none of these"}


def _score_row(score: Score) -> Row:
    precision = Cell(decimal(score.precision.value), of(score.num_both, score.num_named))
    recall = Cell(decimal(score.recall.value), of(score.num_both, score.num_planted))
    return Row((Cell(_NAMES.get(score.fault, score.fault.replace("_", " "))), Cell(score.outcome), precision, recall))


def _model_table(checks: Checks) -> Table | None:
    named = (
        ("Flip accuracy on test videos without a fault", "windows", checks.accuracy),
        ("Flip audit: area under the ROC curve", "videos", checks.audit.auc if checks.audit else None),
        ("Predicted ROI against the source’s true place in the picture, Pearson R", "windows", checks.roi),
        ("Log energy difference against the source’s true azimuth, Pearson R", "windows", checks.level),
    )
    rows = tuple(
        Row((Cell(name), Cell(decimal(value.value), interval(value)), Cell(count(value.n or 0)), Cell(unit)))
        for name, unit, value in named
        if value is not None
    )
    columns = (Column("Check", "text"), Column("measured", detail="95 % interval"), Column("N"), Column("", "text"))
    caption = "The model, and the log energy difference that it is measured by, against the truth."
    return Table(caption, columns, rows) if rows else None


def _audit_figure(audit: Audit, figures: Path) -> Figure:
    path = figures / "flip_audit.svg"
    evidence = audit.videos["evidence"]
    fault = audit.videos["fault"]
    groups = {
        "as recorded": evidence[fault.isin(truth.VALID)].to_numpy(),
        "swapped": evidence[fault == "swapped"].to_numpy(),
        "mirrored": evidence[fault == "mirrored"].to_numpy(),
    }
    with drawing.panel(path, title="Evidence that a video is swapped", height_in=1.9) as axes:
        drawing.strips(axes, groups, xlabel="mean logit of “swapped”, as recorded")
    caption = (
        "Flip audit. Each dot is a video of the validation or test split, judged as it was recorded; to the right, the model "
        f"takes it for swapped. {plural(audit.num_planted, 'video') if audit.num_planted else 'None'} had swapped channels or "
        "a mirrored picture."
    )
    return Figure(
        caption, (Panel(path, "Dots for each video by what was planted in it, along the evidence of a swap"),)
    )


def _places_figure(places: pd.DataFrame, figures: Path) -> Figure:
    known = places[places["true_x"].notna()]
    roi, level = figures / "truth_roi.svg", figures / "truth_level.svg"
    with drawing.panel(roi, title="Predicted ROI") as axes:
        true, predicted = known["true_x"].to_numpy(), known["roi_x"].to_numpy()
        drawing.scatter(axes, true, predicted, xlabel="true place (0 left, 1 right)", ylabel="predicted place")
    with drawing.panel(level, title="Log energy difference") as axes:
        azimuth_deg, level_db = known["true_azimuth_deg"].to_numpy(), known["led_db"].to_numpy()
        drawing.scatter(axes, azimuth_deg, level_db, xlabel="true azimuth (degrees, positive left)", ylabel="dB")
        axes.invert_xaxis()
    caption = (
        "Each dot is a window of a test video without a fault. First, where the model looks against where the source is; "
        "then what Table 1 measures by, the level difference, against the source’s direction."
    )
    panels = (
        Panel(roi, "Predicted against true place of the source"),
        Panel(level, "Level difference against azimuth"),
    )
    return Figure(caption, panels)
