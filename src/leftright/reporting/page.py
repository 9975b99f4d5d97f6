"""The page: blocks rendered as one self-contained HTML file, and as Markdown with its figures and sounds beside it.

The HTML file asks for nothing from outside: style, pictures and sounds are inside it.
"""

import base64
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from leftright.reporting.blocks import Audio, Block, Figure, Page, Panel, Sound

_MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".flac": "audio/flac"}


def html(page: Page) -> str:
    """The report as one HTML document, pictures and sounds inside as data URIs."""
    return _environment(escaping=True).get_template("report.html.j2").render(page=page)


def markdown(page: Page) -> str:
    """The report as Markdown; pictures are linked as `figures/<name>`, sounds as `sounds/<name>`."""
    text = _environment(escaping=False).get_template("report.md.j2").render(page=page)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def panels(page: Page) -> list[Panel]:
    """Every picture of the page, in order."""
    return [panel for block in _blocks(page) for panel in _panels_of(block)]


def sounds(page: Page) -> list[Sound]:
    """Every sound of the page, in order."""
    return [sound for block in _blocks(page) if isinstance(block, Audio) for sound in block.sounds]


def _blocks(page: Page) -> list[Block]:
    return [*page.opening, *(block for section in page.sections for block in section.blocks)]


def _panels_of(block: Block) -> tuple[Panel, ...]:
    return block.panels if isinstance(block, Figure) else (block.panel,) if isinstance(block, Audio) else ()


def kind(block: Block) -> str:
    """The name by which a template tells blocks apart."""
    return type(block).__name__.lower()


def _environment(*, escaping: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("leftright.reporting"),
        autoescape=escaping,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(code=_code, data_uri=_data_uri, cell=_markdown_cell, aside=_aside)
    environment.tests["block"] = lambda block, name: kind(block) == name
    return environment


def _code(text: str) -> Markup:
    """Escape `text` for HTML, set what stands between backticks as code, and keep a per cent sign with its number."""
    bound = str(escape(text)).replace(" %", "\N{NO-BREAK SPACE}%")
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", bound))


def _data_uri(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MEDIA_TYPES[path.suffix]};base64,{content}"


def _aside(detail: str) -> str:
    """A detail in brackets, unless it has its own."""
    return detail if detail.startswith("[") else f"({detail})"


def _markdown_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
