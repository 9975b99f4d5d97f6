"""The rotation task: features turn as sound fields do, labels say what was turned, and what changes nothing is not learnt."""

import numpy as np
import pytest
import torch

from leftright import ambisonics, equirectangular
from leftright.audio import to_pcm
from leftright.data.sphere_windows import SphereBatch
from leftright.models import Architecture, WindowGeometry
from leftright.models.sphere_network import Sphere, SphereNetwork
from leftright.training import rotation

TINY = Architecture(4, 16, 2, 4, 2, 1, "conv", 2, "flatten", 4)
WINDOW = WindowGeometry(1.0, 5.0, 2, 16)
WIDTH = 32
NOISE = np.random.default_rng(0).normal(0, 0.1, WINDOW.num_samples)


def network(channels: str = "all") -> SphereNetwork:
    torch.manual_seed(0)
    sizes = {"all": 4, "no_w": 3, "no_xyz": 1}
    architecture = Architecture(**{**vars(TINY), "audio_channels": sizes[channels]})
    return SphereNetwork(architecture, WINDOW, Sphere(channels, wraps=True)).eval()


def field(*azimuths: float) -> torch.Tensor:
    return torch.from_numpy(np.stack([ambisonics.encode(NOISE, azimuth, 20) for azimuth in azimuths])).float()


def batch(
    *azimuths: float, columns=(0, 0), theta=(0.0, 0.0), is_rotated=(False, False), is_mirrored=None
) -> SphereBatch:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 255, (len(azimuths), WINDOW.num_frames, 3, 16, WIDTH)).astype(np.uint8)
    waveform = np.stack([to_pcm(ambisonics.encode(NOISE, azimuth, 20)) for azimuth in azimuths])
    plain = torch.ones(len(azimuths), 3), torch.zeros(len(azimuths), 3)
    mirrored = torch.tensor(is_mirrored or [False] * len(azimuths))
    turns = torch.tensor(columns), torch.tensor(theta, dtype=torch.float32), torch.tensor(is_rotated)
    return SphereBatch(torch.from_numpy(waveform), torch.from_numpy(frames), *plain, mirrored, *turns)


@pytest.mark.parametrize("channels", ["all", "no_w", "no_xyz"])
def test_turned_features_are_those_of_the_turned_field(channels):
    angles = torch.tensor([0.7, -2.5])
    waveform, asked = field(30, -100), network(channels)
    turned = ambisonics.rotate_z(waveform, angles.cos()[:, None], angles.sin()[:, None])
    found = rotation.turn_features(asked, asked.features(waveform), angles)
    torch.testing.assert_close(found, asked.features(turned), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", ["all", "no_w", "no_xyz"])
def test_mirrored_features_are_those_of_the_mirrored_field(channels):
    asked = network(channels)
    found = rotation.mirror_features(asked, asked.features(field(30, -100)))
    torch.testing.assert_close(found, asked.features(field(-30, 100)), rtol=1e-3, atol=1e-4)


def test_a_mirrored_window_is_what_a_mirrored_recording_would_be():
    """Mirrored first and turned then; of the batch, only the first is mirrored."""
    asked, turned = network(), {"columns": (4, 4), "theta": (3.0, 3.0), "is_rotated": (True, False)}
    given = batch(30, -100, is_mirrored=[True, False], **turned)
    frames = torch.as_tensor(given.frames).clone()
    frames[0] = frames[0].flip(-1)
    there = batch(-30, -100, **turned)._replace(frames=frames)
    for orientations in ("drawn", "paired"):
        logits = [rotation.logits_and_labels(asked, each, orientations)[0] for each in (given, there)]
        torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-4)


def test_each_picture_of_a_batch_turns_by_its_own_columns():
    frames = torch.rand(2, 3, 3, 4, WIDTH)
    turned = rotation.turn_picture(frames, torch.tensor([5, 30]))
    for number, columns in enumerate((5, 30)):
        torch.testing.assert_close(turned[number], equirectangular.turn(frames[number], columns))


def test_both_turned_is_what_a_turned_recording_would_be():
    """Picture and sound turned by the batch's columns give the logits of the recording whose source and picture were there."""
    asked, columns = network(), 4
    turned = batch(30, columns=(columns,), theta=(0.0,), is_rotated=(False,))
    frames = equirectangular.turn(torch.as_tensor(turned.frames), columns)
    there = batch(30 + 360 * columns / WIDTH, columns=(0,), theta=(0.0,), is_rotated=(False,))._replace(frames=frames)
    logits = [rotation.logits_and_labels(asked, each, "drawn")[0] for each in (turned, there)]
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-4)


def test_paired_is_every_drawn_one():
    """The sound as it is and turned, with the picture as it is and turned: the last is the first, all turned together."""
    asked, turn = network(), 15  # of 32 columns
    theta = 2 * np.pi * turn / WIDTH
    paired, labels = rotation.logits_and_labels(
        asked, batch(30, columns=(3,), theta=(theta,), is_rotated=(False,)), "paired"
    )
    assert labels.tolist() == [0, 1, 1, 0]
    others = [(3, theta, False), (3, theta, True), (3 + turn, -theta, True), (3 + turn, theta, False)]
    for logit, label, (columns, angle, is_rotated) in zip(paired, labels, others, strict=True):
        given = batch(30, columns=(columns,), theta=(angle,), is_rotated=(is_rotated,))
        drawn, said = rotation.logits_and_labels(asked, given, "drawn")
        assert said.item() == label.item()
        torch.testing.assert_close(logit, drawn[0], rtol=1e-3, atol=1e-4)


def test_what_is_judged_is_the_window_as_it_is_and_turned_by_its_angle():
    asked, given = network(), batch(30, -100, theta=(3.0, 3.3))
    said = rotation.judge(asked, given)
    waveform, frames = rotation.unpack(given)
    angle = torch.as_tensor(given.theta)
    turned = ambisonics.rotate_z(waveform, angle.cos()[:, None], angle.sin()[:, None])
    with torch.inference_mode():
        torch.testing.assert_close(said["aligned"], asked(waveform, frames))
        torch.testing.assert_close(said["rotated"], asked(turned, frames), rtol=1e-3, atol=1e-4)


def test_without_directions_a_turn_changes_nothing():
    said = rotation.judge(network("no_xyz"), batch(30, -100, theta=(3.0, 3.3)))
    assert torch.equal(said["aligned"], said["rotated"])
