"""What a training step of the rotation task costs on a CPU, and what two choices in it buy.

    python benchmarks/sphere_step.py [params.yaml] [--repeats 8]

Each choice is timed against its opposite in turns in this one process, in one thread, on noise: ambisonic features window by
window against the whole batch at once, and channels-last against contiguous memory. It prints the medians and their ratios.
"""

import argparse
from pathlib import Path

import torch
import yaml
from timing import in_turns, report

from leftright.audio import PCM_FULL_SCALE
from leftright.data.sphere_windows import SphereBatch
from leftright.models import WindowGeometry
from leftright.models.sphere_network import SphereNetwork
from leftright.stages.evaluate360 import Config, network_of
from leftright.training import loop
from leftright.training.rotation import logits_and_labels
from leftright.training.sphere_variants import variant_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("params", nargs="?", type=Path, default=Path("params.yaml"))
    parser.add_argument("--repeats", type=int, default=8)
    arguments = parser.parse_args()
    config = Config(**yaml.safe_load(arguments.params.read_text())["evaluate360"])
    torch.set_num_threads(1)
    geometry = WindowGeometry(config.window_s, config.sphere_frame_rate, config.frame_step, config.sphere_height)
    contiguous, channels_last = (network_of(config, variant_of("full"), geometry) for _ in range(2))
    channels_last.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch = noise(config.batch_size, geometry)
    waveform = torch.as_tensor(batch.waveform) / PCM_FULL_SCALE
    features = contiguous.features
    each, whole = in_turns(arguments.repeats, lambda: features(waveform), lambda: features.at_once(waveform))
    report("features window by window", each, "the whole batch", whole)
    last, first = in_turns(arguments.repeats, lambda: step(channels_last, batch), lambda: step(contiguous, batch))
    report("a step in channels-last memory", last, "contiguous", first)


def noise(num_windows: int, geometry: WindowGeometry) -> SphereBatch:
    shape = num_windows, geometry.num_frames, 3, geometry.crop, 2 * geometry.crop
    sound = torch.randint(-3000, 3000, (num_windows, 4, geometry.num_samples), dtype=torch.int16)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8)
    never = torch.zeros(num_windows, dtype=torch.bool)
    columns, theta = torch.zeros(num_windows, dtype=torch.long), torch.full((num_windows,), torch.pi)
    return SphereBatch(
        sound, pictures, torch.ones(num_windows, 3), torch.zeros(num_windows, 3), never, columns, theta, never
    )


def step(network: SphereNetwork, batch: SphereBatch) -> None:
    loop.recognition(*logits_and_labels(network, batch, "paired"))["loss"].backward()


if __name__ == "__main__":
    main()
