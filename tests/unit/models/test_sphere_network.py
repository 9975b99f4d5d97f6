from dataclasses import replace

import pytest
import torch

from leftright.models import Architecture, WindowGeometry
from leftright.models.sound_field import NUM_INPUTS
from leftright.models.sphere_network import Sphere, SphereNetwork

PAPER = Architecture(4, 256, 64, 256, 64, 2, "pool", 16, "flatten", 512)
PAPER_WINDOW = WindowGeometry(3.0, 5.0, 1, 240)
TINY = Architecture(4, 16, 2, 4, 2, 1, "conv", 2, "flatten", 4)
TINY_WINDOW = WindowGeometry(1.0, 5.0, 2, 16)


def test_the_papers_sizes():
    """3 s at 5 Hz are 15 frames; 16 x 8 x 15 visual and 256 audio features meet."""
    assert PAPER_WINDOW.num_frames == 15
    with torch.device("meta"):
        network = SphereNetwork(PAPER, PAPER_WINDOW, Sphere("all", wraps=False))
        visual = network.visual_embedding(torch.zeros(1, 15, 3, 240, 480))
    assert visual.shape == (1, 1920, 15)
    assert network.fusion.steps[0].in_channels == 1920 + 256


@pytest.mark.parametrize("channels", list(NUM_INPUTS))
@pytest.mark.parametrize(("wraps", "normalises"), [(True, True), (False, False)])
def test_one_logit_a_window_from_that_window_alone(channels, wraps, normalises):
    torch.manual_seed(0)
    network = SphereNetwork(
        replace(TINY, audio_channels=NUM_INPUTS[channels]), TINY_WINDOW, Sphere(channels, wraps, normalises)
    ).eval()
    waveform = 0.1 * torch.randn(3, 4, TINY_WINDOW.num_samples)
    frames = torch.rand(3, TINY_WINDOW.num_frames, 3, 16, 32)
    logits = network(waveform, frames)
    assert logits.shape == (3,)
    torch.testing.assert_close(logits[1:2], network(waveform[1:2], frames[1:2]), rtol=1e-4, atol=1e-5)


def test_each_feature_of_a_normalised_embedding_has_mean_0_and_variance_1_over_the_batch():
    torch.manual_seed(0)
    waveform = 0.1 * torch.randn(16, 4, TINY_WINDOW.num_samples)
    embedding = SphereNetwork(TINY, TINY_WINDOW, Sphere("all", True, normalises=True)).audio_embedding(waveform)
    torch.testing.assert_close(embedding.mean(dim=(0, 2)), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(embedding.var(dim=(0, 2), correction=0), torch.ones(4), rtol=0.02, atol=0)
