"""The pieces that a report is made of: sections of prose, findings, tables, figures, sounds and bars.

Text may hold `code` between backticks and nothing else: both renderings know what to do with it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Prose:
    """A paragraph. A `banner` stands out: what a reader must not miss."""

    text: str
    tone: Literal["plain", "banner", "note"] = "plain"


@dataclass(frozen=True)
class Finding:
    """A number that the report opens with: what was measured, the number, its interval and N, and what it means."""

    name: str
    number: str
    interval: str
    meaning: str


@dataclass(frozen=True)
class Findings:
    """The numbers that the report opens with."""

    items: tuple[Finding, ...]


@dataclass(frozen=True)
class Bar:
    """A bar across a cell, in shares of the whole: what remains, and beside it what was just lost."""

    remaining: float
    lost: float = 0.0


@dataclass(frozen=True)
class Cell:
    """A cell of a table; `detail` (an interval, a share) is set smaller beside its text."""

    text: str
    detail: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Column:
    """A table's column, with a heading for its cells' details. Neighbours with one `group` share a heading above theirs.

    kind : a `bar` column is for the eye alone: a narrow screen and the Markdown leave it out.
    """

    title: str
    kind: Literal["text", "number", "code", "bar"] = "number"
    detail: str = ""
    group: str = ""


@dataclass(frozen=True)
class Row:
    """A table's row. A `heading` names the rows below it, a `total` sums up those above."""

    cells: tuple[Cell, ...]
    kind: Literal["plain", "heading", "total"] = "plain"


@dataclass(frozen=True)
class Table:
    """A table with its caption above and a note below (empty for none). `stacked` sets details under their numbers."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    stacked: bool = False

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The headings above the columns' titles, each with the number of columns that it spans; empty for none."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and column.group and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return spans if any(name for name, _ in spans) else []

    def pairs(self, row: Row) -> list[tuple[Cell, Column]]:
        """A row's cells, each with its column. A heading has one cell."""
        return list(zip(row.cells, self.columns, strict=row.kind != "heading"))


@dataclass(frozen=True)
class Panel:
    """One picture: an SVG, drawn with the page, or a PNG that an earlier stage drew.

    alt : what it shows, in words, for those who do not see it.
    """

    path: Path
    alt: str


@dataclass(frozen=True)
class Figure:
    """One or several panels under one caption. `wide` panels take the page's whole width."""

    caption: str
    panels: tuple[Panel, ...]
    wide: bool = False


@dataclass(frozen=True)
class Sound:
    """A FLAC file, and what is heard in it."""

    path: Path
    label: str


@dataclass(frozen=True)
class Audio:
    """Sounds to be played side by side under the picture that they belong to.

    Three stand in a row; a fourth stands under the second.
    """

    caption: str
    panel: Panel
    sounds: tuple[Sound, ...]


Block = Prose | Findings | Table | Figure | Audio


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        """The section's name in the page's address."""
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.title.lower()).split())


@dataclass(frozen=True)
class Page:
    """The report: a title, what the run is (pairs of a name and a value), and its sections, the first without a heading."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]


def cells(*texts: str) -> tuple[Cell, ...]:
    """Plain cells."""
    return tuple(Cell(text) for text in texts)
