"""Separation, by masks whose result is known, and with a network made by hand that listens to what the picture asks for."""

import pytest
import torch
from torch import Tensor, nn

from leftright.models.separator import Separator
from tests.band_noise import band_noise
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW

NUM_SAMPLES = TINY_WINDOW.num_samples


class ByColour(nn.Module):
    """In the U-Net's place: who asks for red gets what lies below bin 128, who asks for blue what lies above."""

    def encode(self, spectrogram: Tensor) -> list[Tensor]:
        return [spectrogram]

    def decode(self, levels: list[Tensor], condition: Tensor) -> Tensor:
        (spectrogram,) = levels
        wants_high = condition.mean(dim=(1, 2)) > 0
        is_high = (torch.arange(256) >= 128).view(1, 1, 256, 1).expand_as(spectrogram)
        return torch.where(wants_high.view(-1, 1, 1, 1) == is_high, 40.0, -40.0)


class BlueLessRed(nn.Module):
    """In the visual network's place."""

    num_features = 1

    def forward(self, frames: Tensor) -> Tensor:
        return (frames[:, :, 2] - frames[:, :, 0]).mean(dim=(-2, -1)).unsqueeze(1)


def separator(inputs: str = "both") -> Separator:
    torch.manual_seed(0)
    return Separator(TINY, TINY_WINDOW, 2, inputs).eval()


def by_hand() -> Separator:
    network = separator()
    network.unet, network.visual = ByColour(), BlueLessRed()
    network.fusion.joint_embedding = lambda audio, visual: visual
    return network


def band(low: float, high: float, *shape: int, seed: int = 0) -> Tensor:
    return band_noise(low, high, *shape, NUM_SAMPLES, seed=seed)


def frames(*colours: tuple[float, float, float]) -> Tensor:
    return torch.tensor(colours).view(-1, 1, 3, 1, 1).expand(-1, TINY_WINDOW.num_frames, 3, 32, 32)


RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def test_masks_of_one_give_the_mixture_back_and_of_nothing_silence():
    network, mixture = separator(), band(0.0, 0.95, 2, 2)
    whole = network.masked(mixture, torch.ones(2, 2, 256, 101))
    torch.testing.assert_close(whole, mixture, atol=1e-5, rtol=0)
    assert network.masked(mixture, torch.zeros(2, 2, 256, 101)).abs().max() == 0
    torch.testing.assert_close(
        network.masked(mixture, torch.full((2, 2, 256, 101), 0.25)), mixture / 4, atol=1e-5, rtol=0
    )


def test_each_channel_has_its_own_mask_left_first():
    network, mixture = separator(), band(0.0, 0.95, 1, 2)
    masks = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 256, 101)
    left_alone = network.masked(mixture, masks)
    torch.testing.assert_close(left_alone[:, 0], mixture[:, 0], atol=1e-5, rtol=0)
    assert left_alone[:, 1].abs().max() == 0


def test_who_is_asked_for_is_heard_and_the_other_is_not():
    low, high = band(0.0, 0.45, 1, 2), band(0.55, 0.95, 1, 2, seed=1)
    estimates = by_hand().separate(low + high, frames(RED, BLUE)[None])
    torch.testing.assert_close(estimates[:, 0], low, atol=1e-3, rtol=0)
    torch.testing.assert_close(estimates[:, 1], high, atol=1e-3, rtol=0)


def test_other_pictures_other_sounds():
    """The pictures exchanged, the estimates are exchanged."""
    mixture = band(0.0, 0.45, 1, 2) + band(0.55, 0.95, 1, 2, seed=1)
    network = by_hand()
    asked, exchanged = (network.separate(mixture, frames(*two)[None]) for two in ((RED, BLUE), (BLUE, RED)))
    torch.testing.assert_close(asked, exchanged.flip(1))
    assert not torch.allclose(asked, exchanged, atol=1e-3)


def test_several_clips_of_one_mixture_are_asked_for_at_once():
    network, mixture = separator(), band(0.0, 1.0, 2, 2)
    pictures = torch.stack((frames(RED, RED), frames(BLUE, BLUE)), dim=1)
    masks = network(mixture, pictures)
    for place, colour in enumerate((RED, BLUE)):
        alone = network(mixture, frames(colour, colour).unsqueeze(1)).squeeze(1)
        torch.testing.assert_close(masks[:, place], alone, atol=1e-6, rtol=1e-5)


def test_the_real_network_hears_the_picture_too():
    network, mixture = separator(), band(0.0, 1.0, 1, 2)
    masks = [network(mixture, frames(colour)[None]) for colour in (RED, BLUE)]
    assert masks[0].shape == (1, 1, 2, 256, 101)
    assert all(each.min() >= 0 and each.max() <= 1 for each in masks)
    assert not torch.equal(*masks)


def test_the_two_channels_are_told_apart():
    network, mixture = separator(), band(0.0, 1.0, 1, 2)
    swapped = network(mixture.flip(1), frames(RED)[None]).flip(2)
    assert not torch.allclose(swapped, network(mixture, frames(RED)[None]), atol=1e-4)


@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_the_level_of_a_recording_changes_no_mask(scale):
    """As far as the spectrogram's floor is below it."""
    network, mixture = separator(), band(0.0, 1.0, 1, 2)
    red = frames(RED)[None]
    torch.testing.assert_close(network(scale * mixture, red), network(mixture, red), atol=1e-2, rtol=0)


def test_without_the_picture_it_cannot_matter():
    network, mixture = separator("sound"), band(0.0, 1.0, 1, 2)
    assert torch.equal(network(mixture, frames(RED)[None]), network(mixture, frames(BLUE)[None]))


def test_without_the_picture_it_parts_the_mixture_in_two():
    network, mixture = separator("sound"), band(0.0, 1.0, 1, 2)
    parts = network(mixture, frames(RED, BLUE)[None])
    assert parts.shape == (1, 2, 2, 256, 101)
    torch.testing.assert_close(parts.sum(dim=1), torch.ones(1, 2, 256, 101))


def test_what_is_never_used_is_not_trained():
    """Several processes would wait for its gradients; the logit is the pretext task's alone."""
    for inputs in ("both", "sound"):
        network = separator(inputs)
        untrained = [name.split(".") for name, each in network.named_parameters() if not each.requires_grad]
        names = {".".join(name[:2]) for name in untrained}
        assert names == ({"fusion.logit"} if inputs == "both" else {"fusion.logit", "visual.trunk", "visual.reduction"})
        masks = network(band(0.0, 1.0, 2, 2), frames(RED, BLUE).unsqueeze(1))
        masks.sum().backward()
        assert all(each.grad is not None for each in network.parameters() if each.requires_grad)
