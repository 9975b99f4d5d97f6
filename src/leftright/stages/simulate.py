"""Make a small world of videos with known truth, in the form of any other source.

Writes `videos/<channel>/<video>.mp4` with yt-dlp's `.info.json` beside each, `truth.parquet` (a row a video) and
`trajectories.parquet` (a row a frame). Nothing but tests and the report's known-truth columns reads the last two.
"""

import os
from collections import Counter
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from leftright import __version__, results
from leftright.clips import read_table, write_table
from leftright.errors import InputError
from leftright.files import Part, resume_directory, sha256
from leftright.parallel import process_map
from leftright.results import Collector, Outcome
from leftright.simulation import faults, sofa
from leftright.simulation.parameters import WorldParameters
from leftright.simulation.world import Video, make_video, plan

_TRUTH, _TRAJECTORIES = "truth.parquet", "trajectories.parquet"


@dataclass(frozen=True)
class Config(WorldParameters):
    """What decides the world, and how many processes make it."""

    num_workers: int
    """processes that render; 0 for one a core"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_workers < 0:
            raise InputError(f"num_workers {self.num_workers}: out of range; give 0 for one a core, or more")


def run(config: Config, *, out: Path, metrics: Path, part: str = "0/1") -> Outcome:
    """Make the world, or part `part` of its videos, in the directory `out`. A killed run goes on where it stopped."""
    world = WorldParameters(**{field.name: getattr(config, field.name) for field in fields(WorldParameters)})
    videos = _videos(world, part)
    with resume_directory(out, _fingerprint(world, part)) as directory:
        _render(world, videos, directory, config.num_workers)
        truth = _gathered(videos, directory, _TRUTH)
        _gathered(videos, directory, _TRAJECTORIES)
        _remove_parts(directory)
    values = _values(truth)
    results.write(metrics, values)
    return Outcome(values)


def _videos(world: WorldParameters, part: str) -> list[Video]:
    videos = Part.parse(part).of(list(plan(world)))
    if not videos:
        raise InputError(f"--part {part}: holds none of the world's videos; cut it into fewer parts")
    return videos


def _fingerprint(world: WorldParameters, part: str) -> dict[str, object]:
    checksum = ""
    if world.hrtf:
        sofa.read(Path(world.hrtf), world.sample_rate)  # says what is wrong with it before anything is rendered
        checksum = sha256(Path(world.hrtf))
    return {"version": __version__, "part": part, "hrtf_sha256": checksum, **asdict(world)}


def _render(world: WorldParameters, videos: list[Video], directory: Path, num_workers: int) -> None:
    pending = [video for video in videos if not _part_of(directory, video, _TRAJECTORIES).exists()]
    work = partial(_make_one, world, directory)
    done = process_map(work, pending, num_workers or len(os.sched_getaffinity(0)))
    for _ in tqdm(done, total=len(pending), unit="video", desc="simulate", disable=None):
        pass


def _make_one(world: WorldParameters, directory: Path, video: Video) -> None:
    truth, trajectory = make_video(world, video, directory / "videos")
    write_table(_part_of(directory, video, _TRUTH), truth)
    # The last file of a video: where it is, all of them are.
    write_table(_part_of(directory, video, _TRAJECTORIES), trajectory)


def _part_of(directory: Path, video: Video, table: str) -> Path:
    return directory / "parts" / f"{video.name}.{table}"


def _gathered(videos: list[Video], directory: Path, table: str) -> pd.DataFrame:
    rows = pd.concat([read_table(_part_of(directory, video, table)) for video in videos], ignore_index=True)
    write_table(directory / table, rows)
    return rows


def _remove_parts(directory: Path) -> None:
    for path in (directory / "parts").iterdir():
        path.unlink()
    (directory / "parts").rmdir()


def _values(truth: pd.DataFrame) -> dict[str, results.Value]:
    collector = Collector("simulate")
    collector.add("videos", len(truth))
    collector.add("channels", int(truth["channel"].nunique()))
    collector.add("duration_s", float(truth["duration_s"].sum()), n=len(truth))
    counts = Counter(truth["fault"])
    for fault in (faults.NONE, *faults.FAULTS):
        collector.add(f"fault.{fault}", counts[fault], n=len(truth))
    return collector.values
