"""What the pretext task is good for: the downstream tasks from every start, compared on the same clips, seen and heard."""

from collections.abc import Mapping
from dataclasses import dataclass

from leftright.reporting import comparisons, face_truth
from leftright.reporting.blocks import Audio, Block, Cell, Column, Figure, Finding, Panel, Prose, Row, Section, Table
from leftright.reporting.comparisons import Comparison
from leftright.reporting.downstream import BY_KEY, SHOWN, SPATIALIZE, TRACK, Example, Finetuned, Task
from leftright.reporting.face_truth import FaceTruth
from leftright.reporting.inputs import Inputs
from leftright.reporting.numbers import (
    UNKNOWN,
    decimal,
    interval,
    measured,
    number_of,
    of,
    percent,
    plural,
    probability,
    signed,
)
from leftright.reporting.sections import downstream_tables as tables
from leftright.reporting.sections.flip import held_out
from leftright.reporting.shares import Resampling
from leftright.results import Value


@dataclass(frozen=True)
class Compared:
    """What the report measures itself of the downstream tasks. faces : None without a truth, or without the task."""

    comparisons: tuple[Comparison, ...] = ()
    faces: FaceTruth | None = None

    @property
    def values(self) -> dict[str, Value]:
        """All of it as metrics, by key."""
        return comparisons.values(self.comparisons) | (face_truth.values(self.faces) if self.faces is not None else {})

    def against_scratch(self, task: Task) -> Comparison | None:
        """Flip minus scratch by the task's first measure."""
        wanted = (task.key, SHOWN, "scratch")
        return next((each for each in self.comparisons if (each.task, each.first, each.second) == wanted), None)


def compare(inputs: Inputs, resampling: Resampling) -> Compared:
    """Compare the variants with one another, and the tracked faces with the truth where there is one."""
    if inputs.finetuned is None:
        return Compared()
    faces = None
    if inputs.truth is not None:
        faces = face_truth.check(inputs.finetuned, inputs.curated, inputs.truth.trajectories, resampling)
    return Compared(comparisons.compare(inputs.finetuned, resampling), faces)


def sections(inputs: Inputs, compared: Compared) -> list[Section]:
    """The starts, and a section a task that was run."""
    blocks: list[Block] = [Prose(_INTRODUCTION)]
    if inputs.finetuned is None:
        blocks.append(Prose("Not run: no downstream models were given.", "note"))
    blocks.append(_pretext_table(inputs))
    if inputs.finetuned is None:
        return [Section("Downstream tasks", tuple(blocks))]
    given = inputs.finetuned
    tasks = [_section(task, inputs, given, compared) for task in BY_KEY.values()]
    return [Section("Downstream tasks", tuple(blocks)), *tasks]


_INTRODUCTION = (
    "What the model has learnt by telling left from right is put to use: three tasks are each trained from a network at random "
    "(scratch), from one that knows the photographs of ImageNet, and from three pretext models, of which flip is the paper’s "
    "own. Everything else is the same, so that a difference is the start’s."
)
_QUESTIONS: Mapping[str, str] = {
    "flip": "have left and right been swapped?",
    "mismatch": "is the sound of another video?",
    "shift": "is the sound of another moment?",
}


def _pretext_table(inputs: Inputs) -> Table:
    """How well each pretext task itself is solved."""
    values = {name: inputs.metrics.get(f"{name}.accuracy") for name in _QUESTIONS}
    rows = tuple(
        Row(
            (
                Cell(name),
                Cell(_QUESTIONS[name]),
                Cell(measured(value), interval(value)),
                Cell(number_of(value)),
                Cell(UNKNOWN),
            )
        )
        for name, value in values.items()
    )
    columns = (
        Column("Pretext task", "text"),
        Column("question", "text"),
        Column("accuracy", detail="95 % interval"),
        Column("N"),
        Column("published"),
    )
    caption = "The pretext tasks that are begun from, on held-out windows; chance is 0.5."
    return Table(caption, columns, rows, "Held out as in the flip accuracy above. All saw the same number of windows.")


_TASK_WORDS: Mapping[str, str] = {
    "track": (
        "The model hears one second of a clip, and is shown a frame of another second. It sees who it is, but must hear where "
        "the face is now."
    ),
    "spatialize": (
        "The model hears the two channels added up, and sees the picture. It says how the channels differed, so that each "
        "sound comes from where it is seen. Judged on whole clips."
    ),
    "separate": (
        "The sounds of two videos are mixed, both at one level. The model hears the mixture and sees one of the videos, whose "
        "sound it is asked for; then the other."
    ),
}


