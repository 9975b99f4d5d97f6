"""Finetune on clips of moving squares: every task from every start, in parts, killed and taken up again."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torchvision.models import resnet18

from leftright import results, tracking
from leftright.clips import write_table
from leftright.data import shards
from leftright.data.shards import ShardReader
from leftright.errors import InputError
from leftright.models import AudioVisualNetwork, WindowGeometry, load_model, save_model
from leftright.models.downstream import load_downstream
from leftright.stages import finetune
from leftright.training.variants import PRETEXTS, variants
from tests.packed_world import FRAME_RATE, write_moving_world, write_packed_world
from tests.unit.stages.test_pretrain import CONFIG as PRETRAINED
from tests.unit.stages.test_pretrain import KilledError, files_in, flags_of, pretrain

CONFIG = finetune.Config(
    tasks=("track", "spatialize", "separate"),
    initialisations=("scratch", "supervised", "mismatch", "shift", "flip"),
    ablations="all",
    supervised_weights="torchvision",
    seed=0,
    split="channel",
    window_s=0.5,
    frame_step=1,
    track_window_s=1.0,
    track_anchors=2,
    track_width=4,
    min_agreement=0.5,
    unet_width=2,
    spatialize_loss="l1",
    spatialize_overlap=0.5,
    separate_loss="l1",
    track_steps=4,
    spatialize_steps=4,
    separate_steps=4,
    track_batch_size=4,
    spatialize_batch_size=4,
    separate_batch_size=2,
    learning_rate=0.01,
    warmup_share=0.25,
    weight_decay=0.0,
    max_gradient_norm=0.0,
    average_decay=0.9,
    contrast=0.1,
    brightness=0.1,
    colour=0.1,
    eval_rounds=2,
    eval_windows=1,
    eval_targets=2,
    eval_clips=1,
    num_examples=0,
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
SHORT = replace(CONFIG, initialisations=("scratch", "flip"))
"""Two starts of each task, and the ablations: ten variants."""
FEW = replace(CONFIG, tasks=("track", "spatialize"), initialisations=("flip",))
"""Five variants: flip without one of its inputs, and with both."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    return write_moving_world(tmp_path_factory.mktemp("world") / "pack", num_channels=10)


def write_pretext_models(directory: Path, tasks=PRETEXTS, **sizes: int) -> Path:
    """As `pretrain` leaves them, untrained."""
    geometry = WindowGeometry(duration_s=1.0, frame_rate=FRAME_RATE, frame_step=3, crop=20)
    for number, task in enumerate(tasks):
        torch.manual_seed(100 + number)
        architecture = replace(pretrain._architecture(PRETRAINED, task), **sizes)
        save_model(directory / task / "model.pt", AudioVisualNetwork(architecture, geometry), task, asdict(PRETRAINED))
    return directory


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return write_pretext_models(tmp_path_factory.mktemp("pretrain"))


def run(config: finetune.Config, packed: Path, models: Path, directory: Path, **given: str):
    paths = {"out": directory / "finetune", "metrics": directory / "finetune.json"}
    return finetune.run(config, shards=(packed,), models=(models,), **paths, **given)


def weights_of(directory: Path, variant: object) -> dict[str, torch.Tensor]:
    path = directory / "finetune" / str(variant) / "model.pt"
    return load_downstream(path, str(variant).split("/")[0])[0].state_dict()


def assert_same_weights(first: Path, second: Path, variant: object) -> None:
    ours, theirs = weights_of(first, variant), weights_of(second, variant)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours), variant


def timeless(directory: Path) -> dict[str, object]:
    return {
        key: value
        for key, value in results.read(directory / "finetune.json").items()
        if not key.endswith("samples_per_second")
    }


def assert_same_result(everything: Path, other: Path, config: finetune.Config) -> None:
    """What `config` makes is the same, to the last bit, as where all the others were made beside it."""
    whole, part = timeless(everything), timeless(other)
    assert part == {key: whole[key] for key in part}
    for variant in variants(config.tasks, config.initialisations, config.ablations):
        assert any(key.startswith(f"finetune.{variant.task}.{variant.name}.") for key in part)
        folders = [directory / "finetune" / str(variant) for directory in (everything, other)]
        assert_same_weights(everything, other, variant)
        pd.testing.assert_frame_equal(*(pd.read_parquet(folder / "predictions.parquet") for folder in folders))
        assert (folders[0] / "curves.csv").read_text() == (folders[1] / "curves.csv").read_text()


@pytest.fixture(scope="module")
def everything(packed, models, tmp_path_factory) -> Path:
    """An undisturbed run of CONFIG, whose supervised variants cannot be: the networks are small."""
    directory = tmp_path_factory.mktemp("everything")
    run(CONFIG, packed, models, directory)
    return directory


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


