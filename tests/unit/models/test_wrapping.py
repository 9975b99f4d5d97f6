import copy

import pytest
import torch

from leftright.models.visual_network import ResidualTrunk, VisualNetwork
from leftright.models.wrapping import wrap_horizontally

PICTURES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))


def trunk(stem: str, *, wraps: bool) -> ResidualTrunk:
    torch.manual_seed(0)
    made = ResidualTrunk(4, 1, stem).eval()
    if wraps:
        wrap_horizontally(made)
    return made


@pytest.mark.parametrize(("stem", "stride"), [("pool", 32), ("conv", 16)])
def test_a_picture_shifted_by_a_cell_shifts_the_features_by_one(stem, stride):
    network = trunk(stem, wraps=True)
    torch.testing.assert_close(network(PICTURES.roll(stride, -1)), network(PICTURES).roll(1, -1), rtol=1e-4, atol=1e-5)


def test_without_it_the_edges_are_edges():
    network = trunk("conv", wraps=False)
    assert not torch.allclose(network(PICTURES.roll(16, -1)), network(PICTURES).roll(1, -1), rtol=1e-2, atol=1e-3)


def test_weights_names_and_sizes_stay():
    wrapped, plain = trunk("pool", wraps=True), trunk("pool", wraps=False)
    assert wrapped.state_dict().keys() == plain.state_dict().keys()
    assert wrapped(PICTURES).shape == plain(PICTURES).shape


def test_top_and_bottom_do_not_meet():
    network = trunk("conv", wraps=True)
    assert not torch.allclose(network(PICTURES.roll(16, -2)), network(PICTURES).roll(1, -2), rtol=1e-2, atol=1e-3)


def test_a_copy_wraps_as_well():
    network = trunk("conv", wraps=True)
    torch.testing.assert_close(copy.deepcopy(network)(PICTURES), network(PICTURES))


def test_the_grid_of_the_papers_picture():
    """240 x 480 pixels become 8 x 15 cells, of 16 features each."""
    with torch.device("meta"):
        network = VisualNetwork(64, 2, "pool", "flatten", 16, crop=240, aspect=2, wraps=True)
        assert network.trunk(torch.zeros(1, 3, 240, 480)).shape == (1, 512, 8, 15)
        assert network(torch.zeros(1, 2, 3, 240, 480)).shape == (1, 16 * 8 * 15, 2)
    assert network.num_features == 16 * 8 * 15
