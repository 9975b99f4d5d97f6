"""Ten-second clips of a source's videos, and a ledger of what became of each video.

Writes `clips.parquet` (one row a clip), `clips/` and `ledger.sqlite`. A killed run is continued by the next one with the same
parameters, to the same result. Of a server no more is asked than it gives: requests are spaced, and collection stops after
repeated refusals.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from tqdm import tqdm

import leftright
from leftright import results
from leftright.clips import MANIFEST, write_table
from leftright.errors import InputError
from leftright.files import Part, resume_directory
from leftright.results import Collector, Outcome
from leftright.sources.base import ClipPlan, Harvest, RefusedError, Source, Status, Video
from leftright.sources.ledger import LEDGER, Ledger

LIST = "list.csv"
logger = logging.getLogger(__name__)

# Parameters that change how work is done and not what comes of it: a resumed run may have others.
_MANNERS = ("mode", "num_workers", "rate_kbytes_s", "sleep_s", "timeout_s", "retries", "max_refusals", "after_refusals")


@dataclass(frozen=True)
class Config:
    """Parameters of the stage. Those from `keywords` on are for sources on a network."""

    source: Literal["folder", "urls", "youtube"]
    """Where videos come from: a folder of files, a list of URLs, or YouTube by keyword."""
    location: str
    """The folder, or the list; not read for youtube. Within `videos`, where that is given."""
    mode: Literal["fetch", "list", "dry_run"]
    """list writes what would be fetched as a list that `urls` reads; dry_run prints it with its weight, and writes nothing."""
    seed: int
    """Draws the clips' positions."""
    clip_s: float
    """Length of a clip in seconds (the paper: 10)."""
    max_clips_per_video: int
    """At most so many clips a video (the paper: 10-15)."""
    num_workers: int
    """Files cut side by side; videos of a server come one after another."""
    keywords: tuple[str, ...]
    """What YouTube is searched for."""
    results_per_keyword: int
    """How many results of each search are read."""
    target_videos: int
    """Listing stops at so many videos (the paper: about 80,000)."""
    related_rounds: int
    """How often the videos related to the last round's are added."""
    related_per_video: int
    """How many related videos of each are read."""
    max_height: int
    """Lines of the picture, at most, where there is a choice."""
    max_channels: int
    """Channels of the sound, at most, where there is a choice: 2, or 4 for 360-degree video with its sound field."""
    rate_kbytes_s: int
    """Downloads are held to this rate; 0 is without limit."""
    sleep_s: float
    """Pause before a request, and before a first other try."""
    timeout_s: float
    """How long a silent server is waited for."""
    retries: int
    """Other tries after a failure that may pass."""
    max_refusals: int
    """Collection stops after so many refusals in a row."""
    after_refusals: Literal["stop", "publish"]
    """stop keeps what there is for a later run to continue; publish makes it the result."""

    def __post_init__(self) -> None:
        if self.clip_s <= 0:
            raise InputError(f"--clip_s {self.clip_s}: a clip must last longer than nothing")
        least = {
            "max_clips_per_video": 1,
            "num_workers": 1,
            "max_channels": 1,
            "target_videos": 1,
            "max_refusals": 1,
            "sleep_s": 0,
            "retries": 0,
        }
        for name, low in least.items():
            if getattr(self, name) < low:
                raise InputError(f"--{name} {getattr(self, name)}: must be at least {low}")


def run(config: Config, *, videos: tuple[Path, ...] = (), out: Path, metrics: Path, part: str = "0/1") -> Outcome:
    """Collect part `part` of the source's videos into the directory `out`, or list them there; a dry run prints, and writes no
    file.

    videos : the directory that the location lies in, where a task before this one brought it. Raises InputError for an unusable
    location, and where a server goes on refusing.
    """
    if videos:
        config = replace(config, location=str(videos[0] / config.location))
    source = make_source(config)
    if config.mode == "dry_run":
        return Outcome(_dry_run(source, config, Part.parse(part)))
    if config.mode == "list":
        values = write_list(source, config, out, part)
        results.write(metrics, values)
        return Outcome(values, tables=(out / LIST,))
    values = collect(source, config, out, part)
    results.write(metrics, values)
    return Outcome(values, tables=(out / MANIFEST,))


