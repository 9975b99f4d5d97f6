"""The report, put together: which sections there are, and in which order."""

from dataclasses import dataclass
from pathlib import Path

from leftright.reporting.blocks import Page
from leftright.reporting.inputs import Inputs
from leftright.reporting.sections import closing, data, downstream, flip, localization, opening, sphere, truth
from leftright.reporting.shares import Resampling
from leftright.results import Value


@dataclass(frozen=True)
class Report:
    """A page, and the numbers that were measured to make it."""

    page: Page
    values: dict[str, Value]


def compose(inputs: Inputs, figures: Path, resampling: Resampling) -> Report:
    """Measure what only the report measures, draw its figures into the directory `figures`, and lay out the page."""
    checks = truth.check(inputs, inputs.truth, resampling) if inputs.truth is not None else None
    compared = downstream.compare(inputs, resampling)
    sections = [
        localization.section(inputs, figures),
        flip.section(inputs, figures),
        *downstream.sections(inputs, compared),
        sphere.section(inputs),
        *([truth.section(checks, figures)] if checks is not None else []),
        data.attrition(inputs),
        data.curation(inputs, figures),
        data.splits(inputs),
        closing.not_run(),
        closing.reproduce(),
    ]
    leading = opening.blocks(inputs, checks, downstream.findings(inputs, compared))
    page = Page(opening.TITLE, opening.subtitle(inputs), opening.facts(inputs), leading, tuple(sections))
    return Report(page, {**(truth.values(checks) if checks is not None else {}), **compared.values})
