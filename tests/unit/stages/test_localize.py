"""Localize finds what was planted: a square whose side the sound shares, heard and seen by a model made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from leftright.clips import write_table
from leftright.data import shards
from leftright.errors import InputError
from leftright.models import Architecture, AudioVisualNetwork, WindowGeometry, save_model
from leftright.stages import localize

SIZE, SQUARE, FRAME_RATE, SAMPLE_RATE = 40, 6, 6.0, 16_000
CONFIG = localize.Config(
    split="channel",
    windows_per_clip=2,
    fit_windows=20,
    cca_ridge=0.01,
    mask_px=42,  # 6 of the 32 px crop
    mask_stride_px=21,
    mask_shape="column",
    frames_per_batch=64,
    num_threads=1,
    num_examples=2,
    num_resamples=100,
    seed=0,
)


TINY = Architecture(
    audio_channels=2,
    n_mels=16,
    audio_width=2,
    audio_features=4,
    visual_width=2,
    visual_blocks=1,
    visual_stem="conv",
    visual_reduced=2,
    fusion="flatten",
    fusion_features=4,
)


class PlantedModel(nn.Module):
    """Knows from the start what the flip task teaches: the louder side and the bright side ought to be one.

    Its audio embedding holds the level difference along a slanted direction, and loudness, which says nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.geometry = WindowGeometry(duration_s=0.5, frame_rate=FRAME_RATE, frame_step=1, crop=32)

    def audio_embedding(self, waveform: Tensor) -> Tensor:
        levels = 10 * torch.log10(waveform.square().mean(dim=-1) + 1e-10)
        difference, loudness = levels[:, 1] - levels[:, 0], levels.mean(dim=1)
        features = torch.stack([-0.8 * difference, 0.6 * difference, 0.01 * loudness], dim=1)
        return features.unsqueeze(-1).expand(-1, -1, 4)

    def visual_embedding(self, frames: Tensor) -> Tensor:
        bright = torch.relu(frames.mean(dim=2) - 0.6).sum(dim=2)
        x = torch.linspace(-1, 1, bright.shape[-1])
        return (bright * x).sum(dim=-1).unsqueeze(1)

    def fusion(self, audio: Tensor, visual: Tensor) -> Tensor:
        difference = -0.8 * audio[:, 0] + 0.6 * audio[:, 1]
        return -(difference.mean(dim=-1) * visual.mean(dim=(1, 2)))


def clip_of(x: float, generator: np.random.Generator, *, heard_x: float | None = None):
    """Two seconds of a bright square at picture fraction `x`, jittering, and noise as loud at the sides as `heard_x` says."""
    frames = generator.integers(70, 90, (12, 3, SIZE, SIZE), dtype=np.uint8)
    for frame in frames:
        left = round(x * SIZE - SQUARE / 2) + int(generator.integers(0, 2))
        top = int(generator.integers(12, 16))
        frame[:, top : top + SQUARE, left : left + SQUARE] = 250
    level_db = 24 * ((x if heard_x is None else heard_x) - 0.5)
    gains = 10 ** (np.array([[-level_db], [level_db]]) / 40)
    noise = 1500 * generator.normal(size=2 * SAMPLE_RATE) * 10 ** (generator.normal() / 4)
    return frames, (gains * noise).clip(-32768, 32767).astype(np.int16)


def write_world(directory: Path, *, num_channels: int = 6, videos_each: int = 3, coherent: bool = True) -> Path:
    """Shards of channels whose squares stay on one side of the picture; a third of the channels is for training."""
    directory.mkdir(parents=True)
    generator = np.random.default_rng(0)
    rows = []
    with (directory / "shard-00000.tar").open("wb") as stream, shards.ShardWriter(stream) as writer:
        for channel in range(num_channels):
            for video in range(videos_each):
                x = float(generator.uniform(0.25, 0.75))
                frames, waveform = clip_of(
                    x, generator, heard_x=None if coherent else float(generator.uniform(0.25, 0.75))
                )
                name = f"ch{channel:03d}v{video:02d}"
                split = "train" if channel % 3 == 0 else "test"
                metadata = {
                    "video": name,
                    "channel": f"ch{channel:03d}",
                    "split_channel": split,
                    "split_video": "test" if video == 0 else "train",
                    "frame_rate": FRAME_RATE,
                    "height": SIZE,
                    "width": SIZE,
                    "sample_rate": SAMPLE_RATE,
                }
                jpegs = [shards.encode_jpeg(frame.transpose(1, 2, 0), 95) for frame in frames]
                packed = shards.PackedClip(f"{name}_0_2000", metadata, waveform, jpegs)
                rows.append({**metadata, **writer.add(packed), "shard": "shard-00000.tar"})
    size = (directory / "shard-00000.tar").stat().st_size
    write_table(directory / shards.INDEX, pd.DataFrame(rows).assign(shard_bytes=size))
    return directory


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world") / "pack")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Several threads only wait for one another in networks as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def judge_of(world, config=CONFIG, model=None):
    return localize.Judge(model or PlantedModel(), shards.ShardReader([world]), config)


