"""Evaluate360 on clips of a square that sounds: checked, packed, trained, judged; in any order and after being killed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from leftright import results
from leftright.clips import MANIFEST
from leftright.errors import InputError
from leftright.models.sphere_file import load_sphere
from leftright.stages import evaluate360
from tests.one_thread import one_thread
from tests.pretrain_runs import KilledError, files_in
from tests.sphere_clips import HEIGHT, write_collected

__all__ = ["one_thread"]

CONFIG = evaluate360.Config(
    layout="declared",
    silent_db=-65.0,
    copied_db=-8.0,
    absent_db=-50.0,
    order_db=-10.0,
    strong_db=-10.0,
    fuma_db=1.5,
    n3d_db=3.9,
    impossible_db=7.0,
    sphere_frame_rate=5.0,
    sphere_height=HEIGHT,
    sphere_jpeg_quality=95,
    sphere_workers=1,
    seed=0,
    split="video",
    val_share=0.25,
    test_share=0.35,
    variants=("full", "supervised", "no_w", "no_xyz", "short", "harder"),
    supervised_weights="torchvision",
    window_s=1.0,
    short_window_s=0.5,
    frame_step=2,
    num_bands=16,
    audio_width=4,
    audio_features=8,
    audio_norm="batch",
    visual_width=4,
    visual_blocks=1,
    visual_stem="conv",
    visual_reduced=4,
    fusion_features=16,
    edges="meet",
    min_turn=0.95,
    max_turn=1.05,
    min_turn_harder=0.25,
    max_turn_harder=1.75,
    orientations="paired",
    mirror="half",
    num_steps=4,
    batch_size=4,
    learning_rate=0.01,
    warmup_steps=1,
    weight_decay=0.0,
    max_gradient_norm=0.0,
    average_decay=0.5,
    contrast=0.1,
    brightness=0.1,
    colour=0.1,
    eval_steps=2,
    windows_per_clip=2,
    num_rotations=8,
    consensus="odds",
    min_event_s=0.5,
    num_overlays=1,
    overlay_window_s=0.5,
    num_resamples=20,
    checkpoint_steps=100,
    accelerator="cpu",
    precision="float32",
    memory_format="contiguous",
    num_threads=1,
    num_variants_at_once=1,
    num_workers=0,
    cache_mb=16,
)
FULL = replace(CONFIG, variants=("full",))


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    return write_collected(tmp_path_factory.mktemp("world") / "collect", num_videos=12)


def run(config: evaluate360.Config, collected: Path, directory: Path, **given):
    paths = {"out": directory / "evaluate360", "metrics": directory / "evaluate360.json"}
    return evaluate360.run(config, clips=(collected,), **paths, **given)


@pytest.fixture(scope="module")
def everything(collected, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("everything")
    run(CONFIG, collected, directory)
    return directory


def test_tracking_gets_figures_and_tables_and_no_model_that_it_could_not_serve(collected, tmp_path):
    outcome = run(replace(FULL, num_steps=1, eval_steps=1), collected, tmp_path)
    assert outcome.model is None
    assert all(path.is_file() for path in (*outcome.tables, *outcome.figures))
    assert {path.name for path in outcome.tables} >= {"checked.parquet", "alignment.parquet"} and outcome.figures


def test_every_variant_has_its_folder_or_its_reason(everything):
    out = everything / "evaluate360"
    reasons = json.loads((out / "not_run.json").read_text())
    assert list(reasons) == ["supervised"] and "visual_width 64" in reasons["supervised"]
    ran = [name for name in CONFIG.variants if name not in reasons]
    names = ("alignment.parquet", "curves.csv", "model.pt", "predictions.parquet")
    others = [name for name in files_in(out) if not name.startswith("overlays/")]
    assert others == sorted(
        [*(f"{variant}/{name}" for variant in ran for name in names), "checked.parquet", "not_run.json"]
    )
    assert not (everything / "evaluate360.partial").exists()


def test_numbers_with_what_they_are_of(everything):
    values = results.read(everything / "evaluate360.json")
    checked = pd.read_parquet(everything / "evaluate360" / "checked.parquet")
    held_out = checked[(checked["split_video"] == "test") & (checked["verdict"] == "kept")]
    for variant in ("full", "no_w", "no_xyz", "short", "harder"):
        assert values[f"evaluate360.{variant}.accuracy"].n == 2 * len(held_out)
        assert values[f"evaluate360.{variant}.alignment_low_deg"].n == held_out["video"].nunique()
        num_surest = values[f"evaluate360.{variant}.alignment_high_deg"].n
        # One that hears no direction is as unsure of all videos: none is left out.
        num_videos = held_out["video"].nunique()
        assert num_surest == num_videos if variant == "no_xyz" else 1 <= num_surest < num_videos
        assert values[f"evaluate360.{variant}.samples_seen"].value == 16
    assert (values["evaluate360.clips"].value, values["evaluate360.clips"].n) == (11, 12)
    assert values["evaluate360.reason.silent"].value == 1


def test_without_directions_it_is_chance_and_alignment_is_90_degrees(everything):
    values = results.read(everything / "evaluate360.json")
    assert values["evaluate360.no_xyz.accuracy"].value == pytest.approx(0.5, abs=0.15)
    for group in ("low", "medium", "high"):
        assert values[f"evaluate360.no_xyz.alignment_{group}_deg"].value == pytest.approx(90, abs=1e-3)


def test_the_missing_height_is_a_doubt_and_no_reason(everything):
    checked = pd.read_parquet(everything / "evaluate360" / "checked.parquet").set_index("video")
    assert checked.loc["sp002", "verdict"] == "kept" and "silent_up" in checked.loc["sp002", "doubts"]
    assert (checked.loc["sp001", "verdict"], checked.loc["sp001", "reason"]) == ("rejected", "silent")


def test_videos_are_in_one_part_each_and_what_is_judged_is_held_out(everything):
    checked = pd.read_parquet(everything / "evaluate360" / "checked.parquet")
    kept = checked[checked["verdict"] == "kept"]
    assert set(kept["split_video"]) == {"train", "val", "test"}
    judged = pd.read_parquet(everything / "evaluate360" / "full" / "predictions.parquet")
    test = set(kept.loc[kept["split_video"] == "test", "video"])
    assert set(judged.loc[judged["split"] == "test", "video"]) == test


def test_an_overlay_is_a_video_with_sound_and_a_strip(everything):
    from leftright import video

    folder = everything / "evaluate360" / "overlays"
    (path,), (strip,) = folder.glob("*.mp4"), folder.glob("*.png")
    info = video.probe(path)
    assert (info.num_channels, info.frame_rate) == (2, 10.0) and info.duration_s == pytest.approx(4, abs=0.2)
    assert strip.stem == path.stem


def test_it_learns_to_align(tmp_path):
    """Trained for longer, on so plain a world: nearly always right, and nearer than a coin toss."""
    many = write_collected(tmp_path / "many", num_videos=24)
    longer = {"num_steps": 120, "batch_size": 8, "eval_steps": 60, "average_decay": 0.9, "num_rotations": 12}
    values = run(replace(FULL, sphere_height=2 * HEIGHT, num_overlays=0, **longer), many, tmp_path).values
    assert values["evaluate360.full.accuracy"].value > 0.85
    assert values["evaluate360.full.alignment_low_deg"].value < 75


def test_a_killed_run_goes_on_and_ends_the_same(collected, tmp_path, monkeypatch):
    config = replace(FULL, variants=("full", "no_w"), num_overlays=0)
    run(config, collected, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(evaluate360, "write_table", _stop_after(2))
        with pytest.raises(KilledError):
            run(config, collected, tmp_path / "killed")
    assert not (tmp_path / "killed" / "evaluate360").exists()
    run(config, collected, tmp_path / "killed")
    for name in config.variants:
        networks = [
            load_sphere(tmp_path / run_of / "evaluate360" / name / "model.pt")[0] for run_of in ("whole", "killed")
        ]
        first, second = (network.state_dict() for network in networks)
        assert all(torch.equal(first[key], second[key]) for key in first)


def _stop_after(count: int):
    from leftright.clips import write_table

    written = []

    def write(path, table):
        written.append(path)
        if len(written) > count:
            raise KilledError
        write_table(path, table)

    return write


def test_too_few_videos_are_said_and_no_error(tmp_path):
    """A collection of stereo videos has none: its pipeline goes on."""
    few = write_collected(tmp_path / "few", num_videos=2)
    outcome = run(CONFIG, few, tmp_path)
    reasons = json.loads((tmp_path / "evaluate360" / "not_run.json").read_text())
    assert set(reasons) == set(CONFIG.variants) and "1 of the collected videos" in reasons["full"]
    assert outcome.values["evaluate360.clips"].value == 1
    manifest = pd.read_parquet(few / MANIFEST)
    manifest.assign(num_channels=2).to_parquet(few / MANIFEST)
    assert run(CONFIG, few, tmp_path / "none").values["evaluate360.clips"].n == 0


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"window_s": 5.0}, "full: a window of 5.0 s is longer than every clip"),
        ({"variants": ("full", "half")}, "variants .*: name one or several of full, supervised"),
        ({"min_turn": 1.2}, "min_turn 1.2, max_turn 1.05: must rise within 0 and 2"),
        ({"batch_size": 0}, "batch_size 0: must be above 0"),
        ({"sphere_height": 0}, "sphere_height 0: must be above 0"),
    ],
)
def test_parameters_that_cannot_work_are_named(collected, tmp_path, choice, message):
    with pytest.raises(InputError, match=message):
        run(replace(FULL, **choice), collected, tmp_path)
    assert not (tmp_path / "evaluate360").exists()


def test_events_are_placed(collected, tmp_path):
    from tests.tau_set import write_events

    events = write_events(tmp_path / "tau")
    run(replace(FULL, num_overlays=0), collected, tmp_path, events=(events,))
    placed = pd.read_parquet(tmp_path / "evaluate360" / "azimuth.parquet")
    assert len(placed) > 0 and np.isfinite(placed["heard_deg"]).all()
    values = results.read(tmp_path / "evaluate360.json")
    assert values["evaluate360.azimuth.correlation"].n == len(placed)
    assert (tmp_path / "evaluate360" / "azimuth.png").stat().st_size > 10_000