def test_the_same_run_gives_the_same_bytes_whatever_else_is_trained(everything, packed, models, tmp_path):
    """But for the parameters that the model carries."""
    only = replace(SHORT, tasks=("separate",), initialisations=("flip",), ablations="none")
    for name in ("first", "second"):
        run(only, packed, models, tmp_path / name)
    first, second = (tmp_path / name / "finetune" / "separate" / "flip" / "model.pt" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert_same_result(everything, tmp_path / "first", only)


def test_parts_together_are_the_whole(everything, packed, models, tmp_path):
    mine = variants(FEW.tasks, FEW.initialisations, FEW.ablations)
    count = len(mine) // 2 + 1
    seen, numbers = set(), {}
    for part in range(count):
        run(FEW, packed, models, tmp_path / str(part), part=f"{part}/{count}")
        numbers |= timeless(tmp_path / str(part))
        for variant in mine[part::count]:
            assert_same_weights(everything, tmp_path / str(part), variant)
            seen.add(variant)
    whole = timeless(everything)
    assert seen == set(mine)
    assert numbers == {key: whole[key] for key in numbers} and len(numbers) > 8 * len(mine)


def test_an_empty_part_writes_an_empty_result(packed, models, tmp_path):
    outcome = run(SHORT, packed, models, tmp_path, part="20/21")
    assert files_in(tmp_path / "finetune") == ["not_run.json"]
    assert json.loads((tmp_path / "finetune" / "not_run.json").read_text()) == {}
    assert results.read(tmp_path / "finetune.json") == dict(outcome.values) == {}
    assert outcome.tables == outcome.figures == () and outcome.model is None


@pytest.mark.slow
def test_how_many_are_trained_at_once_changes_nothing(everything, packed, models, tmp_path):
    run(replace(FEW, num_variants_at_once=2), packed, models, tmp_path)
    assert_same_result(everything, tmp_path, FEW)


def test_a_killed_run_goes_on_and_trains_no_finished_variant_again(everything, packed, models, tmp_path, monkeypatch):
    """Killed while the third of five is trained, after its second step."""
    from leftright.training.checkpoint import Checkpoints

    begun, save = [], Checkpoints._save

    def killed(self, trainer):
        save(self, trainer)
        if self._name == "finetune track/picture_only" and trainer.global_step == 2:
            raise KilledError

    def watched(self, trainer, module):
        begun.append((self._name, trainer.global_step))

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "_save", killed)
        with pytest.raises(KilledError):
            run(replace(FEW, checkpoint_steps=2), packed, models, tmp_path)
    assert not (tmp_path / "finetune").exists()
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "on_train_start", watched)
        run(replace(FEW, cache_mb=0), packed, models, tmp_path)
    names = [str(variant) for variant in variants(FEW.tasks, FEW.initialisations, FEW.ablations)]
    assert begun == [("finetune track/picture_only", 2), *((f"finetune {name}", 0) for name in names[3:])]
    assert_same_result(everything, tmp_path, FEW)