def examine(world, config=CONFIG, model=None):
    """The judged windows and the numbers, without drawing."""
    windows = localize.examine(judge_of(world, config, model), world).table
    return windows, localize.measure(windows, config)


def run(tmp_path, world, config=CONFIG):
    return localize.run(
        config,
        shards=(world,),
        models=(tmp_path / "model.pt",),
        out=tmp_path / "out",
        metrics=tmp_path / "localize.json",
    )


@pytest.fixture(scope="module")
def found(world):
    """Windows and numbers of the coherent world."""
    return examine(world)


def test_everything_that_was_planted_is_found(found):
    _, values = found
    for name in ("pca", "cca", "roi"):
        assert values[f"localize.{name}.pearson"].value > 0.9, name
        assert values[f"localize.{name}.spearman"].value > 0.9, name
    assert values["localize.roi_soft.pearson"].value > 0.9
    assert values["localize.roi_minus_sound_prior.pearson"].low > 0


def test_it_judges_held_out_channels_alone_and_counts_them(found):
    windows, values = found
    assert set(windows["channel"]) == {"ch001", "ch002", "ch004", "ch005"}
    assert len(windows) == 4 * 3 * 2
    counts = {name: values[f"localize.{name}"].value for name in ("windows", "videos", "channels")}
    assert counts == {"windows": 24, "videos": 12, "channels": 4}
    assert values["localize.roi.pearson"].n == 24


def test_signs_by_physics(found):
    """Where the right channel is louder everything that tells right from left is larger."""
    windows, _ = found
    right, left = windows[windows["led_db"] > 2], windows[windows["led_db"] < -2]
    assert len(right)
    assert len(left)
    assert right["roi_x"].min() > 0.5 > left["roi_x"].max()
    assert right["pca"].min() > left["pca"].max()
    assert right["cca"].min() > left["cca"].max()


def test_the_region_is_given_in_the_whole_picture(found):
    """The square's centre in the 40 px picture, though the model saw 32 of them."""
    windows, _ = found
    x = 0.5 + windows["led_db"] / 24
    assert np.abs(windows["roi_x"] - x).max() < 0.1


def test_the_model_is_right_about_both_orientations(found):
    windows, _ = found
    assert (windows["logit"] < 0).mean() > 0.9
    np.testing.assert_allclose(windows["logit_swapped"], -windows["logit"], rtol=1e-3, atol=1e-3)


def test_the_priors_come_from_other_videos_of_the_channel(found):
    videos = found[0].groupby("video").agg({"led_db": "mean", "channel": "first", "sound_prior": "first"})
    for video, row in videos.iterrows():
        others = videos[(videos["channel"] == row["channel"]) & (videos.index != video)]
        assert row["sound_prior"] == pytest.approx(others["led_db"].mean(), abs=0.5)


def test_where_sight_and_sound_disagree_the_region_has_no_correlation(tmp_path):
    _, values = examine(write_world(tmp_path / "pack", num_channels=12, coherent=False))
    assert values["localize.cca.pearson"].value > 0.9
    assert values["localize.roi.pearson"].low < 0.1


def test_projections_are_fitted_to_other_videos(found, world, monkeypatch):
    """Other sounds in the judged videos change what is judged, and never the axes."""
    original = localize.Judge.hear

    def hear(judge, windows):
        sounds = original(judge, windows)
        is_judged = judge.reader.index["split_channel"].iloc[[window.row for window in windows]].eq("test").to_numpy()
        return replace(sounds, led_db=np.where(is_judged, -sounds.led_db, sounds.led_db))

    monkeypatch.setattr(localize.Judge, "hear", hear)
    turned, values = examine(world)
    np.testing.assert_allclose(turned["cca"], found[0]["cca"])
    np.testing.assert_allclose(turned["pca"], found[0]["pca"])
    assert values["localize.cca.pearson"].value < -0.9


def test_no_judged_video_is_fitted_to(world):
    index = shards.ShardReader([world]).index
    twin = index[index["video"] == "ch001v00"].assign(clip="ch001v00_2000_4000", split_channel="train")
    judged, fitting = localize._split(pd.concat([index, twin], ignore_index=True), "channel", world)
    assert len(judged) == 12
    assert len(index) not in fitting


