"""Mono to stereo, by physics: which ear a mask puts the sound in, and how loud."""

import pytest
import torch
from torch import Tensor, nn

from leftright.models.spatializer import Spatializer, to_stereo
from tests.band_noise import band_noise
from tests.unit.models.test_audio_visual import TINY, TINY_WINDOW

NUM_SAMPLES = TINY_WINDOW.num_samples


class Planes(nn.Module):
    """In the U-Net's place: the same real and imaginary number before tanh in every bin."""

    def __init__(self, real: float, imaginary: float) -> None:
        super().__init__()
        self.planes = torch.tensor([real, imaginary]).view(1, 2, 1, 1)

    def forward(self, spectrogram: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.planes.expand_as(spectrogram)


def spatializer(inputs: str = "both", mask: complex | None = None) -> Spatializer:
    """Mask : what the network is made to say in every bin."""
    torch.manual_seed(0)
    network = Spatializer(TINY, TINY_WINDOW, 2, inputs).eval()
    if mask is not None:
        network.unet = Planes(*torch.atanh(torch.tensor([mask.real, mask.imag]).clamp(-1 + 1e-7, 1 - 1e-7)).tolist())
    return network


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Without the highest bin, for which no mask is made."""
    return band_noise(0.0, 0.95, *shape, NUM_SAMPLES, seed=seed)


def frames(count: int = 2) -> Tensor:
    return torch.rand(count, TINY_WINDOW.num_frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mask", [0.5 + 0.0j, -0.25 + 0.0j, 0.0 + 0.5j, 0.3 - 0.6j])
def test_the_predicted_difference_is_the_mask_times_the_sum(mask):
    network, waveform = spatializer(mask=mask), noise(2, 2)
    predicted, true = network.spectra(waveform, frames())
    spectrum = network.transform(waveform.sum(dim=1))[:, :256]
    gain = 0.1 / waveform.sum(dim=1).square().mean(dim=-1).sqrt()
    torch.testing.assert_close(predicted, mask * gain[:, None, None] * spectrum, atol=1e-5, rtol=1e-4)
    difference = network.transform(waveform[:, 0] - waveform[:, 1])[:, :256]
    torch.testing.assert_close(true, gain[:, None, None] * difference, atol=1e-5, rtol=1e-4)


def test_the_two_spectra_are_at_one_level():
    """What is to be predicted is scaled as the input is: else a mask could not be right for loud and soft."""
    network, waveform = spatializer(mask=0.5), noise(1, 2)
    for scale in (1.0, 0.01):
        torch.testing.assert_close(
            network.spectra(scale * waveform, frames(1))[1], network.spectra(waveform, frames(1))[1]
        )


@pytest.mark.parametrize(("mask", "left", "right"), [(1.0, 1.0, 0.0), (-1.0, 0.0, 1.0), (0.0, 0.5, 0.5)])
def test_a_mask_of_plus_one_puts_all_sound_on_the_left(mask, left, right):
    """Channel 0 is left, and the difference is left less right."""
    mono = noise(2)
    stereo = spatializer(mask=complex(mask))(mono, frames())
    torch.testing.assert_close(stereo[:, 0], left * mono, atol=1e-4, rtol=0)
    torch.testing.assert_close(stereo[:, 1], right * mono, atol=1e-4, rtol=0)


def test_a_mask_that_knows_the_sides_gives_the_true_sound_back():
    """A source panned left by 12 dB: the difference is (1 - 1/4) / (1 + 1/4) of the sum."""
    source = noise(1)
    waveform = torch.stack((source, source / 4), dim=1)
    stereo = spatializer(mask=0.6 + 0j)(waveform.sum(dim=1), frames(1))
    torch.testing.assert_close(stereo, waveform, atol=1e-5, rtol=0)


def test_sum_and_difference_by_hand():
    stereo = to_stereo(torch.tensor([4.0, 0.0]), torch.tensor([2.0, 2.0]))
    assert stereo.tolist() == [[3.0, 1.0], [1.0, -1.0]]


def test_the_sum_is_kept_whatever_is_predicted():
    mono = noise(2)
    torch.testing.assert_close(spatializer()(mono, frames()).sum(dim=1), mono)


@pytest.mark.parametrize("scale", [1e-2, 3.0])
def test_loud_and_soft_are_spatialized_alike(scale):
    network, mono = spatializer(), noise(2)
    loud, soft = network.difference(mono, frames()), network.difference(scale * mono, frames())
    assert loud.abs().max() > 1e-3
    torch.testing.assert_close(soft / scale, loud, atol=1e-5, rtol=1e-3)


def test_silence_stays_silence():
    assert spatializer()(torch.zeros(1, NUM_SAMPLES), frames(1)).abs().max() == 0


def test_the_mask_lies_between_minus_one_and_one():
    network = spatializer()
    network.unet.last.weight.data.mul_(100)
    mask = network.mask(network.transform(noise(2)), frames())
    assert mask.shape == (2, 256, 101) and mask.is_complex()
    assert 0.9 < torch.view_as_real(mask).abs().max() <= 1


def test_without_the_picture_it_cannot_matter():
    for inputs, is_same in (("both", False), ("sound", True)):
        network, mono = spatializer(inputs), noise(2)
        assert torch.equal(network(mono, frames()), network(mono, 1 - frames())) == is_same


def test_without_the_picture_the_visual_network_is_not_trained():
    assert not any(weight.requires_grad for weight in spatializer("sound").visual.parameters())
    assert all(weight.requires_grad for weight in spatializer().parameters())
