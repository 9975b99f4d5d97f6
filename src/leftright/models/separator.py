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
from leftright.models.level import gain_to
from leftright.models.spectrogram import LogMelSpectrogram
from leftright.models.transform import NUM_BINS, Transform
from leftright.models.unet import UNet
from leftright.models.visual_network import VisualNetwork

_LEVEL = 0.1  # RMS to which a mixture is brought before the U-Net sees it


class Separator(nn.Module):
    """The pretext model up to its joint features, and the U-Net.

    unet_width : its first level's channels (64). inputs : "sound" leaves the picture out, as a baseline does. It cannot know
    then which clip is asked for: it parts the mixture in two.
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
        """The share of each asked clip in each bin of a mixture, whose sound is looked at once.

        mixture : (batch, 2, samples). frames : (batch, clips, time, 3, crop, crop), of the asked clips; without the picture's
        use, of two. Returns masks (batch, clips, 2, 256, frames) in 0..1, left first.
        """
        magnitude = self.transform(mixture * gain_to(_LEVEL, mixture, (1, 2))).abs()[:, :, :NUM_BINS]
        levels = self.unet.encode(torch.log1p(magnitude))
        heard = self.audio(self.spectrogram(mixture))
        if self.inputs == "sound":
            nothing = frames.new_zeros(len(frames), self.visual.num_features, frames.shape[2])
            one = self._masks(levels, heard, nothing, magnitude.shape[-1])
            return torch.stack((one, 1 - one), dim=1)
        num_clips = frames.shape[1]
        levels = [level.repeat_interleave(num_clips, dim=0) for level in levels]
        heard, seen = heard.repeat_interleave(num_clips, dim=0), self.visual(frames.flatten(0, 1))
        return self._masks(levels, heard, seen, magnitude.shape[-1]).unflatten(0, (-1, num_clips))

    def _masks(self, levels: list[Tensor], heard: Tensor, seen: Tensor, num_frames: int) -> Tensor:
        """A mask a channel, (items, 2, 256, num_frames), from what the U-Net's and both sub-networks made of each item."""
        joint = self.fusion.joint_embedding(heard, seen)
        return torch.sigmoid(self.unet.decode(levels, joint)[..., :num_frames].float())

    def separate(self, mixture: Tensor, frames: Tensor) -> Tensor:
        """The asked clips' sounds in a mixture, (batch, clips, 2, samples). frames : (batch, clips, time, 3, crop, crop)."""
        num_clips = frames.shape[1]
        masks = self(mixture, frames).flatten(0, 1)
        return self.masked(mixture.repeat_interleave(num_clips, dim=0), masks).unflatten(0, (-1, num_clips))

    def masked(self, mixture: Tensor, masks: Tensor) -> Tensor:
        """The mixture (batch, 2, samples) under masks (batch, 2, 256, frames); the highest bin, which has no mask, goes."""
        spectrum = self.transform(mixture)
        kept = torch.zeros_like(spectrum)
        kept[:, :, :NUM_BINS] = spectrum[:, :, :NUM_BINS] * masks
        return self.transform.inverse(kept, mixture.shape[-1])
