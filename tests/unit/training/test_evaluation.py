import numpy as np
import pytest
import torch

from leftright.data.shards import ShardReader
from leftright.data.windows import ClipStore, evenly_spaced, window_geometry
from leftright.metrics.flip import PREDICTION_COLUMNS
from leftright.models import AudioVisualNetwork
from leftright.training.evaluation import predict
from tests.packed_world import write_packed_world
from tests.unit.models.test_audio_visual import TINY


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ClipStore:
    reader = ShardReader([write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=2)])
    return ClipStore(reader, window_geometry(reader, 1.0, 2, crop=16), cache_mb=1)


@pytest.fixture
def network(store) -> AudioVisualNetwork:
    torch.manual_seed(0)
    return AudioVisualNetwork(TINY, store.geometry)


def test_every_window_stands_in_the_table_in_each_orientation_and_condition(store, network):
    windows = evenly_spaced(store, [0, 3], 2)
    table = predict(network, store, windows, "test")
    assert set(table.columns) == set(PREDICTION_COLUMNS)
    assert len(table) == 4 * 2 * 2
    assert set(table["clip"]) == set(store.reader.index["clip"].iloc[[0, 3]])
    assert set(table["start_s"]) == {0.0, 1.0}
    assert (table.groupby(["clip", "start_s", "condition"])["is_flipped"].apply(sorted).map(tuple) == (0, 1)).all()


def test_the_logits_are_those_of_the_windows(store, network):
    windows = evenly_spaced(store, range(4), 3)
    table = predict(network, store, windows, "val")
    stereo = table[(table["condition"] == "stereo")].set_index(["clip", "start_s", "is_flipped"])["logit"]
    window = windows[7]
    waveform = torch.from_numpy(store.waveform(window).astype(np.float32))[None] / 2**15
    frames = torch.from_numpy(store.frames(window)[None, ..., 4:20, 4:20]).float() / 255
    for is_flipped, heard in ((0, waveform), (1, waveform.flip(1))):
        expected = network.eval()(heard, frames).item()
        key = (store.reader.index["clip"].iat[window.row], window.first_frame / 6, is_flipped)
        assert stereo[key] == pytest.approx(expected, abs=1e-4)


def test_mono_gives_both_orientations_one_logit(store, network):
    table = predict(network, store, evenly_spaced(store, range(4), 1), "test")
    mono = table[table["condition"] == "mono"]
    assert (mono.groupby("clip")["logit"].nunique() == 1).all()
    stereo = table[table["condition"] == "stereo"]
    assert (stereo.groupby("clip")["logit"].nunique() == 2).all()


def test_judging_leaves_the_network_as_it_was(store, network):
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    predict(network, store, evenly_spaced(store, [0], 2), "val")
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
