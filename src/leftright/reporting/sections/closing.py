"""What was not run, and how each number is made again."""

from leftright.reporting.blocks import Column, Prose, Row, Section, Table, cells
from leftright.reporting.published import OTHER_TABLES


def not_run() -> Section:
    """Published results that cannot be set beside measured ones."""
    rows = tuple(Row(cells(entry.name, entry.reason)) for entry in OTHER_TABLES)
    return Section(
        "Not run", (Table("Published results that cannot be set beside measured ones.", _NOT_RUN_COLUMNS, rows),)
    )


_NOT_RUN_COLUMNS = (Column("Result", "text"), Column("why", "text"))

_SOURCES = (
    ("Table 1, figures", "localize", "localize.*"),
    ("Flip accuracy, training", "pretrain", "flip.*"),
    ("The other pretext tasks", "pretrain", "mismatch.*, shift.*"),
    ("Downstream tasks", "finetune", "finetune.*"),
    ("Their comparisons, true faces", "report", "report.finetune.*"),
    ("Tables 2 and 3, Figure 2", "evaluate360", "evaluate360.*"),
    ("Curation, splits, leakage", "curate", "curate.*"),
    ("Verdicts and reasons", "filter", "filter.*"),
    ("Videos and clips", "collect", "collect.*"),
    ("Known truth", "report", "truth.*"),
)


def reproduce() -> Section:
    """The command and the file of each number."""
    text = (
        "`dvc repro` makes everything here anew from `params.yaml`, and runs only what has changed; `dvc repro --force "
        "--single-item STAGE` runs one stage again. Each stage is also a plain command, `python -m leftright STAGE --help`."
    )
    rows = tuple(
        Row(cells(name, f"dvc repro {stage}", f"metrics/{stage}.json", keys)) for name, stage, keys in _SOURCES
    )
    columns = (Column("Numbers", "text"), Column("command", "code"), Column("file", "code"), Column("keys", "code"))
    return Section(
        "How to make these numbers again", (Prose(text), Table("Where each number comes from.", columns, rows))
    )
