"""What a training step costs, and what each choice in it buys.

    python benchmarks/train_step.py [--params params.yaml] [--steps 20]

Every choice is timed against its opposite in this one process, in turns, on windows of noise that are packed for the purpose:
paired against drawn orientations, channels-last against contiguous memory, one thread against all, and reading a batch (frames
kept in memory, or decoded each time) against computing its step. It prints the medians and their ratios.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from timing import in_turns, report
from torch.nn import functional as F
from torch.optim import AdamW

from leftright import audio
from leftright.clips import write_table
from leftright.data import shards
from leftright.data.augmentation import AugmentationRange
from leftright.data.shards import ShardReader
from leftright.data.windows import Batch, ClipStore, StepLoader, StepSampler, TrainingWindows, window_geometry
from leftright.models import Architecture, AudioVisualNetwork
from leftright.stages import pretrain
from leftright.training import flip

NUM_CLIPS, CLIP_S, FRAME_RATE = 16, 10, 6.0


def main() -> None:
    arguments = _arguments()
    config = pretrain.Config(**yaml.safe_load(arguments.params.read_text())["pretrain"])
    with tempfile.TemporaryDirectory() as directory:
        reader = write_noise(Path(directory), frame_size=-(-config.crop // 8) * 8 + 8)
        batches = iter(loader(reader, replace(config, cache_mb=0), arguments.steps + 1))
        batch = next(batches)
        print(
            f"{config.batch_size} windows a step, {sum(map(torch.numel, network(config, reader).parameters())):,} weights"
        )
        compare_orientations(config, reader, batch, arguments.steps)
        compare_memory(config, reader, batch, arguments.steps)
        compare_threads(config, reader, batch, arguments.steps)
        compare_reading(config, reader, batch, arguments.steps)


def compare_orientations(config: pretrain.Config, reader: ShardReader, batch: Batch, num_steps: int) -> None:
    paired, drawn = (step_of(replace(config, orientations=name), reader, batch) for name in ("paired", "drawn"))
    paired_s, drawn_s = in_turns(num_steps, paired, drawn)
    report("paired orientations", paired_s, "drawn", drawn_s)
    per_example = drawn_s / (paired_s / 4)
    print(
        f"  of paired, {4 * config.batch_size / paired_s:.0f} examples a second: {per_example:.2f} times as many as of drawn"
    )


def compare_memory(config: pretrain.Config, reader: ShardReader, batch: Batch, num_steps: int) -> None:
    formats = ("channels_last", "contiguous")
    last_s, contiguous_s = in_turns(
        num_steps, *(step_of(replace(config, memory_format=name), reader, batch) for name in formats)
    )
    report("channels-last memory", last_s, "contiguous", contiguous_s)


def compare_threads(config: pretrain.Config, reader: ShardReader, batch: Batch, num_steps: int) -> None:
    step, all_threads = step_of(config, reader, batch), torch.get_num_threads()

    def with_threads(count: int) -> Callable[[], None]:
        def timed() -> None:
            torch.set_num_threads(count)
            step()

        return timed

    all_s, one_s = in_turns(num_steps, with_threads(all_threads), with_threads(1))
    torch.set_num_threads(all_threads)
    report(f"{all_threads} threads", all_s, "1 thread", one_s)


def compare_reading(config: pretrain.Config, reader: ShardReader, batch: Batch, num_steps: int) -> None:
    kept, decoded = (
        iter(loader(reader, replace(config, cache_mb=megabytes), 2 * num_steps + 20)) for megabytes in (1024, 0)
    )
    for _ in range(-(-NUM_CLIPS // config.batch_size)):
        next(kept)  # the first look at each clip decodes it
    kept_s, decoded_s, step_s = in_turns(
        num_steps, lambda: next(kept), lambda: next(decoded), step_of(config, reader, batch)
    )
    report("reading from memory", kept_s, "decoding", decoded_s)
    print(
        f"  a step takes {step_s * 1e3:.1f} ms: {step_s / kept_s:.1f} times the reading, {step_s / decoded_s:.1f} the decoding"
    )


def step_of(config: pretrain.Config, reader: ShardReader, batch: Batch) -> Callable[[], None]:
    """One step of the optimiser on a batch."""
    model = network(config, reader)
    if config.memory_format == "channels_last":
        model.to(memory_format=torch.channels_last)
    optimizer = AdamW(model.parameters(), config.learning_rate, fused=True)

    def step() -> None:
        logits, labels = flip.logits_and_labels(model, batch, config.orientations)
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(logits, labels).backward()
        optimizer.step()

    return step


def network(config: pretrain.Config, reader: ShardReader) -> AudioVisualNetwork:
    torch.manual_seed(0)
    geometry = window_geometry(reader, config.window_s, config.frame_step, config.crop)
    fields = Architecture.__dataclass_fields__.keys() - {"audio_channels", "fusion"}
    sizes = {name: getattr(config, name) for name in fields}
    # Of the flip task, which is what is timed.
    fusion = "flatten" if config.fusion == "by_task" else config.fusion
    return AudioVisualNetwork(Architecture(audio_channels=2, fusion=fusion, **sizes), geometry)


def loader(reader: ShardReader, config: pretrain.Config, num_steps: int) -> StepLoader:
    geometry = window_geometry(reader, config.window_s, config.frame_step, config.crop)
    ranges = AugmentationRange(config.contrast, config.brightness, config.colour)
    windows = TrainingWindows(ClipStore(reader, geometry, config.cache_mb), range(NUM_CLIPS), ranges, seed=0)
    return StepLoader(windows, StepSampler(num_steps, config.batch_size, 0, 1), num_workers=0)


def write_noise(directory: Path, frame_size: int) -> ShardReader:
    """Shards of noise, frames of `frame_size` pixels: their content does not matter, their size does."""
    generator, rows, path = np.random.default_rng(0), [], directory / "shard-00000.tar"
    size = {"frame_rate": FRAME_RATE, "height": frame_size, "width": frame_size, "sample_rate": 16_000}
    with path.open("wb") as stream, shards.ShardWriter(stream) as writer:
        for number in range(NUM_CLIPS):
            frames = generator.integers(
                0, 256, (round(CLIP_S * FRAME_RATE), frame_size // 8, frame_size // 8, 3), np.uint8
            )
            jpegs = [shards.encode_jpeg(frame.repeat(8, axis=0).repeat(8, axis=1), 95) for frame in frames]
            waveform = audio.to_pcm(0.1 * generator.standard_normal((2, CLIP_S * 16_000)))
            added = writer.add(shards.PackedClip(f"clip{number}", {}, waveform, jpegs))
            rows.append({**added, **size, "video": f"v{number}", "channel": "c", "shard": path.name})
    write_table(directory / shards.INDEX, pd.DataFrame(rows).assign(shard_bytes=path.stat().st_size))
    return ShardReader([directory])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="configuration (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=20, help="timed steps of each (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