def test_with_the_split_by_video_the_priors_are_the_papers(world):
    windows, values = examine(world, replace(CONFIG, split="video", windows_per_clip=1))
    assert windows["video"].str.endswith("v00").all()
    assert values["localize.sound_prior.pearson"].n == 6


def test_squares_find_it_too(world):
    _, values = examine(world, replace(CONFIG, mask_shape="square", windows_per_clip=1))
    assert values["localize.roi.pearson"].value > 0.9


@pytest.mark.parametrize(
    ("split", "message"),
    [("scene", "lacks the column split_scene"), ("channel", "no clip has split_channel train or val")],
)
def test_shards_that_cannot_be_judged_are_named(world, tmp_path, split, message):
    directory = tmp_path / "pack"
    directory.mkdir()
    (directory / "shard-00000.tar").write_bytes((world / "shard-00000.tar").read_bytes())
    index = pd.read_parquet(world / shards.INDEX)
    write_table(directory / shards.INDEX, index.assign(split_channel="test"))
    with pytest.raises(InputError, match=message) as caught:
        examine(directory, replace(CONFIG, split=split))
    assert str(directory) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_window_longer_than_every_clip_is_said_to_be(world):
    model = PlantedModel()
    model.geometry = replace(model.geometry, duration_s=9.0)
    with pytest.raises(InputError, match=r"windows of 9\.0 s, as the model sees, fit into too few clips"):
        examine(world, model=model)


@pytest.fixture(scope="module")
def finished(world, tmp_path_factory):
    """The whole stage with an untrained network of every real part: its directory and its outcome."""
    directory = tmp_path_factory.mktemp("finished")
    save_untrained(directory, "flip")
    return directory, run(directory, world)


def save_untrained(directory, task):
    torch.manual_seed(0)
    save_model(directory / "model.pt", AudioVisualNetwork(TINY, PlantedModel().geometry), task, {})


def test_all_numbers_of_an_untrained_model_are_there_and_in_bounds(finished):
    directory, outcome = finished
    for name in ("pca", "cca", "roi", "sound_prior"):
        value = outcome.values[f"localize.{name}.pearson"]
        assert -1 <= value.low <= value.value <= value.high <= 1
    windows = pd.read_parquet(directory / "out" / localize.WINDOWS)
    assert np.isfinite(windows[["logit", "logit_swapped", "pca", "cca", "roi_x"]]).all(axis=None)
    assert windows["logit"].nunique() > 1


def test_files_and_figures(finished):
    directory, outcome = finished
    written = json.loads((directory / "localize.json").read_text())
    assert written["localize.roi.pearson"]["n"] == 24
    assert written["localize.fit_windows"]["value"] == 20
    assert {path.name for path in outcome.figures} == {
        "embeddings.png",
        "correlations.png",
        "predictions.png",
        "regions.png",
    }
    assert all(path.is_file() and path.stat().st_size > 10_000 for path in outcome.figures)
    assert not (directory / "out.partial").exists()


def test_the_same_run_gives_the_same_bytes(finished, world, tmp_path):
    directory, outcome = finished
    save_untrained(tmp_path, "flip")
    run(tmp_path, world)
    for name in ("localize.json", "out/windows.parquet", *(f"out/figures/{path.name}" for path in outcome.figures)):
        assert (tmp_path / name).read_bytes() == (directory / name).read_bytes(), name


def test_a_model_of_another_task_is_not_taken_for_one_of_flip(world, tmp_path):
    save_untrained(tmp_path, "shift")
    with pytest.raises(InputError, match=r"model\.pt: no model of the task flip; run pretrain with it among its tasks"):
        run(tmp_path, world)


def test_a_missing_model_is_named(world, tmp_path):
    with pytest.raises(InputError, match=r"model\.pt: no model of the task flip"):
        run(tmp_path, world)


def test_of_several_parts_of_pretrain_the_one_with_the_flip_model_is_judged(finished, world, tmp_path):
    """A pipeline hands in a directory a task, in no order, some of them empty."""
    for task in ("shift", "flip"):
        save_untrained(tmp_path / task / task, task)
    (tmp_path / "empty").mkdir()
    places = tuple(tmp_path / name for name in ("empty", "shift", "flip"))
    out = {"out": tmp_path / "out", "metrics": tmp_path / "localize.json"}
    outcome = localize.run(CONFIG, shards=(world,), models=places, **out)
    assert dict(outcome.values) == dict(finished[1].values)
