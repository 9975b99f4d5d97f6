"""One page with every result: published beside measured, N, interval, unknown where unknown; and where the data went.

It reads what the stages before it wrote and measures nothing of theirs again. The truth of a simulated world is read here and
nowhere before: it says how far the filter's verdicts and the model's answers are right.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from leftright import results
from leftright.errors import InputError
from leftright.files import replace_directory
from leftright.reporting import inputs as given
from leftright.reporting import page
from leftright.reporting.compose import Report, compose
from leftright.reporting.shares import Resampling
from leftright.results import Outcome, Value

HTML, MARKDOWN, FIGURES, SOUNDS = "report.html", "report.md", "figures", "sounds"


@dataclass(frozen=True)
class Config:
    """Parameters of `report`."""

    num_resamples: int
    """bootstrap resamples of the intervals that the report measures itself"""
    seed: int
    """seed of the bootstrap"""

    def __post_init__(self) -> None:
        if self.num_resamples <= 0:
            raise InputError(f"report.num_resamples is {self.num_resamples}; it must be positive")


def run(
    config: Config,
    *,
    stage_metrics: tuple[Path, ...],
    clips: tuple[Path, ...],
    filtered: tuple[Path, ...],
    curated: Path,
    models: tuple[Path, ...] = (),
    localized: tuple[Path, ...] = (),
    finetuned: tuple[Path, ...] = (),
    evaluated360: tuple[Path, ...] = (),
    truth: tuple[Path, ...] = (),
    out: Path,
    metrics: Path,
) -> Outcome:
    """Write `report.html`, and `report.md` with `figures/` and `sounds/`, to `out`.

    stage_metrics : metrics files of stages, or directories of them. clips, filtered : what `collect` and `filter` wrote, part
    by part. curated : what `curate` wrote. models, finetuned : what `pretrain` and `finetune` wrote, part by part, and
    localized, evaluated360 : what `localize` and `evaluate360` wrote; none where they were not run. truth : what `simulate`
    wrote; none for real videos. Raises InputError for a result that is missing, unreadable or of another run.
    """
    read = given.read(
        stage_metrics=stage_metrics,
        clips=clips,
        filtered=filtered,
        curated=curated,
        models=models,
        localized=localized,
        finetuned=finetuned,
        evaluated360=evaluated360,
        truth=truth,
    )
    with replace_directory(out) as directory:
        report = compose(read, directory / FIGURES, Resampling(config.num_resamples, config.seed))
        _write(report, directory)
    values = {**report.values, **_sizes(read)}
    results.write(metrics, values)
    return Outcome(values, figures=tuple(sorted((out / FIGURES).iterdir())), tables=(out / HTML, out / MARKDOWN))


def _write(report: Report, directory: Path) -> None:
    """The two renderings, and beside the Markdown a copy of each figure and sound of an earlier stage."""
    given = [(FIGURES, panel.path) for panel in page.panels(report.page)]
    given += [(SOUNDS, sound.path) for sound in page.sounds(report.page)]
    for folder, path in given:
        target = directory / folder / path.name
        if path != target:
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, target)
    (directory / HTML).write_text(page.html(report.page), encoding="utf-8")
    (directory / MARKDOWN).write_text(page.markdown(report.page), encoding="utf-8")


def _sizes(read: given.Inputs) -> dict[str, Value]:
    """How much the report is about, so that a report on real videos has numbers too."""
    kept = read.curated[read.curated["kept"]]
    return {
        "report.videos": Value(len(read.videos)),
        "report.clips": Value(len(read.curated)),
        "report.clips_kept": Value(len(kept), n=len(read.curated)),
    }
