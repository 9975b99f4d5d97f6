"""Convolutions that know that the left and right edges of an equirectangular picture meet."""

from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F


def wrap_horizontally(network: nn.Module) -> None:
    """Let every convolution and pooling of a network look over the picture's left and right edge to the other side, in place.

    Weights and their names stay. A network of strides that divide the picture's width then turns with the picture: shifting it
    by their product shifts the features by one cell.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.MaxPool2d):
            rows, columns = _padding(module)
            if columns:
                module.padding = (rows, 0)
                module.register_forward_pre_hook(partial(_look_over_the_edge, columns))


def _padding(module: nn.Conv2d | nn.MaxPool2d) -> tuple[int, int]:
    rows, columns = module.padding if isinstance(module.padding, tuple) else (module.padding, module.padding)
    return int(rows), int(columns)


def _look_over_the_edge(columns: int, _: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    return F.pad(inputs[0], (columns, columns, 0, 0), mode="circular")
