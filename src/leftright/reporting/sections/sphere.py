"""Sound fields and 360-degree pictures: the supplement's Tables 2 and 3 and Figure 2, published beside measured."""

from pathlib import Path

from leftright.metrics.alignment import GROUPS
from leftright.reporting import published
from leftright.reporting.blocks import Block, Cell, Column, Figure, Panel, Prose, Row, Section, Table
from leftright.reporting.inputs import Inputs
from leftright.reporting.numbers import NOT_RUN, count, decimal, interval, measured, number_of, of
from leftright.reporting.sphere import Sphere
from leftright.results import Value

CONFIDENCES = {"low": "low: all videos", "medium": "medium: the surer half", "high": "high: the surest tenth"}

_INTRODUCTION = (
    "A sound field of four channels (first-order ambisonics) and the picture of the whole sphere: is the sound where it is "
    "seen, or has it been turned away about the vertical? The model is trained to tell, on windows of which half are turned by "
    "about half a circle. Asked at every rotation, it says which way round sound and picture fit."
)


def section(inputs: Inputs) -> Section:
    """Both tables, the azimuth of sound events, and overlays."""
    blocks: list[Block] = [Prose(_INTRODUCTION)]
    if inputs.sphere is None:
        blocks.append(Prose("Not run: no results of `evaluate360` were given.", "note"))
    else:
        blocks.append(Prose(_account(inputs.sphere)))
    blocks += [accuracies(inputs), alignments(inputs)]
    if inputs.sphere is not None:
        blocks += _figures(inputs, inputs.sphere)
    return Section("360-degree video", tuple(blocks))


def _account(sphere: Sphere) -> str:
    is_kept = sphere.checked["verdict"] == "kept"
    text = f"{of(int(is_kept.sum()), len(sphere.checked))} clips with three, four or six channels hold a usable sound field"
    reasons = sphere.checked.loc[~is_kept, "reason"].value_counts()
    found = ", ".join(f"{count(number)} `{reason}`" for reason, number in reasons.items())
    videos = sphere.checked.loc[is_kept]
    held_out = videos.loc[videos["split_video"] == "test", "video"].nunique()
    judged = f"{count(int(videos['video'].nunique()))} videos, of which {count(int(held_out))} are held out and judged"
    return f"{text}{f' (others: {found})' if found else ''}: {judged}."


def accuracies(inputs: Inputs) -> Table:
    """Table 2: published beside measured."""
    rows = []
    for entry in published.TABLE_2:
        value = inputs.metrics.get(f"evaluate360.{entry.variant}.accuracy")
        shown = Cell(measured(value), interval(value))
        rows.append(Row((Cell(entry.name), Cell(decimal(entry.accuracy, 5)), shown, Cell(number_of(value)))))
    columns = (Column("Model", "text"), Column("published"), Column("measured", detail="95 % interval"), Column("N"))
    note = (
        f"Published: {published.PAPER}, Table 2; each is a count out of {published.NUM_SPHERE_CLIPS}, which makes its interval "
        "about 0.033 either way. Measured: on N windows of held-out videos, aligned or turned."
        f"{_reasons(inputs)}{_apart(inputs)}"
    )
    return Table("Table 2. Accuracy of the rotation task; chance is 0.5.", columns, tuple(rows), note)


def alignments(inputs: Inputs) -> Table:
    """Table 3: published beside measured."""
    columns = [Column("Model", "text")]
    for title in CONFIDENCES.values():
        columns += [Column("published", group=title), Column("measured", detail="95 % interval", group=title)]
    rows = []
    for entry in published.TABLE_3:
        row = [Cell(entry.name)]
        for group in GROUPS:
            value = inputs.metrics.get(f"evaluate360.{entry.variant}.alignment_{group}_deg")
            row += [Cell(decimal(entry.published(group), 2)), Cell(measured(value, 2), _detail(value))]
        rows.append(Row(tuple(row)))
    note = (
        f"Published: {published.PAPER}, Table 3; its N is unknown. Measured: the windows of a held-out video come to one "
        "answer, and the error is weighted by its probabilities; a video’s confidence is how far its windows agree. "
        f"`docs/evaluate360.md` says what the paper leaves open.{_apart(inputs)}"
    )
    caption = "Table 3. Error of alignment in degrees, at three levels of confidence; 90 is random, 180 the worst."
    return Table(caption, tuple(columns), tuple(rows), note, stacked=True)


def _detail(value: Value | None) -> str:
    if value is None or value.n is None:
        return interval(value, 2)
    return f"{interval(value, 2)} N = {number_of(value)}".strip()


def _reasons(inputs: Inputs) -> str:
    if inputs.sphere is None:
        return ""
    names = {entry.variant: entry.name for entry in published.TABLE_2}
    known = [f"{names.get(name, name)}: {reason}" for name, reason in inputs.sphere.not_run.items()]
    return f" Not run: {'; '.join(known)}." if known else ""


def _apart(inputs: Inputs) -> str:
    return (
        " The published numbers are of real videos and these of a simulated world." if inputs.truth is not None else ""
    )


def _figures(inputs: Inputs, sphere: Sphere) -> list[Block]:
    blocks: list[Block] = []
    if sphere.azimuth is not None:
        names = ("correlation", "error_deg")
        correlation, error = (inputs.metrics.get(f"evaluate360.azimuth.{name}") for name in names)
        caption = (
            "Audio embeddings of sound events with known directions on two principal components, coloured by azimuth (the "
            f"supplement’s Figure 2). Circular correlation of the angle with the true azimuth: {measured(correlation)} "
            f"{interval(correlation)}; mean error {measured(error, 1)}° {interval(error, 1)}; "
            f"N = {number_of(correlation) or NOT_RUN} events. Published: the figure alone, so unknown."
        )
        blocks.append(_wide(sphere.azimuth, caption, "Audio embeddings coloured by azimuth"))
    for path in sphere.overlays:
        caption = (
            "Acoustic localisation in a held-out video: where the audio network hears the sound, yellow, over the picture; the "
            f"brighter the surer. The whole is `overlays/{path.stem}.mp4` beside the results of `evaluate360`."
        )
        blocks.append(_wide(path, caption, f"Azimuth heard in {path.stem}"))
    return blocks


def _wide(path: Path, caption: str, alt: str) -> Figure:
    return Figure(caption, (Panel(path, alt),), wide=True)
