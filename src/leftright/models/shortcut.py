"""The 1x1 convolution on residual shortcuts that halve the resolution."""

from torch import Tensor, nn


class StridedShortcut(nn.Conv2d):
    """A 1x1 convolution with a stride, computed as picking every `stride`-th cell and convolving those.

    Parameters, their names and the result are those of `nn.Conv2d(..., 1, stride)`. On a CPU it is several times faster,
    and oneDNN 3.12 crashes in the strided form's backward pass under channels-last memory.
    """

    def __init__(self, num_inputs: int, num_outputs: int, stride: int) -> None:
        super().__init__(num_inputs, num_outputs, 1, bias=False)
        self.step = stride

    def forward(self, features: Tensor) -> Tensor:
        """Features : (batch, num_inputs, rows, columns). Returns (batch, num_outputs, rows / stride, columns / stride)."""
        return super().forward(features[..., :: self.step, :: self.step])
