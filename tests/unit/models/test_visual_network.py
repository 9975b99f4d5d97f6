import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from leftright.models.visual_network import IMAGENET_MEAN, VisualNetwork, grid_side


def small(fusion: str = "flatten", stem: str = "pool", crop: int = 64) -> VisualNetwork:
    torch.manual_seed(0)
    return VisualNetwork(width=4, num_blocks=1, stem=stem, fusion=fusion, num_reduced=4, crop=crop).eval()


@pytest.mark.parametrize(("fusion", "num_features"), [("flatten", 784), ("average_pool", 512)])
def test_full_size(fusion, num_features):
    with torch.device("meta"):
        network = VisualNetwork(64, 2, "pool", fusion, 16, crop=224)
        assert network(torch.zeros(2, 18, 3, 224, 224)).shape == (2, num_features, 18)
    assert network.num_features == num_features


def test_at_full_size_the_trunk_is_torchvisions_resnet18():
    torch.manual_seed(0)
    reference = resnet18().eval()
    network = VisualNetwork(64, 2, "pool", "flatten", 16, crop=64).eval()
    weights = {name: weight for name, weight in reference.state_dict().items() if not name.startswith("fc.")}
    network.trunk.load_state_dict(weights, strict=True)
    picture = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(network.trunk(picture), _through_layer4(reference, picture))


def _through_layer4(resnet: nn.Module, picture: Tensor) -> Tensor:
    return nn.Sequential(*list(resnet.children())[:-2])(picture)


@pytest.mark.parametrize("crop", [64, 72, 100, 224])
@pytest.mark.parametrize("stem", ["pool", "conv"])
def test_the_grid_is_known_beforehand(crop, stem):
    side = grid_side(crop, stem)
    assert small(stem=stem, crop=crop).trunk(torch.zeros(1, 3, crop, crop)).shape[-2:] == (side, side)


def test_a_picture_of_imagenets_mean_colour_is_zero_inside():
    network = small()
    seen = []
    network.trunk.conv1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(torch.tensor(IMAGENET_MEAN).view(1, 1, 3, 1, 1).expand(1, 1, 3, 64, 64))
    torch.testing.assert_close(seen[0], torch.zeros(1, 3, 64, 64))


def test_each_frame_has_its_own_embedding_in_its_own_place():
    network, frames = small(), torch.rand(2, 3, 3, 64, 64)
    together = network(frames)
    torch.testing.assert_close(together[1, :, 2], network(frames[1:, 2:])[0, :, 0])


def test_flattening_keeps_where_things_are_and_pooling_forgets_it():
    features = torch.rand(1, 32, 4, 4)
    pooled, flat = small("average_pool").reduction, small("flatten").reduction
    torch.testing.assert_close(pooled(features.flip(-1)), pooled(features))
    torch.testing.assert_close(flat(features.flip(-1)).view(4, 4, 4).flip(-1), flat(features).view(4, 4, 4))
    assert not torch.allclose(flat(features.flip(-1)), flat(features))
