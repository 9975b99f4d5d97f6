"""What computing a batch's ambisonic features window by window buys on a CPU, against the whole batch at once.

    python benchmarks/sphere_features.py [params.yaml] [--repeats 8]

Both ways are timed in turns in this one process, in one thread, on noise; it prints the medians and their ratio.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
import yaml

from leftright.audio import SAMPLE_RATE
from leftright.models.sound_field import SoundFieldFeatures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("params", nargs="?", type=Path, default=Path("params.yaml"))
    parser.add_argument("--repeats", type=int, default=8)
    arguments = parser.parse_args()
    config = yaml.safe_load(arguments.params.read_text())["evaluate360"]
    torch.set_num_threads(1)
    features = SoundFieldFeatures(config["num_bands"], "all")
    waveform = 0.1 * torch.randn(config["batch_size"], 4, round(config["window_s"] * SAMPLE_RATE))
    ways = {"window by window": features.forward, "the whole batch": features.at_once}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.repeats + 1):
        for name, way in ways.items():
            begin = time.perf_counter()
            way(waveform)
            seconds[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}  # the first warms up
    for name, median in medians.items():
        print(f"{name}: {median:.3f} s for {len(waveform)} windows")
    print(f"ratio: {medians['the whole batch'] / medians['window by window']:.1f}")


if __name__ == "__main__":
    main()
