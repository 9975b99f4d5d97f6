"""ImageNet's weights: from torchvision or a file, into a network of ResNet-18's size alone."""

import http.client
from dataclasses import replace
from urllib.error import URLError

import pytest
import torch
from torchvision.models import ResNet18_Weights, resnet18

from leftright.errors import InputError
from leftright.models import AudioVisualNetwork, save_model
from leftright.models.downstream import Head, build
from leftright.training.initialisation import take_over
from leftright.training.supervised import TORCHVISION, NotRunError, imagenet_weights
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW


def network_of(width: int = 64, num_blocks: int = 2):
    torch.manual_seed(0)
    architecture = replace(TINY, visual_width=width, visual_blocks=num_blocks)
    return build("spatialize", architecture, TINY_WINDOW, Head("both", 2))


@pytest.fixture(scope="module")
def resnet() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return resnet18().state_dict()


def test_a_file_with_torchvisions_names_fits_whole(resnet, tmp_path):
    torch.save(resnet, tmp_path / "resnet18.pt")
    network = network_of()
    weights = imagenet_weights(str(tmp_path / "resnet18.pt"), network)
    taken = take_over(network, weights)
    assert set(taken) == {f"visual.trunk.{name}" for name in resnet if not name.startswith("fc.")}
    for name in ("conv1.weight", "bn1.running_mean"):
        assert torch.equal(network.state_dict()[f"visual.trunk.{name}"], resnet[name])


def test_torchvision_is_asked_for_them(resnet, monkeypatch):
    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", lambda self, **_: resnet)
    assert len(imagenet_weights(TORCHVISION, network_of())) == len(resnet) - 2  # all but the classifier's


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (URLError("no route to host"), "no route to host"),
        (RuntimeError("invalid hash value\nexpected ..."), "invalid hash value"),
        (TimeoutError(), "TimeoutError"),
        (http.client.RemoteDisconnected("closed"), "closed"),
    ],
)
def test_without_a_network_there_is_no_such_baseline_and_the_reason_is_one_line(monkeypatch, error, reason):
    def get_state_dict(self, **_):
        raise error

    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", get_state_dict)
    with pytest.raises(NotRunError, match=reason) as caught:
        imagenet_weights(TORCHVISION, network_of())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("width", "num_blocks"), [(4, 2), (64, 1), (64, 3)])
def test_a_network_of_another_size_has_no_such_baseline(width, num_blocks, monkeypatch):
    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", lambda self, **_: pytest.fail("fetched for nothing"))
    with pytest.raises(NotRunError, match="visual_width 64 and 2 visual_blocks"):
        imagenet_weights(TORCHVISION, network_of(width, num_blocks))


def test_a_wrong_file_is_one_line(resnet, tmp_path):
    path = tmp_path / "weights.pt"
    network = network_of()
    with pytest.raises(InputError, match=r"weights\.pt: no such file"):
        imagenet_weights(str(path), network)
    for content in (b"", b"junk"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"weights\.pt: cannot be read") as caught:
            imagenet_weights(str(path), network)
        assert "\n" not in str(caught.value)
    wrong = {
        "half of them": {name: each for name, each in resnet.items() if not name.startswith("layer4")},
        "another shape": {**resnet, "conv1.weight": torch.zeros(64, 3, 3, 3)},
        "a checkpoint that holds them": {"state_dict": resnet, "epoch": 3},
        "a list": list(resnet.values()),
    }
    for document in wrong.values():
        torch.save(document, path)
        with pytest.raises(InputError, match=r"weights\.pt: not the weights of torchvision's resnet18"):
            imagenet_weights(str(path), network)


def test_a_model_of_ours_is_not_taken_for_them(tmp_path):
    save_model(tmp_path / "model.pt", AudioVisualNetwork(TINY, TINY_WINDOW), "flip", {})
    with pytest.raises(InputError, match="not the weights of torchvision's resnet18"):
        imagenet_weights(str(tmp_path / "model.pt"), network_of())
