"""Where is the face that sounds? A second of sound and a frame from another time (supplement, section B; figure 3, b).

The frame tells who, the sound must tell where. The features of both are stacked, expanded from 1 x 1 to 7 x 7 cells by two
deconvolutions, and each cell has 4 coordinates and a confidence for each of its anchors.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import nms, sigmoid_focal_loss

from leftright.models.audio_network import AudioNetwork
from leftright.models.audio_visual import Architecture
from leftright.models.boxes import anchors_over, decode, encode, responsible
from leftright.models.geometry import WindowGeometry
from leftright.models.inputs import Inputs, without_gradient
from leftright.models.spectrogram import LogMelSpectrogram
from leftright.models.visual_network import VisualNetwork

_COORDINATES = 4
_PRIOR = 0.01
"""Confidence before training, so that the many empty cells do not swamp the few with a face (Lin et al. 2017)."""


class Tracker(nn.Module):
    """The pretext model's sub-networks, and the head.

    geometry : of the second of sound. anchor_sizes : (anchors, 2), width and height as fractions of the picture. width :
    channels of the head (256). inputs : "sound" or "picture" leaves the other one out, as an ablation does.
    """

    anchors: Tensor

    def __init__(
        self,
        architecture: Architecture,
        geometry: WindowGeometry,
        anchor_sizes: tuple[tuple[float, float], ...],
        width: int,
        inputs: Inputs,
    ) -> None:
        super().__init__()
        self.architecture, self.geometry, self.inputs = architecture, geometry, inputs
        self.anchor_sizes, self.width = anchor_sizes, width
        self.spectrogram = LogMelSpectrogram(architecture.n_mels)
        self.audio = AudioNetwork.of(architecture)
        self.visual = VisualNetwork.of(architecture, geometry.crop)
        self.register_buffer("anchors", anchors_over(torch.tensor(anchor_sizes)), persistent=False)
        self.head = _head(architecture.audio_features + self.visual.num_features, width, len(anchor_sizes))
        if inputs != "both":
            without_gradient(self.visual if inputs == "sound" else self.audio)

    def forward(self, waveform: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Waveform : (batch, 2, samples). frame : (batch, 3, crop, crop) in 0..1.

        Returns the boxes' codes (batch, 7 * 7 * anchors, 4) and the logits of their confidence (batch, 7 * 7 * anchors).
        """
        stacked = torch.cat((self._heard(waveform), self._seen(frame)), dim=1)
        cells = self.head(stacked[..., None, None]).float()
        each = cells.unflatten(1, (-1, _COORDINATES + 1)).permute(0, 3, 4, 1, 2).flatten(1, 3)
        return each[..., :_COORDINATES], each[..., _COORDINATES]

    def _heard(self, waveform: Tensor) -> Tensor:
        if self.inputs == "picture":
            return waveform.new_zeros(len(waveform), self.architecture.audio_features)
        return self.audio(self.spectrogram(waveform)).mean(dim=-1)

    def _seen(self, frame: Tensor) -> Tensor:
        if self.inputs == "sound":
            return frame.new_zeros(len(frame), self.visual.num_features)
        return self.visual(frame.unsqueeze(1)).squeeze(-1)

    def loss(self, waveform: Tensor, frame: Tensor, boxes: Tensor) -> Tensor:
        """Focal loss of the confidences and smooth L1 of the coordinates (Lin et al. 2017; Girshick 2015), a box a picture.

        boxes : (batch, 4), left, top, right, bottom as fractions of the picture.
        """
        codes, logits = self(waveform, frame)
        mine = responsible(boxes, self.anchors)
        wanted = encode(boxes[:, None].expand(-1, len(self.anchors), -1), self.anchors)
        num_mine = mine.sum().clamp_min(1)
        confidence = sigmoid_focal_loss(logits, mine.float(), reduction="sum") / num_mine
        coordinates = F.smooth_l1_loss(codes[mine], wanted[mine], beta=0.1, reduction="sum") / _COORDINATES
        return confidence + coordinates / num_mine

    @torch.inference_mode()
    def detect(self, waveform: Tensor, frame: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The `count` most confident boxes that do not overlap by half, the best first.

        Returns boxes (batch, count, 4) and confidences (batch, count), 0 where there are fewer.
        """
        codes, logits = self(waveform, frame)
        boxes, scores = decode(codes, self.anchors), logits.sigmoid()
        found, confidences = boxes.new_zeros(len(boxes), count, 4), scores.new_zeros(len(boxes), count)
        for number, (candidates, score) in enumerate(zip(boxes, scores, strict=True)):
            kept = nms(candidates, score, 0.5)[:count]
            found[number, : len(kept)], confidences[number, : len(kept)] = candidates[kept], score[kept]
        return found, confidences


def _head(num_features: int, width: int, num_anchors: int) -> nn.Sequential:
    last = nn.Conv2d(width, num_anchors * (_COORDINATES + 1), 1)
    head = nn.Sequential(
        nn.ConvTranspose2d(num_features, width, 3, bias=False),  # 1 -> 3
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(width, width, 3, stride=2, bias=False),  # 3 -> 7
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        last,
    )
    assert last.bias is not None
    prior = torch.full((num_anchors, _COORDINATES + 1), 0.0)
    prior[:, _COORDINATES] = -torch.log(torch.tensor((1 - _PRIOR) / _PRIOR))
    last.bias.data.copy_(prior.flatten())
    return head
