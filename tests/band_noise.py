"""Noise of a band, which fades in and out: the reflection at a clip's ends then makes no other frequencies."""

import torch
from torch import Tensor

_FADE = 800  # samples


def band_noise(low: float, high: float, *shape: int, seed: int = 0) -> Tensor:
    """Noise (*shape) between two shares of the highest frequency, RMS about 0.1 if it is all of them."""
    generator = torch.Generator().manual_seed(seed)
    spectrum = torch.fft.rfft(0.1 * torch.randn(*shape, generator=generator))
    places = torch.arange(spectrum.shape[-1]) / spectrum.shape[-1]
    sound = torch.fft.irfft(spectrum * ((places >= low) & (places < high)), shape[-1])
    rise = torch.sin(torch.linspace(0, torch.pi / 2, _FADE)) ** 2
    sound[..., :_FADE] *= rise
    sound[..., -_FADE:] *= rise.flip(0)
    return sound
