"""Both renderings: nothing is fetched from outside, nothing typed by others becomes markup, and they say the same."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from leftright.reporting import page
from leftright.reporting.blocks import (
    Audio,
    Bar,
    Cell,
    Column,
    Figure,
    Finding,
    Findings,
    Page,
    Panel,
    Prose,
    Row,
    Section,
    Sound,
    Table,
)
from leftright.reporting.blocks import cells as row_of

PIXEL = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\5\0\1\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82"
)


@pytest.fixture
def example(tmp_path: Path) -> Page:
    (tmp_path / "dot.png").write_bytes(PIXEL)
    (tmp_path / "seen.png").write_bytes(PIXEL)
    (tmp_path / "tone.flac").write_bytes(b"fLaC")
    (tmp_path / "line.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    columns = (
        Column("Reason", "code"), Column("", "bar"), Column("number", detail="share"),
        Column("Pearson", group="R"), Column("Spearman", group="R"),
    )  # fmt: skip
    rows = (
        Row(row_of("Left out"), "heading"),
        Row((Cell("a|b"), Cell("", bar=Bar(0.6, 0.4)), Cell("4", "40.0 %"), Cell("0.1"), Cell("−0.2"))),
    )
    blocks = (
        Prose("A <b>channel</b> & its `name`"),
        Table("What & why", columns, rows, "A note."),
        Audio("Heard.", Panel(tmp_path / "seen.png", "a face"), (Sound(tmp_path / "tone.flac", "before & after"),)),
        Figure("Dots.", (Panel(tmp_path / "dot.png", "a dot"), Panel(tmp_path / "line.svg", "a line"))),
    )
    opening = (Prose("Simulated.", "banner"), Findings((Finding("Accuracy", "0.9", "[0.8, 1.0]", "Chance is 0.5."),)))
    return Page("A title", "A subtitle", (("Source", "<folder>"),), opening, (Section("Where it is", blocks),))


class Collected(HTMLParser):
    """Every address that a browser would follow by itself, every id, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.ids.add(known.get("id", ""))
        if tag == "a":
            self.links.append(known["href"])
        else:
            self.loaded += [known[name] for name in ("src", "href", "srcset", "data", "poster") if name in known]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "tags are closed in their order"

    def handle_data(self, data: str) -> None:
        self.text += f" {data} "


def test_the_page_loads_nothing_from_outside(example: Page) -> None:
    text = page.html(example)
    collected = Collected(text)
    assert len(collected.loaded) == 5, "two figures, a sound with its picture, and the icon"
    assert all(address.startswith("data:") for address in collected.loaded)
    assert not re.search(r"@import|url\((?!data:)|<script", text)


def test_the_pages_tags_are_closed_and_its_links_lead_somewhere(example: Page) -> None:
    collected = Collected(page.html(example))
    assert collected.open == []
    assert collected.links == ["#where-it-is"]
    assert all(link[1:] in collected.ids for link in collected.links)


def test_what_others_typed_does_not_become_markup(example: Page) -> None:
    text = page.html(example)
    assert "A &lt;b&gt;channel&lt;/b&gt; &amp; its <code>name</code>" in text
    assert "&lt;folder&gt;" in text


def test_a_shared_heading_spans_its_columns(example: Page) -> None:
    spans = re.findall(r'<th colspan="(\d)"( class="group")?', page.html(example))
    assert spans[:4] == [("1", "")] * 3 + [("2", ' class="group"')]


def test_a_bar_is_as_long_as_its_share(example: Page) -> None:
    text = page.html(example)
    assert 'class="remaining" style="width:60.000%"' in text
    assert 'class="lost" style="width:40.000%"' in text


def words(text: str) -> set[str]:
    """The words and numbers of either rendering, without its marks and the stops after words."""
    bare = re.sub(r"[`*#|>\[\]()!\\]+", " ", text)
    return set(re.sub(r"[.:,](?=\s|$)", " ", bare).split())


def test_markdown_has_the_same_words_and_numbers(example: Page) -> None:
    body = re.sub(r"<style>.*?</style>|<nav.*?</nav>|<title>.*?</title>", "", page.html(example), flags=re.DOTALL)
    assert words(Collected(body).text) <= words(page.markdown(example))


def test_a_markdown_row_has_a_cell_a_column_without_the_bar(example: Page) -> None:
    lines = page.markdown(example).splitlines()
    (row,) = [line for line in lines if "a\\|b" in line]
    assert row == "| `a\\|b` | 4 (40.0 %) | 0.1 | −0.2 |"
    (heading,) = [line for line in lines if line.startswith("| Reason")]
    assert heading == "| Reason | number (share) | R, Pearson | R, Spearman |"


def test_markdown_links_figures_beside_it(example: Page) -> None:
    assert "![a dot](figures/dot.png)" in page.markdown(example)


def test_all_panels_are_found(example: Page) -> None:
    assert [panel.path.name for panel in page.panels(example)] == ["seen.png", "dot.png", "line.svg"]


def test_a_sound_plays_in_the_page_and_lies_beside_the_markdown(example: Page) -> None:
    assert '<audio controls preload="metadata" src="data:audio/flac;base64,ZkxhQw=="' in page.html(example)
    assert "- [before & after](sounds/tone.flac)" in page.markdown(example)
    assert [sound.path.name for sound in page.sounds(example)] == ["tone.flac"]


def test_a_stacked_table_is_marked(example: Page) -> None:
    table = Table("Many.", (Column("a"),), (Row(row_of("1")),), stacked=True)
    stacked = Page("T", "S", (), (table,), ())
    assert "<table class=stacked>" in page.html(stacked)
    assert "<table>" in page.html(example)
