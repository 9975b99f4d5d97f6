"""What a training step of the rotation task costs on a CPU, and what two choices in it buy.

    python benchmarks/sphere_step.py [params.yaml] [--repeats 8]

Each choice is timed against its opposite in turns in this one process, in one thread, on noise: ambisonic features window by
window against the whole batch at once, and channels-last against contiguous memory. It prints the medians and their ratios.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import yaml

from leftright.audio import PCM_FULL_SCALE
from leftright.data.sphere_windows import SphereBatch
from leftright.models import Architecture, WindowGeometry
from leftright.models.sphere_network import Sphere, SphereNetwork
from leftright.stages.evaluate360 import Config
from leftright.training.rotation import logits_and_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("params", nargs="?", type=Path, default=Path("params.yaml"))
    parser.add_argument("--repeats", type=int, default=8)
    arguments = parser.parse_args()
    config = Config(**yaml.safe_load(arguments.params.read_text())["evaluate360"])
    torch.set_num_threads(1)
    geometry = WindowGeometry(config.window_s, config.sphere_frame_rate, config.frame_step, config.sphere_height)
    batch = noise(config.batch_size, geometry)
    network, other = (made(config, geometry) for _ in range(2))
    waveform = torch.as_tensor(batch.waveform) / PCM_FULL_SCALE
    features = network.features
    compare(
        arguments.repeats,
        ("features window by window", lambda: features(waveform)),
        ("the whole batch", lambda: features.at_once(waveform)),
    )
    other.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    compare(
        arguments.repeats,
        ("a step in channels-last memory", lambda: step(other, batch)),
        ("contiguous", lambda: step(network, batch)),
    )


def made(config: Config, geometry: WindowGeometry) -> SphereNetwork:
    sizes = config.num_bands, config.audio_width, config.audio_features, config.visual_width, config.visual_blocks
    visual = config.visual_stem, config.visual_reduced, "flatten", config.fusion_features
    architecture = Architecture(4, *sizes, *visual)  # type: ignore[arg-type]
    sphere = Sphere("all", wraps=config.edges == "meet", normalises=config.audio_norm == "batch")
    return SphereNetwork(architecture, geometry, sphere)


def noise(num_windows: int, geometry: WindowGeometry) -> SphereBatch:
    shape = num_windows, geometry.num_frames, 3, geometry.crop, 2 * geometry.crop
    plain = torch.ones(num_windows, 3), torch.zeros(num_windows, 3), torch.zeros(num_windows, dtype=torch.bool)
    turns = torch.zeros(num_windows, dtype=torch.long), torch.full((num_windows,), torch.pi)
    sound = torch.randint(-3000, 3000, (num_windows, 4, geometry.num_samples), dtype=torch.int16)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8)
    return SphereBatch(sound, pictures, *plain, *turns, torch.zeros(num_windows, dtype=torch.bool))


def step(network: SphereNetwork, batch: SphereBatch) -> None:
    logits, labels = logits_and_labels(network, batch, "paired")
    torch.nn.functional.binary_cross_entropy_with_logits(logits, labels).backward()


def compare(repeats: int, chosen: tuple[str, Callable[[], object]], opposite: tuple[str, Callable[[], object]]) -> None:
    seconds: dict[str, list[float]] = {chosen[0]: [], opposite[0]: []}
    for _ in range(repeats + 1):
        for name, work in (chosen, opposite):
            begin = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}  # the first warms up
    fast, slow = medians[chosen[0]], medians[opposite[0]]
    print(f"{chosen[0]}: {fast:.3f} s; {opposite[0]}: {slow:.3f} s; {slow / fast:.2f} times as long")


if __name__ == "__main__":
    main()
