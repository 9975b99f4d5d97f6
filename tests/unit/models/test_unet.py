"""The U-Net: its sizes, what it does with odd lengths, and that the picture has a say at its own time alone."""

import pytest
import torch
from torch import nn

from leftright.models.unet import NUM_LEVELS, STRIDE, UNet, _spread


def small(num_condition: int = 3, width: int = 2) -> UNet:
    torch.manual_seed(0)
    return UNet(2, 2, width, num_condition).eval()


def test_five_levels_of_4x4_at_the_papers_widths():
    with torch.device("meta"):
        network = UNet(2, 2, 64, 784)
        assert network(torch.zeros(1, 2, 256, 288), torch.zeros(1, 784, 18)).shape == (1, 2, 256, 288)
    down = [module for module in network.down.modules() if isinstance(module, nn.Conv2d)]
    up = [module for module in network.modules() if isinstance(module, nn.ConvTranspose2d)]
    assert len(down) == len(up) == NUM_LEVELS == 5
    assert [layer.out_channels for layer in down] == [64, 128, 256, 512, 512]
    assert [layer.out_channels for layer in up] == [512, 256, 128, 64, 2]
    assert [layer.in_channels for layer in up] == [512 + 784, 512 + 512, 256 + 256, 128 + 128, 64 + 64]
    assert {(*layer.kernel_size, *layer.stride) for layer in (*down, *up)} == {(4, 4, 2, 2)}


def test_the_bottleneck_is_a_32nd_of_both_axes():
    network, sizes = small(), []
    network.down[-1].register_forward_hook(lambda _module, _inputs, features: sizes.append(features.shape[-2:]))
    network(torch.randn(1, 2, 256, 288), torch.randn(1, 3, 9))
    assert sizes == [(256 // STRIDE, 288 // STRIDE)] == [(8, 9)]


@pytest.mark.parametrize("num_frames", [1, 31, 32, 33, 96, 101])
def test_any_number_of_frames_comes_back(num_frames):
    assert small()(torch.randn(2, 2, 64, num_frames), torch.randn(2, 3, 4)).shape == (2, 2, 64, num_frames)


def test_an_odd_length_is_that_of_silence_behind_it():
    network, spectrogram, condition = small(), torch.randn(1, 2, 64, 50), torch.randn(1, 3, 2)
    longer = torch.cat((spectrogram, torch.zeros(1, 2, 64, 14)), dim=-1)
    torch.testing.assert_close(network(spectrogram, condition), network(longer, condition)[..., :50])


def test_a_spectrogram_is_encoded_once_for_several_conditions():
    network, spectrogram = small().eval(), torch.randn(1, 2, 32, 64)
    conditions = torch.randn(2, 3, 2)
    levels = [level.repeat_interleave(2, dim=0) for level in network.encode(spectrogram)]
    both = network.decode(levels, conditions)
    for place in (0, 1):
        torch.testing.assert_close(both[place : place + 1], network(spectrogram, conditions[place : place + 1]))


@pytest.mark.parametrize("step", [0, 4, 8])
def test_what_is_seen_has_a_say_at_its_own_time_alone(step):
    """9 steps over 288 frames, 32 each. Five deconvolutions spread a column by 31 frames to either side."""
    network, spectrogram, condition = small(), torch.randn(1, 2, 32, 288), torch.randn(1, 3, 9)
    changed = condition.clone()
    changed[..., step] += 5
    difference = (network(spectrogram, changed) - network(spectrogram, condition)).abs().amax(dim=(0, 1, 2))
    touched = difference.nonzero().flatten()
    assert touched.min() >= max(0, 32 * step - 31)
    assert touched.max() <= min(287, 32 * step + 31 + 31)
    assert difference[32 * step : 32 * step + 32].min() > 0


def test_steps_and_columns_that_differ_in_number_keep_their_times():
    """18 steps for 9 columns are averaged in twos; 3 for 9 are drawn out; one holds for all."""
    features = torch.zeros(1, 1, 2, 9)
    steps = torch.arange(18.0).view(1, 1, 18)
    halved = _spread(steps, features)
    assert halved.shape == (1, 1, 2, 9)
    assert halved[0, 0, 0].tolist() == halved[0, 0, 1].tolist() == [2 * column + 0.5 for column in range(9)]
    spread = _spread(torch.tensor([[[1.0, 4.0, 7.0]]]), features)[0, 0, 0].tolist()
    assert spread == pytest.approx([1, 1, 2, 3, 4, 5, 6, 7, 7])
    assert (_spread(torch.full((1, 1, 1), 3.0), features) == 3).all()


def test_nothing_of_one_item_reaches_another():
    network, spectrogram, condition = small(), torch.randn(3, 2, 32, 64), torch.randn(3, 3, 2)
    together = network(spectrogram, condition)
    torch.testing.assert_close(together[1:2], network(spectrogram[1:2], condition[1:2]), atol=1e-5, rtol=1e-4)
