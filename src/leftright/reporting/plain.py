"""Table 1, the flip accuracy and the downstream tasks as plain text, for a terminal."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from leftright import results
from leftright.errors import InputError
from leftright.reporting.downstream import BY_KEY, Measure, Task
from leftright.reporting.numbers import decimal, interval, measured, number_of, signed
from leftright.reporting.published import TABLE_1, Correlation
from leftright.results import Value

SIMULATED = "Simulated world: these are simulated results."

_HEADINGS = {"sound": "from the sound", "picture": "from the picture"}
_FLIP = (("Flip accuracy, test part", "flip.accuracy"), ("Made mono (chance is 0.5)", "flip.accuracy_mono"))
_FLIP_VALID = ("On videos without a fault", "truth.flip.accuracy_valid")
# Widths of the columns: published, measured and its interval; twice.
_NAME, _PUBLISHED, _MEASURED, _INTERVAL, _COUNT = 16, 10, 10, 17, 8
_HALF = _PUBLISHED + _MEASURED + _INTERVAL
_TASK, _WIDE = 42, 19


def summary(metrics: Path, report: Path) -> str:
    """What a person sees at the end of a run: Table 1, the downstream tasks, the flip accuracy, and where the report lies.

    metrics : the directory of metrics files. report : the page. Raises InputError where there is no metrics file.
    """
    paths = sorted(metrics.glob("*.json"))
    if not paths:
        raise InputError(f"{metrics}: holds no metrics file; run the stages before")
    values = {key: value for path in paths for key, value in results.read(path).items()}
    is_simulated = any(key.startswith("truth.") for key in values)
    tables = [table1_text(values), downstream_text(values)]
    parts = [*(table for table in tables if table), flip_text(values), f"Report: {report}"]
    return "\n\n".join([SIMULATED, *parts] if is_simulated else parts)


def flip_text(values: Mapping[str, Value]) -> str:
    """The flip accuracy and its control, a line each."""
    lines = []
    for name, key in (*_FLIP, _FLIP_VALID) if _FLIP_VALID[1] in values else _FLIP:
        value = values.get(key)
        count = f"   N = {number_of(value)}" if number_of(value) else ""
        shown = f"{measured(value):>{_MEASURED}}{interval(value):>{_INTERVAL}}{count}"
        lines.append(f"{name:<{_NAME + _PUBLISHED}}{shown}".rstrip())
    return "\n".join(lines)


def table1_text(values: Mapping[str, Value]) -> str:
    """Table 1: published beside measured, with intervals and the number of windows.

    values : the metrics by key; a row whose stage was not run says so.
    """
    rule = "─" * (_NAME + 2 * _HALF + _COUNT)
    titles = f"{'published':>{_PUBLISHED}}{'measured':>{_MEASURED}}{'95 % interval':>{_INTERVAL}}"
    lines = [
        "Table 1. Correlation with the log energy difference; higher is better.",
        rule,
        f"{'':{_NAME}}{'Pearson R':>{_HALF}}{'Spearman R':>{_HALF}}",
        f"{'':{_NAME}}{titles}{titles}{'windows':>{_COUNT}}",
    ]
    for modality, entries in groupby(TABLE_1, key=lambda entry: entry.modality):
        lines += [_HEADINGS[modality], *(_row(entry, values) for entry in entries)]
    return "\n".join([*lines, rule])


def _row(entry: Correlation, values: Mapping[str, Value]) -> str:
    pearson, spearman = values.get(entry.metric("pearson")), values.get(entry.metric("spearman"))
    halves = "".join(
        f"{decimal(published):>{_PUBLISHED}}{measured(value):>{_MEASURED}}{interval(value):>{_INTERVAL}}"
        for published, value in ((entry.pearson, pearson), (entry.spearman, spearman))
    )
    return f"  {entry.name:<{_NAME - 2}}{halves}{number_of(pearson):>{_COUNT}}".rstrip()


def downstream_text(values: Mapping[str, Value]) -> str:
    """Each task begun from scratch and from flip, and the difference on the same clips; empty where none was run.

    values : the metrics by key, the report's own among them.
    """
    shown = [(task, measure) for task in BY_KEY.values() for measure in task.compared if _is_run(task, values)]
    if not shown:
        return ""
    rule = "─" * (_NAME + 2 * _HALF + _COUNT)
    titles = f"{'scratch':>{_MEASURED}}{'flip':>{_MEASURED}}{'flip − scratch':>{_INTERVAL}}{'95 % interval':>{_WIDE}}"
    rows = [_downstream_row(task, measure, values) for task, measure in shown]
    return "\n".join(
        ["Downstream tasks, begun from scratch and from flip.", rule, f"{'':{_TASK}}{titles}", *rows, rule]
    )


def _is_run(task: Task, values: Mapping[str, Value]) -> bool:
    return any(key.startswith(f"finetune.{task.key}.") for key in values)


def _downstream_row(task: Task, measure: Measure, values: Mapping[str, Value]) -> str:
    scratch, flip = (values.get(f"finetune.{task.key}.{start}.{measure.key}") for start in ("scratch", "flip"))
    difference = values.get(f"report.finetune.{task.key}.flip_minus_scratch.{measure.key}")
    places = measure.places + 1
    shown = "" if difference is None else signed(difference.value, places)
    name = f"{task.key}: {measure.name}, {measure.better} is better"
    numbers = f"{measured(scratch, measure.places):>{_MEASURED}}{measured(flip, measure.places):>{_MEASURED}}"
    return f"{name:<{_TASK}}{numbers}{shown:>{_INTERVAL}}{interval(difference, places):>{_WIDE}}".rstrip()
