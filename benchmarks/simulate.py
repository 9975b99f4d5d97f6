"""How fast the world is rendered, against real time, and by two processes against one.

    python benchmarks/simulate.py [--sphere]

Both ratios come from runs in this one process, on the same videos, with the default parameters of `params.yaml`.
"""

import argparse
import functools
import tempfile
import time
from dataclasses import fields
from pathlib import Path

import yaml

from leftright.parallel import process_map
from leftright.simulation import faults
from leftright.simulation.parameters import WorldParameters
from leftright.simulation.sphere import SphereVideo, make_sphere_video, plan_sphere
from leftright.simulation.world import Video, make_video, plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="default: %(default)s")
    parser.add_argument("--videos", type=int, default=12, help="videos to render (default: %(default)s)")
    parser.add_argument("--sphere", action="store_true", help="render 360 videos instead of stereo ones")
    arguments = parser.parse_args()
    section = yaml.safe_load(arguments.params.read_text())["simulate"]
    world = WorldParameters(**{field.name: section[field.name] for field in fields(WorldParameters)})
    stereo = [video for video in plan(world) if video.fault == faults.NONE]
    videos = (list(plan_sphere(world)) if arguments.sphere else stereo)[: arguments.videos]
    with tempfile.TemporaryDirectory() as directory:
        render = functools.partial(duration_of, world, Path(directory))
        list(process_map(render, videos[:2], 2))  # starts the processes' server, so that neither run pays for it
        duration_s, alone_s = timed(render, videos, 1)
        _, together_s = timed(render, videos, 2)
    size, rate = f"{world.width}x{world.height}", world.frame_rate
    if arguments.sphere:
        size, rate = f"{world.sphere_width}x{world.sphere_width // 2}", world.sphere_frame_rate
    print(f"{len(videos)} videos, {duration_s:.0f} s of {size} at {rate} pictures a second")
    print(f"one process    {duration_s / alone_s:6.1f} times real time")
    print(f"two processes  {duration_s / together_s:6.1f} times real time")
    print(f"ratio          {alone_s / together_s:6.2f}")


def duration_of(world: WorldParameters, directory: Path, video: Video | SphereVideo) -> float:
    make = make_video if isinstance(video, Video) else make_sphere_video
    truth, _ = make(world, video, directory)
    return float(truth["duration_s"].item())


def timed(render: functools.partial[float], videos: list[Video | SphereVideo], num_workers: int) -> tuple[float, float]:
    """Seconds of video made, and seconds that it took."""
    start = time.perf_counter()
    duration_s = sum(process_map(render, videos, num_workers))
    return duration_s, time.perf_counter() - start


if __name__ == "__main__":
    main()
