"""The task `spatialize`: from the sum of the channels and the picture to their difference (supplement, section C).

Trained on windows, judged on whole clips, whose windows overlap and fade into one another. Beside the prediction each clip is
judged with its picture mirrored, which should be worse than no picture, and as mono in both channels.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from leftright.audio import from_pcm
from leftright.data.augmentation import Augmentation, mirror_frames, mirror_where
from leftright.data.windows import Batch, ClipStore, FixedWindows, TrainingWindows, evenly_spaced
from leftright.metrics.spatial_audio import measures
from leftright.models.spatializer import Spatializer, to_stereo
from leftright.results import Value
from leftright.training.evaluation import judged
from leftright.training.flip import unpack
from leftright.training.materials import Judging, Material, means_by_condition
from leftright.training.overlap import overlap_add, places_over
from leftright.training.progress import Judgement

MEASURES = ("stft", "env", "mag", "phase", "snr_db")
CONDITIONS = ("predicted", "mirrored", "mono")
"""With the clip's picture, with the mirrored one, and the sum of the channels in both."""

Distance = Literal["l1", "mse"]


def loss_of(predicted: Tensor, true: Tensor, distance: Distance) -> Tensor:
    """The mean distance of two spectrograms; of complex ones, over real and imaginary parts. Both of one shape."""
    if predicted.is_complex():
        predicted, true = torch.view_as_real(predicted), torch.view_as_real(true)
    return F.l1_loss(predicted, true) if distance == "l1" else F.mse_loss(predicted, true)


def step(network: Spatializer, batch: Batch, distance: Distance) -> Mapping[str, Tensor]:
    """The loss of a batch, mirrored as its coins say: picture and sound together."""
    waveform, frames = unpack(batch)
    predicted, true = network.spectra(*mirror_where(torch.as_tensor(batch.is_mirrored), waveform, frames))
    return {"loss": loss_of(predicted, true, distance)}


class Spatialization:
    """The task on some shards."""

    def __init__(self, material: Material, judging: Judging, distance: Distance, overlap: float) -> None:
        self._material, self._judging, self._distance, self._overlap = material, judging, distance, overlap
        self.training = TrainingWindows(material.store, material.rows["train"], material.ranges, material.seed)
        windows = evenly_spaced(material.store, material.rows["val"], judging.windows)
        self._validation = FixedWindows(material.store, windows)
        self.clips = material.some("test", judging.clips)

    def step(self, network: Spatializer, batch: Batch) -> Mapping[str, Tensor]:
        """The loss of a batch."""
        return step(network, batch, self._distance)

    def validate(self, network: Spatializer) -> Judgement:
        """The loss on the validation windows as they are."""

        @torch.inference_mode()
        def losses(network: Spatializer, batch: Batch) -> dict[str, Tensor]:
            spectra = zip(*network.spectra(*unpack(batch)), strict=True)
            return {"loss": torch.stack([loss_of(predicted, true, self._distance) for predicted, true in spectra])}

        loss = float(judged(network, losses, self._validation, self._material.num_workers)["loss"].mean())
        return Judgement({"loss": loss}, loss)

    def examine(self, network: Spatializer) -> pd.DataFrame:
        """One row a test clip and condition: where it is from, and its measures."""
        network.eval()
        return pd.DataFrame([row for clip in self.clips for row in self._rows(network, clip)])

    def _rows(self, network: Spatializer, row: int) -> list[dict[str, Any]]:
        described, true = self._material.describe(row), full_clip(self._material.store, row)
        mono, frames = true.sum(axis=0), cropped_frames(self._material.store, row)
        predicted = self._spatialized(network, mono, frames)
        # Who does not look cannot tell.
        looks = network.inputs != "sound"
        sounds = {
            "predicted": predicted,
            "mirrored": self._spatialized(network, mono, mirror_frames(frames)) if looks else predicted,
            "mono": np.stack((mono / 2, mono / 2)),
        }
        return [{**described, "condition": name, **measures(sounds[name], true)} for name in CONDITIONS]

    def stereo(self, network: Spatializer, row: int) -> NDArray[np.float32]:
        """The clip's sound, made stereo again from its sum: (2, samples)."""
        store = self._material.store
        return self._spatialized(network, full_clip(store, row).sum(axis=0), cropped_frames(store, row))

    def _spatialized(self, network: Spatializer, mono: NDArray[np.float32], frames: Tensor) -> NDArray[np.float32]:
        device = next(network.parameters()).device
        return spatialized(network, torch.from_numpy(mono).to(device), frames.to(device), self._overlap).cpu().numpy()

    def summary(self, table: pd.DataFrame) -> dict[str, Value]:
        """The mean of each measure over clips: as predicted, and `<condition>.<measure>` of the others."""
        return means_by_condition(table, MEASURES, CONDITIONS[0], self._judging.num_resamples)


@torch.inference_mode()
def spatialized(network: Spatializer, mono: Tensor, frames: Tensor, overlap: float) -> Tensor:
    """A whole clip made stereo. mono : (samples,), left + right. frames : (stored frames, 3, crop, crop). Returns (2, samples).

    The difference of the channels is what fades from window to window; the sum stays what it is.
    """
    geometry = network.geometry
    places = places_over(len(mono), len(frames), geometry, overlap)
    difference = overlap_add(network.difference, mono, frames, places, geometry.num_samples)
    return to_stereo(mono, difference)


def full_clip(store: ClipStore, row: int) -> NDArray[np.float32]:
    """The sound of a whole clip (2, samples), full scale 1."""
    return from_pcm(store.reader.waveform(row))


def cropped_frames(store: ClipStore, row: int) -> Tensor:
    """All stored frames of a clip, cropped from the centre, (frames, 3, crop, crop) in 0..1."""
    none = Augmentation.none(store.heights[row], store.widths[row], store.geometry.crop)
    frames: Sequence[int] = range(store.num_frames[row])
    return torch.from_numpy(none.crop(store.stored_frames(row, frames), store.geometry.crop).copy()).float() / 255
