"""The rotation task: has the sound been turned away from the picture? (Supplement, section E.)

One decision behind it: in the paired form every window is looked at in all four ways, with the sound as it is and turned, with
the picture as it is and turned by the same angle. Whether they are aligned is then the exclusive-or of the two, and neither
sound nor picture alone says anything about it within a batch. That costs two passes of each sub-network and gives four
examples. "drawn" takes the one that its coin says, as the paper. The inner products of a sound field turn as its channels do:
the sound is turned after its spectra have been computed, once for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from leftright.audio import PCM_FULL_SCALE
from leftright.data.augmentation import adjust_colour, mirror_frames, where
from leftright.data.sphere_windows import FixedRotations, Rotations, SphereBatch, TrainingRotations
from leftright.data.windows import Window
from leftright.metrics import flip as recognition
from leftright.models.sphere_network import SphereNetwork
from leftright.training.evaluation import describe, judged
from leftright.training.loop import recognition as recognised
from leftright.training.materials import Material
from leftright.training.progress import Judgement

Orientations = Literal["paired", "drawn"]

LOGITS = "logits"


def unpack(batch: SphereBatch) -> tuple[Tensor, Tensor]:
    """The waveform (batch, 4, samples) with full scale 1, and the frames (batch, time, 3, height, width) in 0..1, coloured."""
    waveform = torch.as_tensor(batch.waveform).float() / PCM_FULL_SCALE
    return waveform, adjust_colour(*map(torch.as_tensor, (batch.frames, batch.gain, batch.shift)))


def turn_picture(frames: Tensor, columns: Tensor) -> Tensor:
    """Each item of a batch turned to the left by its own number of columns. frames : (batch, ..., width). columns :
    (batch,).
    """
    width = frames.shape[-1]
    order = (torch.arange(width, device=frames.device) + columns[:, None]) % width
    order = order.view(len(frames), *[1] * (frames.dim() - 2), width).expand_as(frames)
    return frames.gather(-1, order)


def turn_features(network: SphereNetwork, features: Tensor, angle: Tensor) -> Tensor:
    """The audio network's inputs of a sound field that has been turned to the left, from those of the field as it was.

    features : (batch, inputs, bands, frames). angle : (batch,) radians. The level stays; where there are no intensities, all
    does.
    """
    if network.sphere.channels == "no_xyz":
        return features
    left, up, ahead = features[:, -3:].unbind(dim=1)
    cosine, sine = (each[:, None, None].to(features.dtype) for each in (angle.cos(), angle.sin()))
    turned = torch.stack((left * cosine + ahead * sine, up, ahead * cosine - left * sine), dim=1)
    return torch.cat((features[:, :-3], turned), dim=1)


def mirror_features(network: SphereNetwork, features: Tensor) -> Tensor:
    """The audio network's inputs of a sound field whose left and right have been exchanged. features : (batch, inputs, bands,
    frames).
    """
    if network.sphere.channels == "no_xyz":
        return features
    left, others = features[:, -3:-2], features[:, -2:]
    return torch.cat((features[:, :-3], -left, others), dim=1)


def logits_and_labels(network: SphereNetwork, batch: SphereBatch, orientations: Orientations) -> tuple[Tensor, Tensor]:
    """The network's logits of a batch, and whether the sound was turned away: (examples,) and (examples,).

    "paired" makes four examples of a window, "drawn" one.
    """
    waveform, frames = unpack(batch)
    columns, theta = (torch.as_tensor(each) for each in (batch.columns, batch.theta))
    column_rad = 2 * torch.pi / frames.shape[-1]
    is_mirrored = torch.as_tensor(batch.is_mirrored)
    features = network.features(waveform)
    features = where(is_mirrored, mirror_features(network, features), features)
    frames = where(is_mirrored, mirror_frames(frames), frames)
    if orientations == "drawn":
        is_rotated = torch.as_tensor(batch.is_rotated)
        heard = turn_features(network, features, column_rad * columns + theta * is_rotated)
        return network.fusion(network.hear(heard), network.visual(turn_picture(frames, columns))), is_rotated.float()
    # The picture turns by whole columns, and the sound with it.
    turned = columns + (theta / column_rad).round().long()
    heard = torch.cat([turn_features(network, features, column_rad * each) for each in (columns, turned)])
    seen = torch.cat([turn_picture(frames, each) for each in (columns, turned)])
    sound, sound_turned = network.hear(heard).chunk(2)
    sight, sight_turned = network.visual(seen).chunk(2)
    logits = network.fusion(
        torch.cat((sound, sound_turned, sound, sound_turned)), torch.cat((sight, sight, sight_turned, sight_turned))
    )
    return logits, torch.tensor([0.0, 1.0, 1.0, 0.0], device=logits.device).repeat_interleave(len(waveform))


@torch.inference_mode()
def judge(network: SphereNetwork, batch: SphereBatch) -> dict[str, Tensor]:
    """Logits (batch,) of each window as it is ("aligned") and with its sound turned by its angle ("rotated")."""
    waveform, frames = unpack(batch)
    features, visual = network.features(waveform), network.visual(frames)
    turned = turn_features(network, features, torch.as_tensor(batch.theta))
    aligned, rotated = network.fusion(network.hear(torch.cat((features, turned))), torch.cat((visual, visual))).chunk(2)
    return {"aligned": aligned, "rotated": rotated}


@dataclass(frozen=True)
class SphereMaterial(Material):
    """What the rotation task works on. windows : those of each split that are judged, at full length."""

    windows: Mapping[str, list[Window]]


class Rotation:
    """The task.

    rotations : the angles by which it turns sound away. orientations : see the module. mirrors : half of the training windows
    are mirrored.
    """

    def __init__(
        self, material: SphereMaterial, rotations: Rotations, orientations: Orientations, *, mirrors: bool
    ) -> None:
        self._material, self._rotations, self._orientations = material, rotations, orientations
        where_from = material.store, material.rows["train"], material.ranges
        self.training = TrainingRotations(*where_from, rotations, material.seed, mirrors=mirrors)

    def step(self, network: SphereNetwork, batch: SphereBatch) -> Mapping[str, Tensor]:
        """The loss of a batch."""
        return recognised(*logits_and_labels(network, batch, self._orientations))

    def validate(self, network: SphereNetwork) -> Judgement:
        """Accuracy, loss and expected error on the validation windows; the best network has the least expected error."""
        table = self.predict(network, "val")
        numbers = {
            "accuracy": recognition.accuracy(table, self._material.seed).value or 0.0,
            "loss": recognition.cross_entropy(table).value or 0.0,
        }
        error = recognition.expected_error(table)
        return Judgement({**numbers, "expected_error": error}, error)

    def predict(self, network: SphereNetwork, split: str) -> pd.DataFrame:
        """Both ways of every judged window of a split, in the form of `leftright.metrics.flip`: a turned sound is a flipped
        one.
        """
        windows = self._material.windows[split]
        items = FixedRotations(self._material.store, windows, self._rotations, self._material.seed)
        logits = judged(network, judge, items, self._material.num_workers)
        places = describe(self._material.store, windows, split)
        rows = [
            places.assign(is_flipped=is_rotated, logit=logits[name], condition="foa")
            for is_rotated, name in enumerate(("aligned", "rotated"))
        ]
        return pd.concat(rows, ignore_index=True)

    def alignments(self, network: SphereNetwork, split: str, angles: NDArray[np.floating]) -> tuple[
        pd.DataFrame, NDArray[np.float64]
    ]:  # fmt: skip
        """What the network says of every judged window with its sound turned by each angle in turn.

        angles : (angles,) radians, to the left. Returns the windows' places, and the logits that the sound has been turned,
        (windows, angles).
        """
        windows = self._material.windows[split]
        turns = torch.from_numpy(np.asarray(angles, np.float32))

        @torch.inference_mode()
        def ask(network: SphereNetwork, batch: SphereBatch) -> dict[str, Tensor]:
            waveform, frames = unpack(batch)
            features, visual = network.features(waveform), network.visual(frames)
            if network.sphere.channels == "no_xyz":  # it hears no turn
                logit = network.fusion(network.hear(features), visual)
                return {LOGITS: logit[:, None].expand(-1, len(turns))}
            said = []
            for turn in turns.to(features.device):
                heard = turn_features(network, features, turn.expand(len(features)))
                said.append(network.fusion(network.hear(heard), visual))
            return {LOGITS: torch.stack(said, dim=1)}

        items = FixedRotations(self._material.store, windows, self._rotations, self._material.seed)
        logits = judged(network, ask, items, self._material.num_workers)[LOGITS]
        return describe(self._material.store, windows, split), logits.astype(np.float64)
