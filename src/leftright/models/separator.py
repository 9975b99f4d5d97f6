"""Two clips' mixed sound back into each clip's own: a U-Net that is told what the asked clip shows (supplement, section D).

The input is the magnitude of left and right, stacked; the joint features of the pretext model, of the mixture and the asked
clip's picture, join in the middle; out come two ratio masks, one a channel. The mixture's phase is kept.
"""

import torch
from torch import Tensor, nn

from leftright.models.audio_network import AudioNetwork
from leftright.models.audio_visual import Architecture
from leftright.models.fusion import FusionNetwork
from leftright.models.geometry import WindowGeometry
from leftright.models.inputs import Inputs, without_gradient
from leftright.models.spectrogram import LogMelSpectrogram
from leftright.models.transform import NUM_BINS, Transform
from leftright.models.unet import UNet
from leftright.models.visual_network import VisualNetwork

_LEVEL = 0.1
_QUIETEST = 1e-4


class Separator(nn.Module):
    """The pretext model up to its joint features, and the U-Net.

    unet_width : its first level's channels (64). inputs : "sound" leaves the picture out, as a baseline does.
    """

    def __init__(self, architecture: Architecture, geometry: WindowGeometry, unet_width: int, inputs: Inputs) -> None:
        super().__init__()
        self.architecture, self.geometry, self.inputs = architecture, geometry, inputs
        self.unet_width = unet_width
        self.transform = Transform()
        self.spectrogram = LogMelSpectrogram(architecture.n_mels)
        self.audio = AudioNetwork.of(architecture)
        self.visual = VisualNetwork.of(architecture, geometry.crop)
        self.fusion = FusionNetwork(architecture.audio_features, self.visual.num_features, architecture.fusion_features)
        self.unet = UNet(2, 2, unet_width, architecture.fusion_features)
        without_gradient(self.fusion.logit)
        if inputs == "sound":
            without_gradient(self.visual)

    def forward(self, mixture: Tensor, frames: Tensor) -> Tensor:
        """The share of the asked clip in each bin. mixture : (batch, 2, samples). frames : (batch, time, 3, crop, crop), of the
        asked clip. Returns masks (batch, 2, 256, frames) in 0..1, left first.
        """
        return self.masks(mixture, frames.unsqueeze(1)).squeeze(1)

    def masks(self, mixture: Tensor, frames: Tensor) -> Tensor:
        """The shares of several clips in one mixture, whose sound is looked at once.

        frames : (batch, clips, time, 3, crop, crop). Returns (batch, clips, 2, 256, frames) in 0..1.
        """
        leveled = mixture * (_LEVEL / mixture.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp_min(_QUIETEST))
        magnitude = torch.log1p(self.transform(leveled).abs()[:, :, :NUM_BINS])
        num_clips = frames.shape[1]
        levels = [level.repeat_interleave(num_clips, dim=0) for level in self.unet.encode(magnitude)]
        heard = self.audio(self.spectrogram(mixture)).repeat_interleave(num_clips, dim=0)
        joint = self.fusion.joint_embedding(heard, self._seen(frames.flatten(0, 1)))
        masks = torch.sigmoid(self.unet.decode(levels, joint)[..., : magnitude.shape[-1]].float())
        return masks.unflatten(0, (-1, num_clips))

    def _seen(self, frames: Tensor) -> Tensor:
        if self.inputs == "sound":
            return frames.new_zeros(len(frames), self.visual.num_features, frames.shape[1])
        return self.visual(frames)

    def separate_all(self, mixture: Tensor, frames: Tensor) -> Tensor:
        """The sounds of several clips in one mixture. frames : (batch, clips, time, 3, crop, crop). Returns (batch, clips, 2,
        samples).
        """
        num_clips = frames.shape[1]
        masks = self.masks(mixture, frames).flatten(0, 1)
        return self.masked(mixture.repeat_interleave(num_clips, dim=0), masks).unflatten(0, (-1, num_clips))

    def separate(self, mixture: Tensor, frames: Tensor) -> Tensor:
        """The asked clip's sound in the mixture, (batch, 2, samples)."""
        return self.masked(mixture, self(mixture, frames))

    def masked(self, mixture: Tensor, masks: Tensor) -> Tensor:
        """The mixture (batch, 2, samples) under masks (batch, 2, 256, frames); the highest bin, which has no mask, goes."""
        spectrum = self.transform(mixture)
        kept = torch.zeros_like(spectrum)
        kept[:, :, :NUM_BINS] = spectrum[:, :, :NUM_BINS] * masks
        return self.transform.inverse(kept, mixture.shape[-1])