def test_a_run_killed_while_it_is_judged_trains_no_more(everything, packed, models, tmp_path, monkeypatch):
    only = replace(SHORT, tasks=("separate",), initialisations=("flip",), ablations="none")
    with monkeypatch.context() as patched:
        patched.setattr(finetune, "write_table", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            run(only, packed, models, tmp_path)
    monkeypatch.setattr("leftright.training.loop.TaskModule.training_step", lambda *_: pytest.fail("trained again"))
    run(only, packed, models, tmp_path)
    assert_same_weights(everything, tmp_path, "separate/flip")


def test_what_was_begun_from_another_model_is_not_continued(packed, models, tmp_path, monkeypatch):
    only = replace(SHORT, tasks=("separate",), initialisations=("flip",), ablations="none")
    with monkeypatch.context() as patched:
        patched.setattr(finetune, "write_table", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            run(only, packed, models, tmp_path / "changed")
    other = write_pretext_models(tmp_path / "other", tasks=("shift", "flip"))  # flip with another seed
    for name in ("changed", "whole"):
        run(only, packed, other, tmp_path / name)
    assert_same_weights(tmp_path / "changed", tmp_path / "whole", "separate/flip")


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


def test_a_missing_file_of_imagenet_weights_is_one_line(packed, tmp_path):
    models = write_pretext_models(tmp_path / "models", tasks=("flip",), visual_width=64, visual_blocks=2)
    config = replace(SHORT, initialisations=("supervised",), supervised_weights=str(tmp_path / "none.pt"))
    with pytest.raises(InputError, match=r"none\.pt: no such file"):
        run(config, packed, models, tmp_path)


def without(packed: Path, directory: Path, **columns: object) -> Path:
    """The shards with columns of the index set to something else."""
    directory.mkdir()
    (directory / "shard-00000.tar").write_bytes((packed / "shard-00000.tar").read_bytes())
    write_table(directory / shards.INDEX, pd.read_parquet(packed / shards.INDEX).assign(**columns))
    return directory


def test_no_models_at_all_are_named(packed, tmp_path):
    for config in (SHORT, replace(SHORT, initialisations=("scratch",), ablations="none")):
        with pytest.raises(InputError, match=r"no pretext model|no model of the task flip") as caught:
            run(config, packed, tmp_path / "nothing", tmp_path)
        assert str(tmp_path / "nothing") in str(caught.value) and "\n" not in str(caught.value)


def test_a_pretext_model_that_is_missing_is_named(packed, tmp_path):
    models = write_pretext_models(tmp_path / "models", tasks=("flip",))
    with pytest.raises(InputError, match="no model of the task shift; run pretrain with it among its tasks"):
        run(replace(SHORT, initialisations=("shift", "flip")), packed, models, tmp_path)
    assert not (tmp_path / "finetune").exists()


def test_scratch_needs_a_model_for_its_sizes_alone(packed, tmp_path):
    models = write_pretext_models(tmp_path / "models", tasks=("mismatch",))
    config = replace(SHORT, tasks=("separate",), initialisations=("scratch",), ablations="none")
    assert run(config, packed, models, tmp_path).values["finetune.separate.scratch.sdr_db"].n == 2


def test_a_split_that_is_empty_or_unknown_is_named(packed, models, tmp_path):
    with pytest.raises(InputError, match=r"index\.parquet: no clip has split_channel train"):
        run(SHORT, without(packed, tmp_path / "a", split_channel="test"), models, tmp_path)
    bare = without(packed, tmp_path / "b")
    pd.read_parquet(bare / shards.INDEX).drop(columns="split_channel").to_parquet(bare / shards.INDEX)
    with pytest.raises(InputError, match="lacks the column split_channel; run curate and pack again"):
        run(SHORT, bare, models, tmp_path)


def test_clips_without_a_sounding_face_cannot_be_tracked(packed, models, tmp_path):
    silent = [[float("nan")] * 17] * 20
    with pytest.raises(InputError, match="track: no clip of the train split has a face that follows the sound"):
        run(SHORT, without(packed, tmp_path / "pack", face_led_db=silent), models, tmp_path)


def test_shards_from_before_there_were_faces_are_named(models, tmp_path):
    """The other tasks need none."""
    plain = write_packed_world(tmp_path / "pack", num_channels=10, num_frames=18)
    with pytest.raises(InputError, match="track: the shards lack the column face_times_s; filter") as caught:
        run(SHORT, plain, models, tmp_path)
    assert "\n" not in str(caught.value)
    config = replace(SHORT, tasks=("separate",), initialisations=("scratch",), ablations="none")
    run(config, plain, models, tmp_path)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"window_s": 3.5}, "spatialize: a window of 3.5 s is longer than every clip of the train split"),
        ({"track_window_s": 3.5}, "track: a window of 3.5 s is longer than every clip of the train split"),
        ({"unet_width": 0}, "unet_width 0: must be above 0"),
        ({"spatialize_overlap": 1.0}, "spatialize_overlap 1.0: must be at least 0 and below 1"),
        ({"tasks": ()}, "tasks .*: name one or several of track, spatialize, separate, each once"),
        ({"tasks": ("track", "dance")}, "name one or several of track, spatialize, separate, each once"),
        ({"initialisations": ("flip", "flip")}, "initialisations .* each once"),
    ],
)
def test_parameters_that_cannot_work_are_named(packed, models, tmp_path, choice, message):
    tasks = {"tasks": ("spatialize",)} if "window_s" in choice else {}
    with pytest.raises(InputError, match=message):
        run(replace(SHORT, **{**tasks, **choice}), packed, models, tmp_path)
    assert not (tmp_path / "finetune").exists()


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


def start(config: finetune.Config, packed: Path, models: Path, directory: Path, **variables: str) -> subprocess.Popen:
    words = [
        "--shards",
        packed,
        "--models",
        models,
        "--out",
        directory / "finetune",
        "--metrics",
        directory / "finetune.json",
    ]
    environment = {**os.environ, "LEFTRIGHT_TRACKING": "none", "OMP_NUM_THREADS": "1", **variables}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "leftright"]
    return subprocess.Popen(
        [*command, "finetune", *map(str, words), *flags_of(config)], env=environment, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_two_processes_train_one_model_of_each_variant(packed, models, tmp_path):
    """Under torchrun every process takes part and one writes; the parts that are not trained are waited for by none."""
    together = start(SHORT, packed, models, tmp_path)
    errors = together.communicate()[1]
    assert together.returncode == 0, errors
    values = results.read(tmp_path / "finetune.json")
    for variant in variants(SHORT.tasks, SHORT.initialisations, SHORT.ablations):
        assert (tmp_path / "finetune" / str(variant) / "model.pt").is_file()
        batch_size = 2 if variant.task == "separate" else 4
        assert values[f"finetune.{variant.task}.{variant.name}.samples_seen"].value == 4 * batch_size
    assert files_in(tmp_path) == ["finetune.json", *(f"finetune/{name}" for name in files_in(tmp_path / "finetune"))]


@pytest.mark.slow
def test_two_processes_cannot_share_an_odd_batch(packed, models, tmp_path):
    alone = start(replace(SHORT, separate_batch_size=3), packed, models, tmp_path)
    errors = alone.communicate()[1]
    assert alone.returncode != 0
    assert "leftright finetune: separate_batch_size 3: not a multiple of the 2 processes" in errors
