"""The pretext tasks as the loop needs them: the same windows for all, a judgement each, one form of answers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from leftright.data.augmentation import AugmentationRange
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, StepLoader, StepSampler, evenly_spaced, window_geometry
from leftright.errors import InputError
from leftright.metrics.flip import PREDICTION_COLUMNS
from leftright.models import AudioVisualNetwork
from leftright.training.pretext import Pretext, PretextMaterial, as_flip, pretext
from leftright.training.variants import PRETEXTS
from tests.packed_world import write_moving_world
from tests.unit.models.test_audio_visual import TINY


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> PretextMaterial:
    reader = ShardReader([write_moving_world(tmp_path_factory.mktemp("world") / "pack", num_channels=5)])
    store = ClipStore(reader, window_geometry(reader, 1.0, 2, crop=20), cache_mb=8)
    return material_of(store)


def material_of(store: ClipStore) -> PretextMaterial:
    splits = store.reader.index["split_channel"]
    rows = {name: np.flatnonzero(splits == name).tolist() for name in ("train", "val", "test")}
    windows = {name: evenly_spaced(store, rows[name], 2) for name in rows}
    return PretextMaterial(store, rows, AugmentationRange(0.1, 0.1, 0.1), 0, 0, windows)


def task(name: str, material: PretextMaterial) -> Pretext:
    return pretext(name, material, "paired", 1.0)


def network_of(material: PretextMaterial, bias: float = 0.0) -> AudioVisualNetwork:
    """One that says the same of everything: its logit is the bias."""
    torch.manual_seed(0)
    network = AudioVisualNetwork(TINY, material.store.geometry)
    nn.init.zeros_(network.fusion.logit.weight)
    nn.init.constant_(network.fusion.logit.bias, bias)
    return network


@pytest.mark.parametrize("name", PRETEXTS)
def test_a_step_of_each_task_has_as_many_right_as_wrong_examples(material, name):
    """A network that calls everything wrong is right about half of them, at softplus(1) and softplus(-1)."""
    found = task(name, material)
    batch = next(iter(StepLoader(found.training, StepSampler(1, 4, 0, 1), 0)))
    outputs = found.step(network_of(material, bias=1.0), batch)
    assert outputs["loss"].item() == pytest.approx((1.313262 + 0.313262) / 2, abs=1e-5)
    assert outputs["is_right"].float().mean() == 0.5
    assert len(outputs["is_right"]) == (16 if name == "flip" else 8)


@pytest.mark.parametrize("name", PRETEXTS)
def test_training_looks_at_training_clips_alone(material, name):
    found = task(name, material)
    assert found.name == name
    assert sorted(found.training.rows) == sorted(material.rows["train"])


def test_the_wrong_sounds_of_training_are_of_training_clips(material, monkeypatch):
    heard = []
    waveform = ClipStore.waveform
    monkeypatch.setattr(
        ClipStore, "waveform", lambda store, window: heard.append(window.row) or waveform(store, window)
    )
    training = task("mismatch", material).training
    for number in range(40):
        training[number]
    assert len(heard) == 80
    assert set(heard) == set(material.rows["train"])


@pytest.mark.parametrize("name", PRETEXTS)
def test_a_judgement_by_hand(material, name):
    """Probability 1 / (1 + 1/e) for "wrong" throughout: half of it is error, and the loss is that of the step."""
    judgement = task(name, material).validate(network_of(material, bias=1.0))
    assert judgement.numbers["accuracy"] == 0.5
    assert judgement.numbers["loss"] == pytest.approx((1.313262 + 0.313262) / 2, abs=1e-5)
    assert judgement.criterion == judgement.numbers["error"] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["mismatch", "shift"])
def test_each_window_stands_in_the_table_with_its_own_and_with_a_wrong_sound(material, name):
    table = task(name, material).predict(network_of(material), "test")
    windows = material.windows["test"]
    assert len(table) == 2 * len(windows)
    assert (table.groupby(["clip", "start_s"])["is_wrong"].apply(sorted).map(tuple) == (0, 1)).all()
    assert set(table["clip"]) == set(material.store.reader.index["clip"].iloc[material.rows["test"]])
    assert set(table["split"]) == {"test"}


def test_the_logits_of_the_table_are_those_of_the_sounds(material):
    """The own sound's logit stands where `is_wrong` is 0."""
    torch.manual_seed(0)
    network = AudioVisualNetwork(TINY, material.store.geometry).eval()
    table = task("shift", material).predict(network, "val")
    window = material.windows["val"][1]
    waveform = torch.from_numpy(material.store.waveform(window).astype(np.float32))[None] / 2**15
    frames = torch.from_numpy(material.store.frames(window)[None, ..., 2:22, 2:22]).float() / 255
    clip = material.store.reader.index["clip"].iat[window.row]
    rows = table[(table["clip"] == clip) & (table["start_s"] == window.first_frame / 6)].set_index("is_wrong")["logit"]
    assert rows[0] == pytest.approx(network(waveform, frames).item(), abs=1e-4)
    assert rows[1] != pytest.approx(rows[0], abs=1e-5)


def test_judging_twice_gives_the_same(material):
    network = network_of(material)
    for name in ("mismatch", "shift"):
        first, second = (task(name, material).predict(network, "val") for _ in range(2))
        pd.testing.assert_frame_equal(first, second)


def test_a_wrong_sound_counts_as_a_flipped_one(material):
    table = task("mismatch", material).predict(network_of(material), "val")
    answers = as_flip(table)
    assert tuple(answers.columns) == tuple(PREDICTION_COLUMNS)
    assert answers["is_flipped"].tolist() == table["is_wrong"].tolist()
    assert set(answers["condition"]) == {"stereo"}
    flip = task("flip", material).predict(network_of(material), "val")
    assert as_flip(flip) is flip


def test_a_split_of_one_video_has_no_mismatch_and_is_named(material):
    rows = {**material.rows, "val": material.rows["val"][:1]}
    lone = replace(material, rows=rows)
    with pytest.raises(InputError, match="mismatch: the val split has clips of one video alone; curate more videos"):
        task("mismatch", lone)
    task("shift", lone)


def test_a_clip_that_one_window_fills_has_no_other_time(material):
    """Its own sound would be called wrong."""
    short = ClipStore(material.store.reader, material.store.geometry, cache_mb=8)
    short.last_starts = [0] * len(short.last_starts)
    with pytest.raises(
        InputError, match="shift: one window fills every clip of the train split; choose a shorter window_s"
    ):
        task("shift", material_of(short))
    some = replace(material, rows={**material.rows}, windows={**material.windows})
    some.store.last_starts[material.rows["train"][0]], before = 0, some.store.last_starts[material.rows["train"][0]]
    try:
        assert task("shift", some).training.rows == list(material.rows["train"][1:])
    finally:
        some.store.last_starts[material.rows["train"][0]] = before
