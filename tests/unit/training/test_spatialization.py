"""Spatialization of whole clips, with a network made by hand that sees on which side the square is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from leftright.audio import log_energy_difference
from leftright.data.windows import StepLoader, StepSampler
from leftright.models.spatializer import Spatializer
from leftright.training.materials import Material
from leftright.training.spatialization import (
    CONDITIONS,
    MEASURES,
    Spatialization,
    cropped_frames,
    full_clip,
    loss_of,
    spatialized,
    step,
)
from tests.downstream_world import JUDGING, material_of
from tests.unit.models.test_audio_visual import TINY


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    return material_of(tmp_path_factory.mktemp("world"), window_s=0.5, frame_step=1)


@pytest.fixture(scope="module")
def task(material) -> Spatialization:
    return Spatialization(material, JUDGING, "l1", 0.5)


class BySight(nn.Module):
    """The square is on the brighter half, and is heard there: 12 dB louder, so that the difference is 0.6 of the sum."""

    inputs = "both"

    def __init__(self, geometry) -> None:
        super().__init__()
        self.geometry, self.nothing = geometry, nn.Parameter(torch.zeros(1))

    def difference(self, mono, frames):
        half = frames.shape[-1] // 2
        side = frames[..., half:].mean(dim=(2, 3, 4)) - frames[..., :half].mean(dim=(2, 3, 4))
        is_left = side.mean(dim=1) < 0
        return torch.where(is_left[:, None], 0.6, -0.6) * mono


class Spectra(nn.Module):
    """Remembers what it is asked to learn."""

    def spectra(self, waveform, frames):
        self.seen = waveform, frames
        return waveform.sum(dim=1), waveform.sum(dim=1) + 1


def test_distances_by_hand():
    predicted, true = torch.tensor([3.0 + 4.0j, 0.0j]), torch.tensor([0.0j, 0.0j])
    assert loss_of(predicted, true, "l1").item() == pytest.approx((3 + 4) / 4)
    assert loss_of(predicted, true, "mse").item() == pytest.approx((9 + 16) / 4)
    assert loss_of(torch.tensor([1.0, 3.0]), torch.zeros(2), "mse").item() == pytest.approx(5.0)


def test_picture_and_sound_are_mirrored_together(task):
    batch = next(iter(StepLoader(task.training, StepSampler(1, 4, 0, 1), 0)))
    seen = []
    for coin in (False, True):
        network = Spectra()
        loss = step(network, batch._replace(is_mirrored=torch.full((4,), coin)), "l1")["loss"]
        assert loss.item() == pytest.approx(1.0, abs=1e-5)
        seen.append(network.seen)
    assert torch.equal(seen[1][0], seen[0][0].flip(1))
    assert torch.equal(seen[1][1], seen[0][1].flip(-1))


def test_the_coin_of_the_flip_task_has_no_say(task):
    """Swapped channels beside a picture as it is would teach the wrong side."""
    batch = next(iter(StepLoader(task.training, StepSampler(1, 4, 0, 1), 0)))
    seen = []
    for coin in (False, True):
        network = Spectra()
        step(network, batch._replace(is_flipped=torch.full((4,), coin)), "l1")
        seen.append(network.seen[0])
    assert torch.equal(*seen)


def test_what_is_seen_on_the_left_is_heard_on_the_left(task, material):
    """Where the square is, by the picture; the true channels have no part in it."""
    network = BySight(material.store.geometry)
    for row in material.rows["test"]:
        stereo = task.stereo(network, row)
        true = full_clip(material.store, row)
        frames = cropped_frames(material.store, row)
        for number in range(1, len(frames) - 4, 3):
            part = slice(round((number + 0.5) / 6 * 16_000), round((number + 1) / 6 * 16_000))
            is_right = frames[number, ..., 10:].mean() > frames[number, ..., :10].mean()
            assert (log_energy_difference(true[:, part]) > 0) == is_right
        np.testing.assert_allclose(stereo.sum(axis=0), true.sum(axis=0), atol=1e-5)
        assert np.corrcoef((stereo[1] ** 2 - stereo[0] ** 2), (true[1] ** 2 - true[0] ** 2))[0, 1] > 0.5


def test_a_picture_that_is_mirrored_turns_the_sides(task, material):
    network = BySight(material.store.geometry)
    row = material.rows["test"][0]
    mono, frames = torch.from_numpy(full_clip(material.store, row).sum(axis=0)), cropped_frames(material.store, row)
    stereo, turned = (spatialized(network, mono, seen, 0.5) for seen in (frames, frames.flip(-1)))
    torch.testing.assert_close(turned, stereo.flip(0), atol=1e-6, rtol=0)
    assert stereo.numpy() == pytest.approx(task.stereo(network, row))


def test_who_does_not_look_is_not_asked_twice(task, material):
    """Its answer on the mirrored picture is that on the picture as it is."""
    network, asked = BySight(material.store.geometry), []
    network.inputs = "sound"
    network.difference = lambda mono, frames: asked.append(len(mono)) or 0.3 * mono
    table = task.examine(network).set_index(["clip", "condition"])[list(MEASURES)]
    predicted, mirrored = (table.xs(name, level="condition") for name in ("predicted", "mirrored"))
    pd.testing.assert_frame_equal(predicted, mirrored)
    num_asked = len(asked)
    network.inputs = "both"
    task.examine(network)
    assert len(asked) == 3 * num_asked


def test_who_sees_the_side_is_better_than_mono_and_mono_than_who_sees_it_mirrored(task, material):
    table = task.examine(BySight(material.store.geometry))
    assert len(table) == 3 * len(material.rows["test"])
    assert tuple(dict.fromkeys(table["condition"])) == CONDITIONS
    means = table.groupby("condition")[list(MEASURES)].mean()
    for name in ("stft", "env", "mag"):
        assert means.loc["predicted", name] < means.loc["mono", name] < means.loc["mirrored", name], name
    assert means.loc["predicted", "snr_db"] > means.loc["mono", "snr_db"] > means.loc["mirrored", "snr_db"]
    values = task.summary(table)
    assert set(values) == {f"{prefix}{name}" for prefix in ("", "mirrored.", "mono.") for name in MEASURES}
    assert values["snr_db"].value == pytest.approx(means.loc["predicted", "snr_db"])
    assert values["mono.stft"].value == pytest.approx(means.loc["mono", "stft"])
    assert values["stft"].n == len(material.rows["test"])


class Knowing(nn.Module):
    """Returns the true difference, which it finds by the sum's first samples."""

    def __init__(self, geometry, true: np.ndarray) -> None:
        super().__init__()
        self.geometry, self.nothing = geometry, nn.Parameter(torch.zeros(1))
        self.total, self.difference_of = torch.from_numpy(true.sum(axis=0)), torch.from_numpy(true[0] - true[1])

    def difference(self, mono, frames):
        windows = self.total.unfold(0, mono.shape[-1], 1)
        starts = [int((windows[:, :50] == each[:50]).all(dim=1).nonzero()[0]) for each in mono]
        return torch.stack([self.difference_of[start : start + mono.shape[-1]] for start in starts])


