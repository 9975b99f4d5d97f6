import torch
from torch import nn

from leftright.models.shortcut import StridedShortcut


def test_it_is_the_strided_convolution():
    picked = StridedShortcut(3, 5, stride=2)
    strided = nn.Conv2d(3, 5, 1, stride=2, bias=False)
    strided.load_state_dict(picked.state_dict())
    features = torch.randn(2, 3, 7, 8)
    torch.testing.assert_close(picked(features), strided(features))


def test_channels_last_training_works_on_a_cpu():
    shortcut = StridedShortcut(8, 16, stride=2).to(memory_format=torch.channels_last)
    features = torch.randn(4, 8, 16, 16).to(memory_format=torch.channels_last).requires_grad_()
    shortcut(features).sum().backward()
    assert features.grad[..., 1::2, :].abs().max() == 0
    assert features.grad[..., ::2, ::2].abs().min() > 0
