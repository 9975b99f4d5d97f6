"""Finetune on clips of moving squares: every task from every start, judged by its measures."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch
from torchvision.models import resnet18

from leftright import results, tracking
from leftright.data.shards import ShardReader
from leftright.models import load_model
from leftright.models.downstream import load_downstream
from leftright.training.variants import PRETEXTS, variants
from tests.finetune_runs import (
    CONFIG,
    SHORT,
    run,
    weights_of,
    write_pretext_models,
)
from tests.pretrain_runs import files_in

ALL = variants(CONFIG.tasks, CONFIG.initialisations, CONFIG.ablations)


def test_every_variant_has_a_folder_and_numbers_or_a_reason(everything):
    reasons = json.loads((everything / "finetune" / "not_run.json").read_text())
    assert set(reasons) == {f"{task}/supervised" for task in CONFIG.tasks}
    assert all("visual_width 64 and 2 visual_blocks" in reason for reason in reasons.values())
    values = results.read(everything / "finetune.json")
    for variant in ALL:
        has_numbers = any(key.startswith(f"finetune.{variant.task}.{variant.name}.") for key in values)
        assert has_numbers == (str(variant) not in reasons), variant
    names = ("curves.csv", "examples/examples.json", "model.pt", "predictions.parquet")
    written = [f"{variant}/{name}" for variant in ALL if str(variant) not in reasons for name in names]
    assert files_in(everything / "finetune") == sorted([*written, "not_run.json"])
    assert not (everything / "finetune.partial").exists()


BINAURAL = ("stft", "env", "mag", "phase", "snr_db")
MEASURES = {
    "track": {"ap50", "ap", "iou", "centre_x"},
    "spatialize": {f"{prefix}{name}" for prefix in ("", "mirrored.", "mono.") for name in BINAURAL},
    "separate": {"sdr_db", "sir_db", "sar_db", "sdr_mixture_db", "sdr_improvement_db"},
}


@pytest.mark.parametrize("task", list(MEASURES))
def test_each_task_has_its_measures_with_what_they_are_of(everything, task):
    prefix = f"finetune.{task}.flip."
    written = results.read(everything / "finetune.json").items()
    values = {key.removeprefix(prefix): value for key, value in written if key.startswith(prefix)}
    assert set(values) == MEASURES[task] | {"best_step", "samples_seen", "samples_per_second", "parameters"}
    assert values["samples_seen"].value == 4 * (2 if task == "separate" else 4)
    table = pd.read_parquet(everything / "finetune" / task / "flip" / "predictions.parquet")
    num_rows = {"track": len(table), "spatialize": 1, "separate": 2}[task]
    assert {values[name].n for name in MEASURES[task]} == {num_rows}
    known = MEASURES[task] - {"centre_x"}  # undefined where an untrained tracker always says one place
    assert np.isfinite([values[name].value for name in known]).all()


def test_it_is_judged_on_held_out_clips_alone(everything, packed):
    index = ShardReader([packed]).index
    held_out = set(index.loc[index["split_channel"] == "test", "clip"])
    for path in (everything / "finetune").rglob("predictions.parquet"):
        assert set(pd.read_parquet(path)["clip"]) <= held_out, path


def test_each_start_begins_with_its_model_and_all_with_the_same_rest(packed, models, tmp_path):
    """Steps of no size leave the weights that were begun with."""
    still = {"learning_rate": 1e-30, "average_decay": 0.0, "track_steps": 1, "separate_steps": 1, "eval_rounds": 1}
    config = replace(CONFIG, tasks=("track", "separate"), initialisations=("scratch", *PRETEXTS), ablations="none")
    run(replace(config, **still), packed, models, tmp_path)
    for task in config.tasks:
        scratch = weights_of(tmp_path, f"{task}/scratch")
        for start in PRETEXTS:
            source, mine = load_model(models / start / "model.pt")[0], weights_of(tmp_path, f"{task}/{start}")
            parts = ["audio.", "visual.trunk."]
            parts += ["visual.reduction."] if start == "flip" else []
            parts += ["fusion."] if (task, start) == ("separate", "flip") else []
            taken = {name: weight for name, weight in source.named_parameters() if name.startswith(tuple(parts))}
            for name, weight in taken.items():
                torch.testing.assert_close(mine[name], weight.detach())
                assert weight.dim() < 2 or not torch.allclose(scratch[name], weight)
            rest = {name for name, weight in mine.items() if name not in taken and weight.is_floating_point()}
            for name in (name for name in rest if "running" not in name):
                torch.testing.assert_close(mine[name], scratch[name])
            assert any(name.startswith(("head.", "unet.")) for name in rest)


def test_variants_have_the_inputs_that_their_names_say(everything):
    for task, name, inputs in (
        ("track", "sound_only", "sound"),
        ("track", "picture_only", "picture"),
        ("separate", "sound_only", "sound"),
        ("spatialize", "sound_only", "sound"),
        ("track", "flip", "both"),
    ):
        network, meta = load_downstream(everything / "finetune" / task / name / "model.pt", task)
        assert network.inputs == meta.head["inputs"] == inputs
        assert meta.task == task and meta.config == asdict(CONFIG)


def test_tracking_gets_the_curves_of_every_variant(packed, models, tmp_path, monkeypatch):
    told = []

    class Run:
        run_id = ""

        def step(self, number, numbers):
            told.append((number, numbers))

    monkeypatch.setattr(tracking, "current", Run)
    few = replace(SHORT, tasks=("track", "separate"), ablations="none")
    run(few, packed, models, tmp_path)
    names = ["track.scratch", "track.flip", "separate.scratch", "separate.flip"]
    assert [step for step, _ in told] == [2, 4] * 4
    for place, (_, numbers) in enumerate(told):
        assert all(name.startswith(f"{names[place // 2]}.") for name in numbers)
        assert {f"{names[place // 2]}.train_loss", f"{names[place // 2]}.val_loss"} <= set(numbers)
    curves = pd.read_csv(tmp_path / "finetune" / "separate" / "flip" / "curves.csv")
    assert told[-1][1]["separate.flip.val_loss"] == pytest.approx(curves["val_loss"].iloc[-1])


def test_imagenets_weights_begin_the_supervised_variant(packed, tmp_path):
    """From a file with torchvision's names, where the networks have ResNet-18's size."""
    torch.manual_seed(5)
    resnet = resnet18().state_dict()
    torch.save(resnet, tmp_path / "resnet18.pt")
    models = write_pretext_models(tmp_path / "models", tasks=("flip",), visual_width=64, visual_blocks=2)
    short = {"spatialize_steps": 1, "eval_rounds": 1, "spatialize_batch_size": 1}
    still = {"learning_rate": 1e-30, "average_decay": 0.0, "ablations": "none"}
    which = {"tasks": ("spatialize",), "initialisations": ("supervised",)}
    config = replace(SHORT, **which, **short, **still, supervised_weights=str(tmp_path / "resnet18.pt"))
    run(config, packed, models, tmp_path)
    assert json.loads((tmp_path / "finetune" / "not_run.json").read_text()) == {}
    weights = weights_of(tmp_path, "spatialize/supervised")
    for name in ("conv1.weight", "layer4.1.conv2.weight", "bn1.bias"):
        torch.testing.assert_close(weights[f"visual.trunk.{name}"], resnet[name])


def test_scratch_needs_a_model_for_its_sizes_alone(packed, tmp_path):
    models = write_pretext_models(tmp_path / "models", tasks=("mismatch",))
    config = replace(SHORT, tasks=("separate",), initialisations=("scratch",), ablations="none")
    assert run(config, packed, models, tmp_path).values["finetune.separate.scratch.sdr_db"].n == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "choice",
    [
        {"precision": "bfloat16"},
        {"memory_format": "channels_last"},
        {"num_workers": 1},
        {"spatialize_loss": "mse", "separate_loss": "mse", "max_gradient_norm": 1.0, "weight_decay": 0.01},
        {"split": "video"},
    ],
)
def test_every_choice_runs(packed, models, tmp_path, choice):
    config = replace(
        SHORT, initialisations=("flip",), ablations="none", track_steps=1, spatialize_steps=1, separate_steps=1
    )
    values = run(replace(config, **choice), packed, models, tmp_path).values
    assert np.isfinite(values["finetune.separate.flip.sdr_db"].value)
    assert 0 <= values["finetune.track.flip.iou"].value <= 1
