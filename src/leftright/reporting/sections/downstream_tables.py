"""The tables of the downstream tasks: a row a variant, a row a comparison, and what others have published."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from leftright.reporting.blocks import Cell, Column, Row, Table, cells
from leftright.reporting.comparisons import Comparison
from leftright.reporting.downstream import BEST, MIRRORED, MONO, NAMES, SHOWN, SPATIALIZE, TRACK, Measure, Task
from leftright.reporting.face_truth import DETECTOR, FaceTruth
from leftright.reporting.inputs import Inputs
from leftright.reporting.numbers import NOT_RUN, UNKNOWN, count, decimal, interval, number_of, probability, signed
from leftright.reporting.published import PSEUDO_BINAURAL, UPMIXING
from leftright.results import Value
from leftright.training.variants import ABLATIONS, INITIALISATIONS, SOUND_ONLY

NOT_TRAINED = "it was not among the variants that were trained"


def measures(task: Task, inputs: Inputs, held_out: str) -> Table:
    """Every variant of a task, and what it takes to be of any use. held_out : the kind of split, such as "channel"."""
    headings = [
        (Row(cells("Begun from"), "heading"), INITIALISATIONS),
        (Row(cells("Begun from flip, without one of its inputs"), "heading"), ABLATIONS[task.key]),
    ]
    rows = [row for heading, names in headings for row in (heading, *(_variant(task, name, inputs) for name in names))]
    rows += _baselines(task, inputs.metrics)
    columns = (
        Column("Variant", "text"),
        *(Column(measure.name, detail=f"{measure.better} is better") for measure in task.measures),
        Column("N"),
        Column("published"),
    )
    note = f"N counts {task.unit}s. {_NOTES[task.key]}{_reasons(task, inputs)}"
    world = " of a simulated world" if inputs.truth is not None else ""
    caption = f"{task.title}, on {held_out}s{world} that were not trained on, with 95 % intervals over videos."
    return Table(caption, columns, tuple(rows), note, stacked=True)


_PUBLISHED = "Published: the tables of the paper’s main text are not held, so unknown."
_NOTES: Mapping[str, str] = {
    "track": f"Judged by the detector’s boxes. AP is COCO’s mean over overlaps, AP50 at one half; "
    f"centre x the correlation of the boxes’ centres. {_PUBLISHED}",
    "spatialize": f"Phase is of left minus right. Mag, the field’s fifth measure, is twice the STFT distance. {_PUBLISHED}",
    "separate": "Without the picture a model can part the mixture in two and not know which part is asked for: it is judged "
    "as by a guess, and, to compare with, with its parts given to the clips that they fit best, which no task would do for it. "
    f"The mixture’s SDR is what an untouched mixture has; the gain is above it. {_PUBLISHED}",
}


def _variant(task: Task, name: str, inputs: Inputs) -> Row:
    values = [inputs.metrics.get(f"finetune.{task.key}.{name}.{measure.key}") for measure in task.measures]
    if all(value is None for value in values):
        empty = cells(*[""] * (len(values) - 1))
        return Row((Cell(NAMES[name]), Cell(NOT_RUN), *empty, Cell(""), Cell(UNKNOWN)))
    return _measured(task, NAMES[name], values)


def _measured(task: Task, name: str, values: Sequence[Value | None]) -> Row:
    found = [
        Cell(NOT_RUN if value is None else decimal(value.value, measure.places), interval(value, measure.places))
        for measure, value in zip(task.measures, values, strict=True)
    ]
    return Row((Cell(name), *found, Cell(number_of(values[-1])), Cell(UNKNOWN)))


def _baselines(task: Task, metrics: Mapping[str, Value]) -> Iterator[Row]:
    """What any variant must be better than; empty where flip was not run, whose clips these are judged on."""
    prefix = f"finetune.{task.key}.{SHOWN}"
    if task is SPATIALIZE and f"{prefix}.{MONO}.stft" in metrics:
        yield Row(cells("To compare with"), "heading")
        for name, condition in (("flip, picture mirrored", MIRRORED), ("mono in both channels", MONO)):
            found = [metrics.get(f"{prefix}.{condition}.{measure.key}") for measure in task.measures]
            yield _measured(task, name, found)
    mixture = metrics.get(f"{prefix}.sdr_mixture_db")
    if mixture is not None:
        yield Row(cells("To compare with"), "heading")
        sdr = Cell(decimal(mixture.value, 2), interval(mixture, 2))
        blind = [metrics.get(f"finetune.{task.key}.{SOUND_ONLY}.{BEST}.{measure.key}") for measure in task.measures]
        if any(value is not None for value in blind):
            yield _measured(task, "without the picture, the two parts named after the fact", blind)
        yield Row((Cell("the mixture"), sdr, *cells("", "", ""), Cell(number_of(mixture)), Cell(UNKNOWN)))


def _reasons(task: Task, inputs: Inputs) -> str:
    """Why variants were not run, each with its reason."""
    missing = [
        name
        for name in (*INITIALISATIONS, *ABLATIONS[task.key])
        if not any(key.startswith(f"finetune.{task.key}.{name}.") for key in inputs.metrics)
    ]
    known = inputs.finetuned.not_run if inputs.finetuned is not None else {}
    by_reason: dict[str, list[str]] = {}
    for name in missing:
        by_reason.setdefault(known.get((task.key, name), NOT_TRAINED), []).append(NAMES[name])
    return "".join(f" Not run, {', '.join(names)}: {reason.rstrip('.')}." for reason, names in by_reason.items())


_AGAINST = {
    "scratch": "flip − scratch",
    "supervised": "flip − ImageNet",
    "mismatch": "flip − mismatch",
    "shift": "flip − shift",
    "sound_only": "flip − flip without the picture",
    "picture_only": "flip − flip without the sound",
    BEST: "flip − without the picture, parts named",
    MIRRORED: "its picture − the mirrored picture",
    MONO: "predicted − mono",
}


def comparisons(task: Task, found: Sequence[Comparison]) -> Table | None:
    """Flip against the other variants, on the same rows; None where nothing could be compared."""
    rows: list[Row] = []
    for measure, group in groupby(found, key=lambda comparison: comparison.measure):
        heading = f"{measure.name}, {measure.better} is better"
        rows += [Row(cells(heading), "heading"), *(_comparison(measure, comparison) for comparison in group)]
    columns = (
        Column("Difference", "text"),
        Column("measured", detail="95 % interval"),
        Column("p"),
        Column("the first is", "text"),
        Column("N"),
    )
    note = (
        f"Each {task.unit} is compared with itself, so that what is hard for both counts for neither. Intervals are over "
        "videos; p is how often chance would part two equal models as far, by flipping the signs of videos. Better or worse "
        "is said where the interval leaves out 0 and p is below 0.05; p is not corrected for the number of comparisons."
    )
    return Table(f"{task.title}: differences on the same {task.unit}s.", columns, tuple(rows), note) if rows else None


def _comparison(measure: Measure, each: Comparison) -> Row:
    places = measure.places + 1  # a difference is smaller than what it is of
    difference = Cell(signed(each.difference.value, places), interval(each.difference, places))
    words = (Cell(probability(each.p)), Cell(each.verdict), Cell(count(each.difference.n or 0)))
    return Row((Cell(_AGAINST[each.second]), difference, *words))


def true_faces(faces: FaceTruth) -> Table:
    """The tracked boxes against the true face's."""
    names = [name for name in (*INITIALISATIONS, *ABLATIONS[TRACK.key], DETECTOR) if name in faces.agreements]
    rows = [
        Row(
            (
                Cell(NAMES.get(name, "the detector’s own box")),
                Cell(decimal(faces.agreements[name].iou.value), interval(faces.agreements[name].iou)),
                Cell(decimal(faces.agreements[name].centre_x.value), interval(faces.agreements[name].centre_x)),
                Cell(number_of(faces.agreements[name].iou)),
            ),
            "total" if name == DETECTOR else "plain",
        )
        for name in names
    ]
    group = "By the simulated truth"
    columns = (
        Column("Variant", "text"),
        Column("mean IoU", detail="95 % interval", group=group),
        Column("centre x, R", detail="95 % interval", group=group),
        Column("N"),
    )
    note = (
        "The detector’s own box is what the variants learn from and are asked for: none can be expected to agree better with "
        "the truth than it does."
    )
    return Table("The best box against the performer’s true face at the same time; higher is better.", columns,
                 tuple(rows), note)  # fmt: skip


def reference() -> Table:
    """An independent published table, on other data."""
    columns = (
        Column("Published elsewhere", "text"),
        *(Column(name, group=data) for data in ("YouTube-ASMR", "FAIR-Play") for name in ("STFT", "ENV")),
    )
    rows = tuple(
        Row(cells(entry.name, *(decimal(number) for number in (*entry.youtube_asmr, *entry.fair_play))))
        for entry in UPMIXING
    )
    note = (
        f"{PSEUDO_BINAURAL}. FAIR-Play: over five scene-disjoint splits. The measures are the same, the sounds are not, and "
        "both distances depend on the sounds: these say what order of size to expect, and nothing about which is better."
    )
    return Table("For reference, on other data: STFT and ENV distance, lower is better.", columns, rows, note)
