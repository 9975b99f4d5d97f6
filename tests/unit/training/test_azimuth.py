"""Reading azimuth off an audio network, here one that hears intensity and nothing else."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from leftright import ambisonics
from leftright.audio import SAMPLE_RATE
from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, evenly_spaced
from leftright.models import Architecture, WindowGeometry
from leftright.models.sphere_network import Sphere, SphereNetwork
from leftright.training import azimuth
from tests.sphere_world import FRAME_RATE, HEIGHT, write_packed_spheres

WINDOW = WindowGeometry(1.0, FRAME_RATE, 2, HEIGHT)
RNG = np.random.default_rng(0)


class Intensity(nn.Module):
    """The four inputs, averaged over the bands: what an embedding of azimuth would be at best."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features.mean(dim=2) * torch.tensor([0.0, 1.0, 1.0, 1.0])[:, None]


@pytest.fixture
def network() -> SphereNetwork:
    torch.manual_seed(0)
    made = SphereNetwork(Architecture(4, 16, 2, 4, 2, 1, "conv", 2, "flatten", 4), WINDOW, Sphere("all", wraps=True))
    made.audio = Intensity()
    return made


@pytest.fixture
def plane(network, tmp_path):
    packed = write_packed_spheres(tmp_path / "pack", num_videos=40)
    store = ClipStore(ShardReader([packed]), WINDOW, cache_mb=16)
    return azimuth.fit_plane(network, store, evenly_spaced(store, range(40), 1))


def sound(azimuth_deg, duration_s: float = 1.0) -> np.ndarray:
    noise = RNG.normal(0, 0.1, round(duration_s * SAMPLE_RATE)).astype(np.float32)
    return ambisonics.encode(noise, azimuth_deg)


def test_events_are_placed_where_they_are(network, plane):
    true = np.arange(-170.0, 180.0, 20.0)
    placed = azimuth.place_events(
        network, plane, pd.DataFrame({"azimuth_deg": true}), [sound(each, RNG.uniform(0.5, 1.5)) for each in true]
    )
    assert np.abs(ambisonics.wrapped(placed["heard_deg"] - true)).max() < 15
    assert list(placed.columns) == ["azimuth_deg", "first", "second", "heard_deg"]


def test_a_moving_source_is_followed_and_silence_is_nowhere(network, plane):
    moving = np.concatenate([sound(60, 2), np.zeros((4, 2 * SAMPLE_RATE), np.float32), sound(-90, 2)], axis=1)
    heard, strength = azimuth.follow(network, plane, moving, 1.0, [1.0, 3.0, 5.0])
    assert heard[0] == pytest.approx(60, abs=15) and heard[2] == pytest.approx(-90, abs=15)
    assert strength[1] < 0.35 * min(strength[0], strength[2])


def test_only_events_that_stand_alone_are_judged():
    events = pd.DataFrame(
        {
            "recording": ["a", "a", "a", "a", "b"],
            "start_s": [0.0, 0.5, 2.0, 3.0, 0.5],
            "end_s": [1.0, 1.5, 3.0, 3.2, 1.5],
        },
        index=[7, 3, 9, 1, 4],
    )
    assert azimuth.lone_events(events, 0.5).index.tolist() == [9, 4]


def test_agreement_by_hand():
    """Ten degrees off each way, over two recordings."""
    true = np.arange(-180.0, 180.0, 20.0)
    off = np.where(np.arange(len(true)) % 2, 10.0, -10.0)
    placed = pd.DataFrame(
        {"azimuth_deg": true, "heard_deg": ambisonics.wrapped(true + off), "recording": ["a", "b"] * (len(true) // 2)}
    )
    values = azimuth.values(placed, 20)
    assert values["error_deg"].value == pytest.approx(10) and values["error_deg"].n == len(true)
    assert 0.9 < values["correlation"].value < 1
