"""The audio-visual model of the rotation task: as the flip model, with a sound field's four channels and the whole sphere's
picture (supplement, section E).
"""

from dataclasses import dataclass

from torch import Tensor, nn

from leftright.equirectangular import ASPECT
from leftright.models.audio_network import AudioNetwork
from leftright.models.audio_visual import Architecture
from leftright.models.fusion import FusionNetwork
from leftright.models.geometry import WindowGeometry
from leftright.models.sound_field import NUM_INPUTS, Channels, SoundFieldFeatures
from leftright.models.visual_network import VisualNetwork


@dataclass(frozen=True)
class Sphere:
    """What a network of the rotation task has beyond the flip model's sizes.

    channels : what it hears. wraps : whether it looks over the picture's edge. normalises : whether each feature of the audio
    embedding is brought to mean 0 and variance 1 over the batch, as those of the visual one are before their rectifier.
    Without, what the fusion gets at the start varies far less with the sound than with the picture.
    """

    channels: Channels
    wraps: bool
    normalises: bool = False


class SphereNetwork(nn.Module):
    """Sound field and picture of one window to one logit: both are aligned, the sound has not been turned away.

    architecture : `n_mels` are the bands of the spectrum (the paper: all 256). geometry : its `crop` is the picture's height.
    """

    def __init__(self, architecture: Architecture, geometry: WindowGeometry, sphere: Sphere) -> None:
        super().__init__()
        self.architecture, self.geometry, self.sphere = architecture, geometry, sphere
        self.features = SoundFieldFeatures(architecture.n_mels, sphere.channels)
        sizes = (architecture.n_mels, architecture.audio_width, architecture.audio_features)
        self.audio = AudioNetwork(NUM_INPUTS[sphere.channels], *sizes)
        self.normalisation: nn.Module = (
            nn.BatchNorm1d(architecture.audio_features, affine=False) if sphere.normalises else nn.Identity()
        )
        self.visual = VisualNetwork.of(architecture, geometry.crop, aspect=ASPECT, wraps=sphere.wraps)
        self.fusion = FusionNetwork(architecture.audio_features, self.visual.num_features, architecture.fusion_features)

    def audio_embedding(self, waveform: Tensor) -> Tensor:
        """Waveform : (batch, 4, samples), ambiX, full scale 1. Returns (batch, audio features, steps)."""
        return self.hear(self.features(waveform))

    def hear(self, features: Tensor) -> Tensor:
        """Features : the audio network's inputs (batch, inputs, bands, frames). Returns the embedding, as above."""
        return self.normalisation(self.audio(features))

    def visual_embedding(self, frames: Tensor) -> Tensor:
        """Frames : (batch, time, 3, height, 2 x height), in 0..1. Returns (batch, visual features, time)."""
        return self.visual(frames)

    def forward(self, waveform: Tensor, frames: Tensor) -> Tensor:
        """waveform, frames as above, of the same windows. Returns the logits (batch,)."""
        return self.fusion(self.audio_embedding(waveform), self.visual_embedding(frames))