def test_who_knows_the_difference_gets_the_clip_back_to_its_last_sample(task, material):
    row = material.rows["test"][1]
    true = full_clip(material.store, row)
    stereo = task.stereo(Knowing(material.store.geometry, true), row)
    np.testing.assert_allclose(stereo, true, atol=1e-5)


def test_the_clip_does_not_depend_on_the_batch(material, monkeypatch):
    torch.manual_seed(0)
    network = Spatializer(TINY, material.store.geometry, 2, "both").eval()
    row = material.rows["test"][0]
    mono = torch.from_numpy(full_clip(material.store, row).sum(axis=0))
    results = []
    for size in (1, 16):
        monkeypatch.setattr("leftright.training.overlap._WINDOWS_PER_BATCH", size)
        results.append(spatialized(network, mono, cropped_frames(material.store, row), 0.5))
    torch.testing.assert_close(*results, atol=1e-6, rtol=1e-4)
    assert results[0].shape == (2, len(mono))


def test_a_clip_shorter_than_a_window_is_refused(material):
    network = BySight(material.store.geometry)
    with pytest.raises(ValueError, match="shorter than a window"):
        spatialized(network, torch.zeros(7999), torch.zeros(18, 3, 20, 20), 0.5)


def test_validation_is_the_mean_loss_of_the_windows_as_they_are(task, material):
    torch.manual_seed(0)
    network = Spatializer(TINY, material.store.geometry, 2, "both").train()
    judgement = task.validate(network)
    assert network.training
    network.eval()
    losses = []
    for window in task._validation:
        waveform = torch.from_numpy(window.waveform.astype(np.float32))[None] / 2**15
        frames = torch.from_numpy(window.frames).float()[None] / 255
        losses.append(loss_of(*network.spectra(waveform, frames), "l1").item())
    assert len(losses) == JUDGING.windows * len(material.rows["val"])
    assert judgement.criterion == judgement.numbers["loss"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_so_many_clips_are_judged_as_are_asked_for(material):
    assert Spatialization(material, replace(JUDGING, clips=1), "l1", 0.5).clips == material.some("test", 1)
    assert len(material.some("test", 1)) == 1
