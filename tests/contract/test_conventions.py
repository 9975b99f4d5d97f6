"""The house's rules that a machine can hold: length of functions and files, annotations, words that have no place here.

And its conventions, by physics: left is left, and what is mirrored is mirrored everywhere.
"""

import ast
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from leftright.audio import LEFT, RIGHT, log_energy_difference, swap_channels
from leftright.data.augmentation import mirror_frames, mirror_where
from leftright.models.spatializer import to_stereo
from leftright.training.face_tracking import mirror_boxes

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_are_short() -> None:
    lengths = sorted(_length(function) for path in SOURCES for function in _functions(path))
    assert lengths[-1] <= 60
    assert lengths[int(0.9 * len(lengths))] <= 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_files_hold_one_concept_of_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in ("utils", "helpers", "misc", "common")


def test_the_tree_names_no_machine_and_no_registry() -> None:
    """A path of one machine or a registry's host would bind the project to where it was made."""
    banned = re.compile(
        r"/(?:root|home|work)/\w|/tmp/\w|https?://(?:pypi|files\.pythonhosted|registry\.npmjs|deb\.debian)|uv\.lock\b"
    )
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    found = []
    for name in tracked:
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".yaml", ".toml", ".lock", ".sh", "")
            and path.is_file()
            and path != Path(__file__)
        ):
            text = path.read_text(errors="replace")
            found += [f"{name}: {match.group()}" for match in banned.finditer(text)]
    assert not found


def test_mlflow_is_imported_in_one_file() -> None:
    importing = [
        path.name for path in SOURCES if re.search(r"^\s*(import|from) mlflow", path.read_text(), re.MULTILINE)
    ]
    assert importing == ["tracking.py"]


def test_a_difference_like_the_sum_is_a_sound_on_the_left() -> None:
    """Spatialize predicts left less right, everywhere: its sum and difference become the channels that they came from."""
    source = torch.from_numpy(np.random.default_rng(0).normal(size=1000))
    panned_left = torch.stack((source, 0.25 * source))
    stereo = to_stereo(panned_left.sum(dim=0), panned_left[LEFT] - panned_left[RIGHT])
    torch.testing.assert_close(stereo, panned_left)
    assert log_energy_difference(stereo.numpy()) == pytest.approx(-20 * np.log10(4))
    all_left = to_stereo(source, source)
    assert all_left[LEFT].equal(source) and not all_left[RIGHT].any()


def test_the_mirror_is_one_and_the_same_for_picture_sound_and_box() -> None:
    """What is seen left of the middle and heard left is seen and heard right of it afterwards, where its box is as well."""
    frames = torch.zeros(1, 3, 8, 8)
    frames[..., 2:4, 1:3] = 1.0
    box = torch.tensor([1 / 8, 2 / 8, 3 / 8, 4 / 8])
    sound = np.array([[0.4, -0.4], [0.1, -0.1]])
    level_db = float(log_energy_difference(sound))

    def place(picture: torch.Tensor) -> tuple[float, float]:
        """Left and right edge of what is bright, as fractions of the picture."""
        columns = picture.sum(dim=(0, 1, 2)).nonzero().flatten().tolist()
        return columns[0] / 8, (columns[-1] + 1) / 8

    assert place(frames) == pytest.approx((box[0].item(), box[2].item()))
    assert level_db < 0
    mirrored = mirror_boxes(box)
    assert place(mirror_frames(frames)) == (5 / 8, 7 / 8) == pytest.approx((mirrored[0].item(), mirrored[2].item()))
    assert mirrored[[1, 3]].equal(box[[1, 3]])
    assert log_energy_difference(swap_channels(sound)) == pytest.approx(-level_db)


def _calls(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    plain = {name.id for name in called if isinstance(name, ast.Name)}
    return plain | {name.attr for name in called if isinstance(name, ast.Attribute)}


def test_where_a_coin_says_so_picture_and_sound_are_mirrored_together() -> None:
    frames = torch.arange(6.0).view(2, 1, 3)
    sounds = torch.arange(8.0).view(2, 2, 2)
    heard, seen = mirror_where(torch.tensor([True, False]), sounds, frames)
    assert heard[0].equal(sounds[0].flip(0)) and heard[1].equal(sounds[1])
    assert seen[0].equal(frames[0].flip(-1)) and seen[1].equal(frames[1])


def test_no_training_mirrors_the_picture_without_the_sound() -> None:
    """By a coin both are mirrored in one place. Two do it themselves: flip, whose channels have a coin of their own, and
    rotation, whose sound is mirrored as features.
    """
    by_hand, together = [], []
    for path in (ROOT / "src/leftright/training").glob("*.py"):
        for function in _functions(path):
            calls = _calls(function)
            by_hand += [path.stem] if {"where", "mirror_frames"} <= calls else []
            together += [path.stem] if "mirror_where" in calls else []
    assert sorted(by_hand) == ["flip", "rotation"]
    assert sorted(together) == ["contrast", "face_tracking", "separation", "spatialization"]
