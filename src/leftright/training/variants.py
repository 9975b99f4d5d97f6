"""Which downstream models there are: every task from every start, and without one of its inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

TASKS = ("track", "spatialize", "separate")
PRETEXTS = ("flip", "mismatch", "shift")
"""The tasks of `pretrain`, the paper's own first."""
INITIALISATIONS = ("scratch", "supervised", "mismatch", "shift", "flip")
SOUND_ONLY, PICTURE_ONLY = "sound_only", "picture_only"
ABLATIONS = {"track": (SOUND_ONLY, PICTURE_ONLY), "spatialize": (SOUND_ONLY,), "separate": (SOUND_ONLY,)}
"""Of each task the variants that lack an input: the sound's side of a face cannot be seen, a picture's cannot be heard."""

Ablations = Literal["all", "none"]


@dataclass(frozen=True)
class Variant:
    """A task from a start. name : the initialisation's, or the ablation's. start : the initialisation's in either case."""

    task: str
    name: str
    start: str

    @property
    def inputs(self) -> Literal["both", "sound", "picture"]:
        """What it may use."""
        return "sound" if self.name == SOUND_ONLY else "picture" if self.name == PICTURE_ONLY else "both"

    def __str__(self) -> str:
        return f"{self.task}/{self.name}"


def variants(tasks: Sequence[str], initialisations: Sequence[str], ablations: Ablations) -> list[Variant]:
    """All variants, task by task. Ablations begin as the flip model does, or as the last initialisation where that is none."""
    return [each for task in tasks for each in _of_task(task, initialisations, ablations)]


def _of_task(task: str, initialisations: Sequence[str], ablations: Ablations) -> Iterator[Variant]:
    for name in initialisations:
        yield Variant(task, name, name)
    if ablations == "all":
        start = "flip" if "flip" in initialisations else initialisations[-1]
        for name in ABLATIONS[task]:
            yield Variant(task, name, start)
