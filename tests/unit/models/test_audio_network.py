import pytest
import torch

from leftright.models.audio_network import AudioNetwork, num_audio_steps


def test_full_size():
    with torch.device("meta"):
        network = AudioNetwork(num_channels=2, n_mels=128, width=64, num_features=256)
        embedding = network(torch.zeros(3, 2, 128, 288))
    assert embedding.shape == (3, 256, 18)
    assert network.over_frequency.kernel_size == (8, 1)
    assert [block.residual[0].out_channels for block in network.blocks] == [64, 128, 256, 512]


@pytest.mark.parametrize("num_frames", [288, 101, 17, 16])
def test_the_number_of_steps_is_known_beforehand(num_frames):
    network = AudioNetwork(num_channels=4, n_mels=32, width=2, num_features=3).eval()
    assert network(torch.randn(1, 4, 32, num_frames)).shape == (1, 3, num_audio_steps(num_frames))


def test_steps_follow_the_sound_in_time():
    """A burst moves the embedding where it sounds: later by 64 spectrogram frames is later by 4 steps."""
    torch.manual_seed(0)
    network = AudioNetwork(num_channels=2, n_mels=32, width=4, num_features=8).eval()
    changes = []
    for start in (64, 128):
        quiet = torch.zeros(1, 2, 32, 256)
        burst = quiet.clone()
        burst[..., start : start + 16] = 5.0
        changes.append((network(burst) - network(quiet)).abs().sum(dim=1).argmax().item())
    assert changes[1] - changes[0] == 4


def test_left_and_right_are_told_apart():
    torch.manual_seed(0)
    network = AudioNetwork(num_channels=2, n_mels=32, width=4, num_features=8).eval()
    spectrogram = torch.randn(1, 2, 32, 64)
    assert not torch.allclose(network(spectrogram), network(spectrogram.flip(1)), atol=1e-3)
