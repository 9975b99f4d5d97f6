import pytest
import torch

from leftright.errors import InputError
from leftright.models import AudioVisualNetwork, load_model, save_model
from leftright.models.sphere_file import load_sphere, save_sphere
from leftright.models.sphere_network import Sphere, SphereNetwork
from tests.unit.models.test_audio_visual import TINY as STEREO
from tests.unit.models.test_audio_visual import TINY_WINDOW as STEREO_WINDOW
from tests.unit.models.test_sphere_network import TINY, TINY_WINDOW


def test_a_network_is_read_as_it_was_written(tmp_path):
    torch.manual_seed(0)
    network = SphereNetwork(TINY, TINY_WINDOW, Sphere("all", wraps=True, normalises=True))
    network.audio_embedding(torch.randn(8, 4, TINY_WINDOW.num_samples))  # statistics of its own
    network.eval()
    save_sphere(tmp_path / "model.pt", network, {"seed": 3})
    again, meta = load_sphere(tmp_path / "model.pt")
    waveform = 0.1 * torch.randn(2, 4, TINY_WINDOW.num_samples)
    frames = torch.rand(2, TINY_WINDOW.num_frames, 3, 16, 32)
    torch.testing.assert_close(again(waveform, frames), network(waveform, frames))
    assert (meta.task, dict(meta.config), dict(meta.head)) == (
        "rotation",
        {"seed": 3},
        {"channels": "all", "wraps": True, "normalises": True},
    )


def test_neither_kind_is_taken_for_the_other(tmp_path):
    save_sphere(tmp_path / "sphere.pt", SphereNetwork(TINY, TINY_WINDOW, Sphere("all", wraps=False)), {})
    save_model(tmp_path / "stereo.pt", AudioVisualNetwork(STEREO, STEREO_WINDOW), "flip", {})
    with pytest.raises(InputError, match=r"stereo.pt: a model of other sizes"):
        load_sphere(tmp_path / "stereo.pt")
    with pytest.raises(InputError, match=r"sphere.pt: a model of other sizes"):
        load_model(tmp_path / "sphere.pt")