def make_source(config: Config) -> Source:
    """The source that the configuration names. Raises InputError where its location is unusable."""
    if config.source == "folder":
        from leftright.sources.folder import Folder

        return Folder(Path(config.location), config.num_workers)
    from leftright.sources.remote import Politeness

    politeness = Politeness(
        config.max_height, config.max_channels, config.rate_kbytes_s, config.sleep_s, config.timeout_s, config.retries
    )
    if config.source == "urls":
        from leftright.sources.urls import Urls

        return Urls(Path(config.location), politeness)
    from leftright.sources.youtube import YouTube

    return YouTube(
        config.keywords,
        results_per_keyword=config.results_per_keyword,
        target_videos=config.target_videos,
        related_rounds=config.related_rounds,
        related_per_video=config.related_per_video,
        politeness=politeness,
    )


def collect(source: Source, config: Config, out: Path, part: str) -> dict[str, results.Value]:
    """Collect from `source` into the directory `out`, continuing what a killed run left. Returns the stage's numbers."""
    from leftright import contracts

    share = Part.parse(part)
    with resume_directory(out, _fingerprint(config, source, part)) as partial, Ledger(partial / LEDGER) as ledger:
        outcome = "complete"
        try:
            _discover(source, ledger, config)
            ledger.share(share)
            _fetch_all(source, ledger, config, partial / "clips")
        except RefusedError as error:
            outcome = f"stopped after {config.max_refusals} refusals in a row: {error}"
            if config.after_refusals == "stop":
                raise InputError(f"{outcome}; what came is kept in {partial}: run the same again later") from None
            logger.warning("%s", outcome)
            ledger.share(share)
        table = ledger.manifest()
        if table.empty and share.count == 1:
            fates = ", ".join(f"{count} {status}" for status, count in ledger.counts().items())
            raise InputError(f"{config.source}: no video gave a clip ({fates}); {partial / LEDGER} says why of each")
        if not table.empty:
            contracts.check("clips", table, out / MANIFEST)
        write_table(partial / MANIFEST, table)
        _sweep(partial, table)
        ledger.close_run(outcome)
        return _measure(ledger, table)


def write_list(source: Source, config: Config, out: Path, part: str) -> dict[str, results.Value]:
    """Write the addresses of the source's videos as `list.csv` in `out`, continuing what a killed run listed.

    So that parts of a collection can share one listing: each would search anew. Returns how many videos there are.
    """
    share = Part.parse(part)
    with (
        resume_directory(out, _fingerprint(config, source, f"list {part}")) as partial,
        Ledger(partial / LEDGER) as ledger,
    ):
        try:
            _discover(source, ledger, config)
        except RefusedError as error:
            refusals = f"stopped after {config.max_refusals} refusals in a row: {error}"
            raise InputError(f"{refusals}; what was listed is kept in {partial}: run the same again later") from None
        videos = share.of(ledger.videos())
        lines = [line for video in videos for line in _lines(video)]
        if not lines:
            raise InputError(f"{config.source}: lists no video that has an address; name another source")
        (partial / LIST).write_text("\n".join(lines) + "\n")
    collector = Collector("collect")
    collector.add("videos", len(videos))
    return collector.values


def _plan(config: Config) -> ClipPlan:
    return ClipPlan(config.clip_s, config.max_clips_per_video, config.seed)


def _fingerprint(config: Config, source: Source, part: str) -> dict[str, Any]:
    """What decides the result: nothing begun under other terms is continued."""
    deciding = {key: value for key, value in asdict(config).items() if key not in _MANNERS}
    return {"version": leftright.__version__, "config": deciding, "source": source.identity(), "part": part}


def _discover(source: Source, ledger: Ledger, config: Config) -> None:
    """List the source's videos; a refused listing is taken up again, where it stopped, after a pause."""
    for count in range(config.max_refusals - 1):
        try:
            return source.discover(ledger)
        except RefusedError:
            time.sleep(_pause_s(config, count))
    return source.discover(ledger)


