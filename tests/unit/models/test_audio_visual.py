from dataclasses import replace

import pytest
import torch

from leftright.errors import InputError
from leftright.models import Architecture, AudioVisualNetwork, WindowGeometry

PAPER = Architecture(2, 128, 64, 256, 64, 2, "pool", 16, "flatten", 512)
PAPER_WINDOW = WindowGeometry(2.87, 6.0, 1, 224)
TINY = Architecture(2, 32, 4, 8, 4, 1, "conv", 4, "flatten", 8)
TINY_WINDOW = WindowGeometry(1.0, 6.0, 2, 32)


def test_the_papers_sizes():
    assert PAPER.audio_steps(PAPER_WINDOW) == PAPER_WINDOW.num_frames == 18
    assert PAPER.visual_features(PAPER_WINDOW) == 784
    assert PAPER.fused_features(PAPER_WINDOW) == 1040
    assert replace(PAPER, fusion="average_pool").visual_features(PAPER_WINDOW) == 512


def test_the_sizes_said_are_the_sizes_built():
    network = AudioVisualNetwork(TINY, TINY_WINDOW).eval()
    audio = network.audio_embedding(torch.randn(1, 2, TINY_WINDOW.num_samples))
    visual = network.visual_embedding(torch.rand(1, TINY_WINDOW.num_frames, 3, 32, 32))
    assert audio.shape == (1, 8, TINY.audio_steps(TINY_WINDOW))
    assert visual.shape == (1, TINY.visual_features(TINY_WINDOW), 3)
    assert network.fusion.steps[0].in_channels == TINY.fused_features(TINY_WINDOW)


def test_one_logit_a_window_from_that_window_alone():
    torch.manual_seed(0)
    network = AudioVisualNetwork(TINY, TINY_WINDOW).eval()
    waveform, frames = torch.randn(3, 2, TINY_WINDOW.num_samples), torch.rand(3, 3, 3, 32, 32)
    logits = network(waveform, frames)
    assert logits.shape == (3,)
    torch.testing.assert_close(logits[1:2], network(waveform[1:2], frames[1:2]))


@pytest.mark.parametrize("n_mels", [0, 8, 40])
def test_bands_that_cannot_be_halved_four_times_are_refused(n_mels):
    with pytest.raises(InputError, match=f"n_mels {n_mels}"):
        replace(TINY, n_mels=n_mels)
