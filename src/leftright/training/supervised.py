"""ResNet-18 with ImageNet weights, as the supervised baseline's start (supplement, section C).

They come from torchvision, which fetches them once, or from a local file with the same names. Where they cannot be had, or the
visual network is not of ResNet-18's size, there is no such baseline, and the reason is said.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from leftright.errors import InputError

TORCHVISION = "torchvision"
_TRUNK = "visual.trunk."
_CLASSIFIER = "fc."


class NotRunError(Exception):
    """A baseline that cannot be made here; the text is the reason."""


def imagenet_weights(source: str, network: nn.Module) -> dict[str, Tensor]:
    """The weights under the names that they have in a network with a visual trunk.

    source : "torchvision", or a file with a state dict of torchvision's resnet18. Raises NotRunError where the network is of
    another size or the weights cannot be fetched, InputError where a file is missing or holds something else.
    """
    wanted = {name: tensor for name, tensor in network.state_dict().items() if name.startswith(_TRUNK)}
    num_blocks = sum(f"{_TRUNK}layer1.{block}.conv1.weight" in wanted for block in range(3))
    if wanted[f"{_TRUNK}conv1.weight"].shape[0] != 64 or num_blocks != 2:
        raise NotRunError("ImageNet weights are of ResNet-18: they need visual_width 64 and 2 visual_blocks")
    weights = _fetched() if source == TORCHVISION else _of_file(Path(source))
    named = {f"{_TRUNK}{name}": tensor for name, tensor in weights.items() if not name.startswith(_CLASSIFIER)}
    if {name: tensor.shape for name, tensor in named.items()} != {name: each.shape for name, each in wanted.items()}:
        raise InputError(f"{source}: not the weights of torchvision's resnet18; save its state_dict()")
    return named


def _fetched() -> dict[str, Tensor]:
    from torchvision.models import ResNet18_Weights

    try:
        return dict(ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:  # no network, or what came is damaged
        raise NotRunError(f"ImageNet weights could not be fetched ({_first_line(error)})") from None


def _of_file(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the weights of resnet18, or write torchvision")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes of no weights make the unpickler raise anything at all
        raise InputError(f"{path}: cannot be read ({_first_line(error)})") from None
    if not (isinstance(weights, dict) and all(isinstance(each, Tensor) for each in weights.values())):
        raise InputError(f"{path}: not the weights of torchvision's resnet18; save its state_dict()")
    return weights


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