def _fetch_all(source: Source, ledger: Ledger, config: Config, directory: Path) -> None:
    """Try every video that is not settled yet, and write down what came of it. Raises RefusedError after too many refusals."""
    directory.mkdir(exist_ok=True)
    videos = ledger.to_try()
    num_refusals = 0
    harvests = _harvests(source, videos, _plan(config), directory)
    for harvest in tqdm(harvests, "collect", len(videos), unit="video", disable=None):
        ledger.record(harvest)
        num_refusals = num_refusals + 1 if harvest.status is Status.REFUSED else 0
        if num_refusals == config.max_refusals:
            raise RefusedError(harvest.detail)
        if num_refusals:
            time.sleep(_pause_s(config, num_refusals - 1))


def _harvests(source: Source, videos: list[Video], plan: ClipPlan, directory: Path) -> Iterator[Harvest]:
    if source.max_workers == 1:
        yield from (_fetch(source, video, plan, directory) for video in videos)
        return
    # Threads are enough: FFmpeg works outside Python's lock, and a killed run leaves no process behind.
    with ThreadPoolExecutor(source.max_workers) as pool:
        yield from pool.map(lambda video: _fetch(source, video, plan, directory), videos)


def _fetch(source: Source, video: Video, plan: ClipPlan, directory: Path) -> Harvest:
    """One video's harvest. A defect of ours that one odd video brings out does not end a collection of thousands.

    It is logged whole, and counted as `error` in the ledger.
    """
    try:
        return source.fetch(video, plan, directory)
    except (InputError, OSError):
        raise
    except Exception as error:
        logger.exception("%s: not foreseen", video.location)
        return Harvest(video, Status.ERROR, f"{type(error).__name__}: {error}")


def _pause_s(config: Config, count: int) -> float:
    """The pause after refusal `count` (from 0) in a row: doubling, five minutes at most."""
    return min(300.0, config.sleep_s * 2 ** (count + 1))


def _sweep(directory: Path, table: pd.DataFrame) -> None:
    """Remove what a killed run had begun to write and the ledger does not know."""
    known = set(table["path"])
    for path in (directory / "clips").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.relative_to(directory).as_posix() not in known:
            path.unlink()


def _measure(ledger: Ledger, table: pd.DataFrame) -> dict[str, results.Value]:
    """The stage's numbers: videos, clips, bytes, and videos by status."""
    counts = ledger.counts()
    collector = Collector("collect")
    total = sum(counts.values())
    collector.add("videos", total)
    collector.add("clips", len(table))
    collector.add("bytes", int(table["bytes"].sum()))
    for status in Status:
        collector.add(f"status.{status}", counts.get(status, 0), n=total)
    return collector.values


def _dry_run(source: Source, config: Config, part: Part) -> dict[str, results.Value]:
    """Print the videos that would be fetched, as a list that the source `urls` reads, with the clips and megabytes of each."""
    with Ledger(":memory:") as ledger:
        try:
            _discover(source, ledger, config)
        except RefusedError as error:
            raise InputError(
                f"stopped after {config.max_refusals} refusals in a row: {error}; try again later"
            ) from None
        videos = part.of(ledger.videos())
    weights = [source.weigh(video, _plan(config)) for video in videos]
    for video, weight in zip(videos, weights, strict=True):
        length = f"{video.duration_s:.0f} s" if video.duration_s else "unknown length"
        print(f"# {video.video}: {video.title} ({length}): {weight.num_clips} clips, {weight.num_bytes / 1e6:.1f} MB")
        for line in _lines(video):
            print(line)
    num_clips, num_bytes = sum(weight.num_clips for weight in weights), sum(weight.num_bytes for weight in weights)
    print(f"# {len(videos)} videos, {num_clips} clips, about {num_bytes / 1e6:.1f} MB")
    collector = Collector("collect")
    for key, value in (("videos", len(videos)), ("clips", num_clips), ("bytes", num_bytes)):
        collector.add(key, value)
    return collector.values


def _lines(video: Video) -> list[str]:
    """A video's lines in the list: its address, with each span where it has any. A local file has none."""
    if "://" not in video.location:
        return []
    return [f"{video.location},{start:g},{end:g}" for start, end in video.spans_s] or [video.location]