def _section(task: Task, inputs: Inputs, given: Finetuned, compared: Compared) -> Section:
    blocks: list[Block] = [Prose(_TASK_WORDS[task.key])]
    if not given.has(task.key):
        reasons = sorted({reason for (name, _), reason in given.not_run.items() if name == task.key})
        blocks.append(
            Prose(f"Not run: {'; '.join(reasons) or 'it was not among the tasks that were trained'}.", "note")
        )
        return Section(task.title, tuple(blocks))
    judged = next(table for (name, _), table in given.predictions.items() if name == task.key)
    scheme = held_out(judged.assign(split="test"), inputs.curated, "finetune")
    blocks.append(tables.measures(task, inputs, scheme))
    if table := tables.comparisons(task, [each for each in compared.comparisons if each.task == task.key]):
        blocks.append(table)
    if task is TRACK and compared.faces is not None:
        blocks += [Prose(_sounding(compared.faces)), tables.true_faces(compared.faces)]
    if task is SPATIALIZE:
        blocks.append(tables.reference())
    return Section(task.title, (*blocks, *_examples(task, given.examples.get(task.key, ()))))


def _sounding(faces: FaceTruth) -> str:
    """How many of the faces that were asked about are what sounds."""
    value = faces.sounding
    if value.value is None or not value.n:
        return "Of no face that was asked about is the truth known."
    num_sounding = round(value.value * value.n)
    return (
        f"Faces are asked about where they seem to follow the sound. By the simulated truth {of(num_sounding, value.n)} "
        f"({percent(value.value)}) are what is heard; in the others something else sounds, such as tapping hands, and no sound "
        "says where the face is."
    )


_CAPTIONS: Mapping[str, str] = {
    "track": (
        "Tracked faces, by the flip variant: above, the frame that it was shown; below, that of the time which it heard, with "
        "its box in orange and the detector’s dashed."
    ),
    "spatialize": (
        "By the flip variant: which side is louder, over time. Best heard with headphones: the predicted sound should wander "
        "as the true one does."
    ),
    "separate": (
        "By the flip variant: one mixture, asked for by each of its two pictures. The better it knows what is seen, the less "
        "of the other is left."
    ),
}
_ALTS: Mapping[str, str] = {
    "track": "Frames with the predicted and the detected box of each face",
    "spatialize": "Frames of the clip over its level difference, true and predicted",
    "separate": "Spectrograms of the mixture, of each predicted sound and of the true ones",
}


def _examples(task: Task, examples: tuple[Example, ...]) -> list[Block]:
    """Pictures with their sounds; a picture that several examples share stands once."""
    blocks: list[Block] = []
    for number, example in enumerate({example.picture: example for example in examples}.values(), start=1):
        panel = Panel(example.picture, _ALTS[task.key])
        if not example.sounds:
            blocks.append(Figure(_CAPTIONS[task.key], (panel,), wide=True))
            continue
        caption = f"Example {number}, “{example.title}”."
        blocks.append(Audio(f"{caption} {_CAPTIONS[task.key]}" if number == 1 else caption, panel, example.sounds))
    return blocks


def findings(inputs: Inputs, compared: Compared) -> list[Finding]:
    """A line for each task whose flip variant was run."""
    found = [_finding(task, inputs.metrics, compared) for task in BY_KEY.values()]
    return [finding for finding in found if finding is not None] if inputs.finetuned is not None else []


_BOUND = "\N{NO-BREAK SPACE}"
_MAIN = {"track": "iou", "spatialize": "stft", "separate": "sdr_improvement_db"}
_MEANS: Mapping[str, str] = {
    "track": "Mean overlap of the best box with the face, found by ear in {count}; 1 is perfect.",
    "spatialize": "STFT distance to the true sound over {count}; lower is better.",
    "separate": "Gain in SDR over the mixture, over {count}; higher is better.",
}
_UNITS: Mapping[str, str] = {"separate": " dB"}


def _finding(task: Task, metrics: Mapping[str, Value], compared: Compared) -> Finding | None:
    measure = next(each for each in task.measures if each.key == _MAIN[task.key])
    value = metrics.get(f"finetune.{task.key}.{SHOWN}.{measure.key}")
    if value is None:
        return None
    meaning = _MEANS[task.key].format(count=plural(value.n or 0, task.unit))
    if task is SPATIALIZE and (mono := metrics.get(f"finetune.{task.key}.{SHOWN}.mono.{measure.key}")) is not None:
        meaning += f" Mono has {decimal(mono.value)}."
    if (against := compared.against_scratch(task)) is not None:
        meaning += f" {_against_scratch(against)}"
    number = decimal(value.value, measure.places) + _UNITS.get(task.key, "")
    return Finding(task.title, number, interval(value, measure.places), meaning)


def _against_scratch(each: Comparison) -> str:
    places = each.measure.places + 1
    difference = f"{signed(each.difference.value, places)} {interval(each.difference, places)}".rstrip()
    p = probability(each.p)
    sign = "p " if p.startswith("<") else "p = "
    return (
        f"Begun from flip rather than from scratch: {difference} ({f'{sign}{p}'.replace(' ', _BOUND)}), {each.verdict}."
    )
