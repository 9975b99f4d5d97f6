"""Bringing sounds to one level, so that loud and soft recordings weigh the same (as in "2.5D Visual Sound", CVPR 2019)."""

from torch import Tensor

QUIETEST = 1e-4
"""RMS below which a sound is not raised any further: silence does not become noise."""


def gain_to(level: float, waveform: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """What to multiply a waveform by for an RMS of `level` over `dim`, which is kept with one entry. level : full scale 1."""
    return level / waveform.square().mean(dim=dim, keepdim=True).sqrt().clamp_min(QUIETEST)
