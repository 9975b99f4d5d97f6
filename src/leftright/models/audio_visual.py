"""The audio-visual model of the pretext task: two sub-networks and their fusion (facts of the paper, "Pretext model")."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from leftright.errors import InputError
from leftright.models.audio_network import STRIDE, AudioNetwork, num_audio_steps
from leftright.models.fusion import FusionNetwork
from leftright.models.geometry import WindowGeometry
from leftright.models.spectrogram import LogMelSpectrogram
from leftright.models.visual_network import Fusion, Stem, VisualNetwork, grid_side


@dataclass(frozen=True)
class Architecture:
    """The sizes that are chosen; all others follow from these and the window. Comments give the paper's."""

    audio_channels: int  # 2: left, right
    n_mels: int  # 128
    audio_width: int  # 64: 64-128-256-512
    audio_features: int  # 256
    visual_width: int  # 64: 64-128-256-512
    visual_blocks: int  # 2: ResNet-18
    visual_stem: Stem  # pool
    visual_reduced: int  # 16
    fusion: Fusion  # flatten
    fusion_features: int  # 512

    def __post_init__(self) -> None:
        if self.n_mels < STRIDE or self.n_mels % STRIDE:
            raise InputError(
                f"n_mels {self.n_mels}: the audio network halves it four times; choose a multiple of {STRIDE}"
            )

    def flattened(self) -> "Architecture":
        """The same sizes with the picture's layout kept, which all downstream networks have."""
        return replace(self, fusion="flatten")

    def visual_features(self, geometry: WindowGeometry) -> int:
        """Features of one frame: 16 x 7 x 7 = 784, or 512 where they are pooled."""
        if self.fusion == "average_pool":
            return 8 * self.visual_width
        return self.visual_reduced * grid_side(geometry.crop, self.visual_stem) ** 2

    def fused_features(self, geometry: WindowGeometry) -> int:
        """Features of one step where sound and picture meet: 256 + 784 = 1040."""
        return self.audio_features + self.visual_features(geometry)

    def audio_steps(self, geometry: WindowGeometry) -> int:
        """Steps of the audio embedding: 18."""
        return num_audio_steps(geometry.num_spectrogram_frames)


class AudioVisualNetwork(nn.Module):
    """Sound and picture of one window to one logit. For the flip task: is_flipped, the channels have been swapped."""

    def __init__(self, architecture: Architecture, geometry: WindowGeometry) -> None:
        super().__init__()
        self.architecture, self.geometry = architecture, geometry
        self.spectrogram = LogMelSpectrogram(architecture.n_mels)
        self.audio = AudioNetwork.of(architecture)
        self.visual = VisualNetwork.of(architecture, geometry.crop)
        self.fusion = FusionNetwork(architecture.audio_features, self.visual.num_features, architecture.fusion_features)

    def audio_embedding(self, waveform: Tensor) -> Tensor:
        """Waveform : (batch, channels, samples), full scale 1. Returns (batch, audio features, steps)."""
        return self.audio(self.spectrogram(waveform))

    def visual_embedding(self, frames: Tensor) -> Tensor:
        """Frames : (batch, time, 3, crop, crop), in 0..1. Returns (batch, visual features, time)."""
        return self.visual(frames)

    def forward(self, waveform: Tensor, frames: Tensor) -> Tensor:
        """waveform, frames as above, of the same windows. Returns the logits (batch,)."""
        return self.fusion(self.audio_embedding(waveform), self.visual_embedding(frames))
