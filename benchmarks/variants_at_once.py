"""How much faster two variants of `finetune` train side by side, a thread each, than one after the other with two threads.

    python benchmarks/variants_at_once.py [--steps 20]

Prints a ratio a task: above 1, side by side is faster. The networks are those of params.yaml, the items are noise.
"""

import argparse
import statistics
import time
from functools import partial
from pathlib import Path

import torch
import yaml

from leftright.models import Architecture, WindowGeometry
from leftright.models.downstream import Head, build
from leftright.parallel import process_map

ROOT = Path(__file__).parents[1]
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20, help="steps of the optimiser in each measurement")
    num_steps = parser.parse_args().steps
    for task in ("track", "spatialize", "separate"):
        together, apart = [], []
        for _ in range(ROUNDS):  # in turns, since the machine may be shared
            together.append(sum_of_two(task, num_steps, num_at_once=2, num_threads=1))
            apart.append(sum_of_two(task, num_steps, num_at_once=1, num_threads=2))
        ratio = statistics.median(apart) / statistics.median(together)
        print(
            f"{task}: side by side {statistics.median(together):.2f} s, in turn {statistics.median(apart):.2f} s: {ratio:.2f}"
        )


def sum_of_two(task: str, num_steps: int, *, num_at_once: int, num_threads: int) -> float:
    """Seconds that two trainings of `num_steps` take, without the processes' start."""
    train = partial(trained_s, task=task, num_steps=num_steps, num_threads=num_threads)
    spans = list(process_map(train, [0, 1], num_at_once, preload=("torch",)))
    return max(spans) if num_at_once > 1 else sum(spans)


def trained_s(seed: int, *, task: str, num_steps: int, num_threads: int) -> float:
    """Seconds of `num_steps` forward and backward passes, after one that is not counted."""
    torch.set_num_threads(num_threads)
    torch.manual_seed(seed)
    step = step_of(task)
    step()
    begun = time.perf_counter()
    for _ in range(num_steps):
        step()
    return time.perf_counter() - begun


def step_of(task: str):  # noqa: ANN201
    """One forward and backward pass of a task's network on noise."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    pretrain, finetune = params["pretrain"], params["finetune"]
    names = (
        "n_mels",
        "audio_width",
        "audio_features",
        "visual_width",
        "visual_blocks",
        "visual_stem",
        "visual_reduced",
    )
    sizes = {name: pretrain[name] for name in names}
    architecture = Architecture(2, fusion="flatten", fusion_features=pretrain["fusion_features"], **sizes)
    batch_size = finetune[f"{task}_batch_size"] * (2 if task == "separate" else 1)
    if task == "track":
        geometry = WindowGeometry(finetune["track_window_s"], params["pack"]["frame_rate"], 1, pretrain["crop"])
        network = build(task, architecture, geometry, Head("both", finetune["track_width"], ((0.2, 0.4),) * 8))
        frames = torch.rand(batch_size, 3, geometry.crop, geometry.crop)
        boxes = torch.tensor([0.3, 0.3, 0.5, 0.7]).expand(batch_size, -1)
    else:
        geometry = WindowGeometry(
            finetune["window_s"], params["pack"]["frame_rate"], finetune["frame_step"], pretrain["crop"]
        )
        network = build(task, architecture, geometry, Head("both", finetune["unet_width"]))
        frames = torch.rand(batch_size, geometry.num_frames, 3, geometry.crop, geometry.crop)
    waveform = 0.1 * torch.randn(batch_size, 2, geometry.num_samples)

    def step() -> None:
        if task == "track":
            network.loss(waveform, frames, boxes).backward()
        elif task == "spatialize":
            predicted, true = network.spectra(waveform, frames)
            (predicted - true).abs().mean().backward()
        else:
            network(waveform[: batch_size // 2], frames.unflatten(0, (-1, 2))).mean().backward()

    return step


if __name__ == "__main__":
    main()
