"""Where sound and picture meet: per time step, then over time, to one logit."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FusionNetwork(nn.Module):
    """Two convolutions over the joined sequences, each looking at one step alone, then the mean over time and one logit.

    At full size 256 audio and 784 visual features: 1040 -> 512 -> 512 -> 1.
    """

    def __init__(self, num_audio_features: int, num_visual_features: int, num_features: int) -> None:
        super().__init__()
        self.steps = nn.Sequential(
            nn.Conv1d(num_audio_features + num_visual_features, num_features, 1),
            nn.ReLU(inplace=True),
            nn.Conv1d(num_features, num_features, 1),
            nn.ReLU(inplace=True),
        )
        self.logit = nn.Linear(num_features, 1)

    def joint_embedding(self, audio_embedding: Tensor, visual_embedding: Tensor) -> Tensor:
        """The features of sound and picture together, per step.

        audio_embedding : (batch, audio features, steps). visual_embedding : (batch, visual features, time), brought to
        the sound's steps where it has others. Returns (batch, num_features, steps).
        """
        steps = audio_embedding.shape[-1]
        if visual_embedding.shape[-1] != steps:
            visual_embedding = F.interpolate(visual_embedding, size=steps, mode="linear")
        return self.steps(torch.cat((audio_embedding, visual_embedding), dim=1))

    def forward(self, audio_embedding: Tensor, visual_embedding: Tensor) -> Tensor:
        """Embeddings as above. Returns the logits (batch,)."""
        return self.logit(self.joint_embedding(audio_embedding, visual_embedding).mean(dim=-1)).squeeze(-1)
