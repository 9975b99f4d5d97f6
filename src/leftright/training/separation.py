"""The task `separate`: a mixture of two clips, and the picture of the one that is asked for (supplement, section D)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from leftright.audio import swap_channels
from leftright.data.augmentation import adjust_colour, mirror_frames, where
from leftright.data.contrast import Others
from leftright.data.mixtures import FixedPairs, Pair, TrainingPairs
from leftright.data.shards import PCM_FULL_SCALE
from leftright.data.windows import evenly_spaced
from leftright.errors import InputError
from leftright.metrics import separation as metrics
from leftright.metrics.bootstrap import bootstrap_mean
from leftright.models.separator import Separator
from leftright.models.transform import NUM_BINS
from leftright.results import Value
from leftright.training.evaluation import judged
from leftright.training.materials import Judging, Material
from leftright.training.progress import Judgement
from leftright.training.spatialization import Distance, loss_of

MEASURES = ("sdr_db", "sir_db", "sar_db", "sdr_mixture_db", "sdr_improvement_db")

_LEVEL = 0.05  # RMS of each clip in the mixture
_QUIETEST = 1e-5


class Mixture(NamedTuple):
    """sources : (batch, 2 clips, 2, samples). frames : (batch, 2 clips, time, 3, crop, crop) in 0..1."""

    sources: Tensor
    frames: Tensor

    @property
    def sound(self) -> Tensor:
        """What is heard: (batch, 2, samples)."""
        return self.sources.sum(dim=1)


def mixture(batch: Pair) -> Mixture:
    """Both clips, mirrored as drawn and at one level, over both channels."""
    is_mirrored = torch.as_tensor(batch.is_mirrored).flatten()
    waveform = torch.as_tensor(batch.waveform).flatten(0, 1).float() / PCM_FULL_SCALE
    waveform = where(is_mirrored, swap_channels(waveform), waveform)
    level = waveform.square().mean(dim=(1, 2), keepdim=True).sqrt()
    fields = (torch.as_tensor(field).flatten(0, 1) for field in (batch.frames, batch.gain, batch.shift))
    frames = adjust_colour(*fields)
    frames = where(is_mirrored, mirror_frames(frames), frames)
    sources = waveform * (_LEVEL / level.clamp_min(_QUIETEST))
    return Mixture(sources.unflatten(0, (-1, 2)), frames.unflatten(0, (-1, 2)))


def step(network: Separator, batch: Pair, distance: Distance) -> Mapping[str, Tensor]:
    """The loss of a batch, in which each clip of each mixture is asked for once.

    It is the distance between the mixture's magnitude under the mask and the asked clip's, in units of the clips' level.
    """
    mixed = mixture(batch)
    heard = mixed.sound.repeat_interleave(2, dim=0)
    masks = network(heard, mixed.frames.flatten(0, 1))
    with torch.no_grad():
        magnitudes = network.transform(heard).abs()[:, :, :NUM_BINS] / _LEVEL
        wanted = network.transform(mixed.sources.flatten(0, 1)).abs()[:, :, :NUM_BINS] / _LEVEL
    return {"loss": loss_of(masks * magnitudes, wanted, distance)}


class Separation:
    """The task on some shards."""

    def __init__(self, material: Material, judging: Judging, distance: Distance) -> None:
        """Raises InputError where a split has clips of one video alone."""
        self._material, self._judging, self._distance = material, judging, distance
        training = self._others("train")
        self.training = TrainingPairs(material.store, material.rows["train"], material.ranges, material.seed, training)
        windows = evenly_spaced(material.store, material.rows["val"], judging.windows)
        self._validation = FixedPairs(material.store, windows, self._others("val"), material.seed)
        middle = evenly_spaced(material.store, material.some("test", judging.clips), 1)
        self.pairs = FixedPairs(material.store, middle, self._others("test"), material.seed)

    def _others(self, split: str) -> Others:
        try:
            return Others(self._material.store, self._material.rows[split], "mismatch", 0.0)
        except ValueError:
            raise InputError(f"separate: the {split} split has clips of one video alone; curate more videos") from None

    def step(self, network: Separator, batch: Pair) -> Mapping[str, Tensor]:
        """The loss of a batch."""
        return step(network, batch, self._distance)

    def validate(self, network: Separator) -> Judgement:
        """The loss on the validation pairs as they are."""

        @torch.inference_mode()
        def losses(network: Separator, batch: Pair) -> dict[str, Tensor]:
            return {"loss": step(network, batch, self._distance)["loss"].expand(len(batch.waveform))}

        loss = float(judged(network, losses, self._validation)["loss"].mean())
        return Judgement({"loss": loss}, loss)

    def examine(self, network: Separator) -> pd.DataFrame:
        """One row a clip of a test pair, each asked for in turn: where it is from, and its ratios, the mean of both ears'."""

        @torch.inference_mode()
        def sounds(network: Separator, batch: Pair) -> dict[str, Tensor]:
            mixed = mixture(batch)
            return {"sources": mixed.sources, "estimates": separated(network, mixed)}

        found = judged(network, sounds, self.pairs)
        ratios = _ratios(found["sources"], found["estimates"])
        places = zip(self.pairs.windows, self.pairs.others, strict=True)
        rows = [
            {**self._material.describe(asked.row), "mixed_with": self._material.describe(other.row)["clip"]}
            for pair in places
            for asked, other in (pair, pair[::-1])
        ]
        return pd.DataFrame(rows).assign(**ratios)

    def summary(self, table: pd.DataFrame) -> dict[str, Value]:
        """The mean of each measure over the asked clips; those of which one is silent are left out."""
        known = table[table[list(MEASURES)].notna().all(axis=1)]
        return {
            name: bootstrap_mean(
                known[name].tolist(), known["video"].tolist(), num_resamples=self._judging.num_resamples
            )
            for name in MEASURES
        }


def separated(network: Separator, mixed: Mixture) -> Tensor:
    """Each clip of each mixture, as it is asked for by its own picture: (batch, 2 clips, 2, samples)."""
    heard = mixed.sound.repeat_interleave(2, dim=0)
    return network.separate(heard, mixed.frames.flatten(0, 1)).unflatten(0, (-1, 2))


def _ratios(sources: NDArray[np.float32], estimates: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """MEASURES of all asked clips. sources, estimates : (pairs, 2 clips, 2 ears, samples). Returns (2 pairs,) each."""
    references, found = (_by_ear(sounds) for sounds in (sources, estimates))
    quality = metrics.separation(references, found)
    improvement = metrics.sdr_improvement(quality, references, references.sum(axis=1))
    columns = (quality.sdr, quality.sir, quality.sar, quality.sdr - improvement, improvement)
    return {name: _over_ears(values) for name, values in zip(MEASURES, columns, strict=True)}


def _by_ear(sounds: NDArray[np.float32]) -> NDArray[np.float64]:
    """(pairs, clips, ears, samples) to (pairs * ears, clips, samples)."""
    return np.moveaxis(sounds, 2, 1).reshape(-1, sounds.shape[1], sounds.shape[3]).astype(np.float64)


def _over_ears(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(pairs * ears, clips) to the ears' mean, (pairs * clips,)."""
    return values.reshape(-1, 2, values.shape[1]).mean(axis=1).ravel()
