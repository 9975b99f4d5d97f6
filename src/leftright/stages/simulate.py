"""Make a small world of videos with known truth, in the form of any other source.

Writes `videos/<channel>/<video>.mp4` with yt-dlp's `.info.json` beside each, stereo and 360 ones side by side; `truth.parquet`
(a row a stereo video) and `trajectories.parquet` (a row a frame); `sphere_truth.parquet` (a row a 360 video) and
`sphere_trajectories.parquet` (a row a frame and source); and `tau/`, annotated recordings. Of a kind that the parameters ask
none of there is no file. Nothing but tests and the report's known-truth columns reads the tables.
"""

import os
import shutil
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
from leftright.simulation.parameters import TRACKS, WorldParameters
from leftright.simulation.sound_events import Recording, make_recording, plan_recordings
from leftright.simulation.sphere import SphereVideo, make_sphere_video, plan_sphere
from leftright.simulation.world import Video, make_video, plan

_TABLES = ("truth.parquet", "trajectories.parquet")
_SPHERE_TABLES = ("sphere_truth.parquet", "sphere_trajectories.parquet")

_Item = Video | SphereVideo | Recording


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
    """Make the world, or part `part` of it, in the directory `out`. A killed run goes on where it stopped."""
    world = WorldParameters(**{field.name: getattr(config, field.name) for field in fields(WorldParameters)})
    items = _items(world, part)
    with resume_directory(out, _fingerprint(world, part)) as directory:
        _render(world, items, directory, config.num_workers)
        truth = _gathered(items, directory, Video)
        sphere_truth = _gathered(items, directory, SphereVideo)
        shutil.rmtree(directory / "parts", ignore_errors=True)
    values = _values(truth, sphere_truth, sum(isinstance(item, Recording) for item in items))
    results.write(metrics, values)
    return Outcome(values)


def _items(world: WorldParameters, part: str) -> list[_Item]:
    share = Part.parse(part)
    items: list[_Item] = [*share.of(list(plan(world))), *share.of(list(plan_sphere(world)))]
    items += share.of(list(plan_recordings(world)))
    if not items:
        raise InputError(f"--part {part}: holds none of the world's videos; cut it into fewer parts")
    return items


def _fingerprint(world: WorldParameters, part: str) -> dict[str, object]:
    checksum = ""
    if world.hrtf:
        sofa.read(Path(world.hrtf), world.sample_rate)  # says what is wrong with it before anything is rendered
        checksum = sha256(Path(world.hrtf))
    return {"version": __version__, "part": part, "hrtf_sha256": checksum, **asdict(world)}


def _render(world: WorldParameters, items: list[_Item], directory: Path, num_workers: int) -> None:
    pending = [item for item in items if not _last_file_of(directory, item).exists()]
    work = partial(_make_one, world, directory)
    done = process_map(work, pending, num_workers or len(os.sched_getaffinity(0)))
    for _ in tqdm(done, total=len(pending), unit="video", desc="simulate", disable=None):
        pass


def _make_one(world: WorldParameters, directory: Path, item: _Item) -> None:
    if isinstance(item, Recording):
        make_recording(world, item, directory / "tau")
        return
    videos = directory / "videos"
    made = make_video(world, item, videos) if isinstance(item, Video) else make_sphere_video(world, item, videos)
    for name, table in zip(_tables_of(type(item)), made, strict=True):
        write_table(_part_of(directory, item, name), table)


def _last_file_of(directory: Path, item: _Item) -> Path:
    """What is written last of an item: where it is, all is."""
    if isinstance(item, Recording):
        return directory / "tau" / "metadata_dev" / f"{item.name}.csv"
    return _part_of(directory, item, _tables_of(type(item))[-1])


def _tables_of(kind: type) -> tuple[str, str]:
    return _TABLES if kind is Video else _SPHERE_TABLES


def _part_of(directory: Path, video: Video | SphereVideo, table: str) -> Path:
    return directory / "parts" / f"{video.name}.{table}"


def _gathered(items: list[_Item], directory: Path, kind: type[Video] | type[SphereVideo]) -> pd.DataFrame | None:
    """Write the tables of all videos of a kind, if there are any, and return the first, a row a video."""
    videos = [item for item in items if isinstance(item, kind)]
    if not videos:
        return None
    tables = []
    for name in _tables_of(kind):
        tables.append(pd.concat([read_table(_part_of(directory, video, name)) for video in videos], ignore_index=True))
        write_table(directory / name, tables[-1])
    return tables[0]


def _values(
    truth: pd.DataFrame | None, sphere_truth: pd.DataFrame | None, num_recordings: int
) -> dict[str, results.Value]:
    collector = Collector("simulate")
    if truth is not None:
        collector.add("videos", len(truth))
        collector.add("channels", int(truth["channel"].nunique()))
        collector.add("duration_s", float(truth["duration_s"].sum()), n=len(truth))
        counts = Counter(truth["fault"])
        for fault in (faults.NONE, *faults.FAULTS):
            collector.add(f"fault.{fault}", counts[fault], n=len(truth))
    if sphere_truth is not None:
        collector.add("sphere.videos", len(sphere_truth))
        collector.add("sphere.channels", int(sphere_truth["channel"].nunique()))
        collector.add("sphere.duration_s", float(sphere_truth["duration_s"].sum()), n=len(sphere_truth))
        tracks = Counter(sphere_truth["track"])
        for track in TRACKS:
            collector.add(f"sphere.track.{track}", tracks[track], n=len(sphere_truth))
        collector.add("sphere.unseen", int((~sphere_truth["is_visible"]).sum()), n=len(sphere_truth))
        collector.add("sphere.outdoors", int(sphere_truth["is_outdoors"].sum()), n=len(sphere_truth))
    if num_recordings:
        collector.add("tau.recordings", num_recordings)
    return collector.values
