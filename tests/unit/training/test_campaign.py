"""Many networks in one stage: each is worked on once, and what cannot be trained leaves its reason."""

import json
from functools import partial
from pathlib import Path

import pytest

from leftright import tracking
from leftright.results import Value
from leftright.training import campaign
from leftright.training.processes import Processes
from leftright.training.supervised import NotRunError

ALONE = Processes(rank=0, count=1, count_local=1)
NAMES = ["track/flip", "track/supervised", "separate/flip"]


def work(name: str, *, directory: Path) -> None:
    """Count the calls in a file, settle, and write a curve."""

    def train() -> dict[str, Value]:
        if name.endswith("supervised"):
            raise NotRunError("no weights")
        return {"iou": Value(0.5, 0.4, 0.6, 10)}

    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    calls = folder / "calls"
    calls.write_text((calls.read_text() if calls.exists() else "") + "x")
    (folder / campaign.CURVES).write_text("step,val_loss\n2,0.5\n")
    campaign.settle("finetune", name, directory, ALONE, train)


def calls(directory: Path) -> list[str]:
    return [(directory / name / "calls").read_text() for name in NAMES]


@pytest.mark.parametrize("num_at_once", [1, 2])
def test_numbers_and_reasons(tmp_path, num_at_once):
    campaign.work_all("finetune", NAMES, partial(work, directory=tmp_path), tmp_path, ALONE, num_at_once)
    values = campaign.gather("finetune", NAMES, tmp_path)
    assert values == {
        "finetune.track.flip.iou": Value(0.5, 0.4, 0.6, 10),
        "finetune.separate.flip.iou": Value(0.5, 0.4, 0.6, 10),
    }
    assert json.loads((tmp_path / campaign.NOT_RUN).read_text()) == {"track/supervised": "no weights"}
    campaign.tidy(tmp_path)
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())


def test_what_is_done_is_not_done_again(tmp_path):
    campaign.work_all("finetune", NAMES[:2], partial(work, directory=tmp_path), tmp_path, ALONE, 1)
    campaign.work_all("finetune", NAMES, partial(work, directory=tmp_path), tmp_path, ALONE, 1)
    assert calls(tmp_path) == ["x", "x", "x"]


@pytest.mark.parametrize(("num_at_once", "told_here"), [(1, 0), (2, 3)])
def test_curves_of_other_processes_are_told_here(tmp_path, monkeypatch, num_at_once, told_here):
    """What this process trains, it has told on the way."""
    told = []

    class Run:
        run_id = ""

        def step(self, number, numbers):
            told.append((number, numbers))

    monkeypatch.setattr(tracking, "current", Run)
    campaign.work_all("finetune", NAMES, partial(work, directory=tmp_path), tmp_path, ALONE, num_at_once)
    expected = [(2, {f"{name.replace('/', '.')}.val_loss": 0.5}) for name in NAMES]
    assert told == expected[:told_here]
