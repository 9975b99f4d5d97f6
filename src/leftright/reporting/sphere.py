"""What `evaluate360` left, as the report reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leftright.clips import read_table
from leftright.errors import InputError

CHECKED, NOT_RUN, AZIMUTH, OVERLAYS = "checked.parquet", "not_run.json", "azimuth.png", "overlays"


@dataclass(frozen=True)
class Sphere:
    """checked : every clip with its verdict. not_run : variants that were not trained, with the reason. azimuth : the figure of
    sound events, None where none were given. overlays : strips of pictures.
    """

    checked: pd.DataFrame
    not_run: Mapping[str, str]
    azimuth: Path | None
    overlays: tuple[Path, ...]


def read(directory: Path) -> Sphere:
    """Read a result. Raises InputError where it is incomplete."""
    checked = read_table(directory / CHECKED, ("clip", "video", "verdict", "reason", "split_video"))
    try:
        not_run = json.loads((directory / NOT_RUN).read_text())
    except (OSError, ValueError):
        raise InputError(f"{directory / NOT_RUN}: missing or not JSON; run evaluate360, or correct the path") from None
    azimuth = directory / AZIMUTH
    overlays = tuple(sorted((directory / OVERLAYS).glob("*.png")))
    return Sphere(checked, not_run, azimuth if azimuth.is_file() else None, overlays)
