"""Train, validation and test parts by video, by channel and by scene, side by side, and what leaks between them.

A group's part follows from a digest of the seed and the group's name, not from its place in a list: when videos are added, the
ones that were there stay where they were. A scene is a set of clips whose pictures look alike: the same room and framing may
return in several videos, so that clips of unseen videos are not yet unseen pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leftright.errors import InputError

PARTS = ("train", "val", "test")
KINDS = ("video", "channel", "scene")
"""What a split keeps together, each the name of a column; the split of kind `video` is the column `split_video`."""

_BLOCK_ROWS = 1024  # pairwise distances are computed block by block: all pairs of 100,000 clips would need 40 GB


def rows_of_parts(index: pd.DataFrame, kind: str, path: Path) -> dict[str, list[int]]:
    """The rows of an index in each of PARTS, by the split that keeps `kind` together.

    path : the index's file, for messages. Raises InputError where the split's column is missing or a part is empty.
    """
    if (column := f"split_{kind}") not in index.columns:
        raise InputError(f"{path}: lacks the column {column}; run curate and pack again")
    rows = {part: np.flatnonzero(index[column] == part).tolist() for part in PARTS}
    if empty := [part for part in PARTS if not rows[part]]:
        raise InputError(f"{path}: no clip has {column} {empty[0]}; curate more videos, or choose another split")
    return rows


@dataclass(frozen=True)
class Shares:
    """Shares of the groups that go to validation and to test; training gets the rest."""

    val: float
    test: float

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Each part's share of the unit interval, those that must not be trained on first."""
        return {
            "test": (0.0, self.test),
            "val": (self.test, self.test + self.val),
            "train": (self.test + self.val, 1.0),
        }


def position(seed: int, name: str) -> float:
    """A number in [0, 1) that follows from the seed and the name alone, evenly spread over names."""
    digest = blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def assign(names: Sequence[str], shares: Shares, seed: int) -> dict[str, str]:
    """The part of each distinct name.

    A few names may leave a part empty by chance, which no training survives. Then the name whose position lies nearest to the
    part is moved there, as long as its own part keeps another.
    """
    intervals = shares.intervals()
    positions = {name: position(seed, name) for name in sorted(set(names))}
    parts = {
        name: next(part for part, (_, high) in intervals.items() if place < high or part == "train")
        for name, place in positions.items()
    }
    for part, (low, high) in intervals.items():
        if low < high and part not in parts.values():
            _move_nearest(parts, positions, part, (low + high) / 2)
    return parts


def _move_nearest(parts: dict[str, str], positions: Mapping[str, float], wanted: str, centre: float) -> None:
    sizes = pd.Series(parts).value_counts() if parts else pd.Series(dtype=int)
    movable = [name for name, part in parts.items() if sizes[part] > 1]
    if movable:
        parts[min(movable, key=lambda name: abs(positions[name] - centre))] = wanted


def scenes(clips: Sequence[str], signatures: Sequence[Sequence[float]], max_distance: float) -> list[str]:
    """The scene of each clip, named after the first of its clips in alphabetical order.

    signatures : one a clip, colours in 0..1, as `filter` computes them. Two clips are of one scene if the root mean square
    difference of their signatures is at most `max_distance`, or if a chain of such clips joins them. Signatures of different
    lengths (or empty ones) never match.
    """
    leaders = list(range(len(clips)))
    by_length: dict[int, list[int]] = {}
    for row, signature in enumerate(signatures):
        by_length.setdefault(len(signature), []).append(row)
    for length, rows in by_length.items():
        if length:
            _join_similar(leaders, np.array(rows), np.array([signatures[row] for row in rows], float), max_distance)
    leaders = [_leader(leaders, row) for row in range(len(clips))]
    names = pd.Series(list(clips), dtype="str").groupby(leaders).min()
    return [names[leader] for leader in leaders]


def _join_similar(
    leaders: list[int], rows: NDArray[np.int64], points: NDArray[np.float64], max_distance: float
) -> None:
    """Union-find over all pairs that are near enough. points : (rows, numbers)."""
    # Centred, so that the expansion of the square below loses no digits.
    points = points - points.mean(axis=0)
    squares = np.sum(points**2, axis=1)
    limit = max_distance**2 * points.shape[1] + 1e-9
    for start in range(0, len(points), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        distances = squares[block, None] + squares[None, :] - 2 * points[block] @ points.T
        for first, second in np.argwhere(distances <= limit):
            one, other = _leader(leaders, int(rows[start + first])), _leader(leaders, int(rows[second]))
            leaders[max(one, other)] = min(one, other)


def _leader(leaders: list[int], row: int) -> int:
    while leaders[row] != row:
        leaders[row] = leaders[leaders[row]]
        row = leaders[row]
    return row


def leakage(table: pd.DataFrame) -> pd.DataFrame:
    """How much of each split's test part was seen in training.

    table : one row a clip with `video`, `channel`, `scene` and the three split columns. Returns a row for each kind of split
    and each kind of group: `split`, `group`, `num_test` groups in test, `num_shared` of them that also stand in train,
    `num_test_clips` and `num_shared_clips` of those groups. A split of a kind shares none of its own kind.
    """
    rows = []
    for kind in KINDS:
        train, test = (table[table[f"split_{kind}"] == part] for part in ("train", "test"))
        for group in KINDS:
            shared = test[group].isin(set(train[group]))
            counts = (test[group].nunique(), test.loc[shared, group].nunique(), len(test), int(shared.sum()))
            rows.append((kind, group, *counts))
    columns = ["split", "group", "num_test", "num_shared", "num_test_clips", "num_shared_clips"]
    return pd.DataFrame(rows, columns=columns)
