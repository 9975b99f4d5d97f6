"""The task `separate`: a mixture of two clips, and the picture of the one that is asked for (supplement, section D).

Without the picture nobody can know which clip is asked for. So the variant that only hears parts the mixture in two, and may
name them either way in training (permutation invariant training; Yu et al., ICASSP 2017). It is judged as it would fare by
guessing, which is what the task asks, and as if it had been told which part is whose ("best"): what a blind separator of this
size can do.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from leftright.audio import PCM_FULL_SCALE
from leftright.data.augmentation import adjust_colour, mirror_where
from leftright.data.contrast import Others
from leftright.data.mixtures import FixedPairs, Pair, TrainingPairs
from leftright.data.windows import evenly_spaced
from leftright.errors import InputError
from leftright.metrics import separation as metrics
from leftright.models.level import gain_to
from leftright.models.separator import Separator
from leftright.models.transform import NUM_BINS
from leftright.results import Value
from leftright.training.evaluation import judged
from leftright.training.materials import Judging, Material, means_by_condition
from leftright.training.progress import Judgement
from leftright.training.spatialization import Distance, loss_of

ASKED, BEST = "asked", "best"
"""Conditions of the judging: by what was asked for, and with the parts named by the best assignment."""

MEASURES = ("sdr_db", "sir_db", "sar_db", "sdr_mixture_db", "sdr_improvement_db")

_LEVEL = 0.05  # RMS of each clip in the mixture


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
    fields = (torch.as_tensor(field).flatten(0, 1) for field in (batch.frames, batch.gain, batch.shift))
    waveform = torch.as_tensor(batch.waveform).flatten(0, 1).float() / PCM_FULL_SCALE
    is_mirrored = torch.as_tensor(batch.is_mirrored).flatten()
    waveform, frames = mirror_where(is_mirrored, waveform, adjust_colour(*fields))
    sources = waveform * gain_to(_LEVEL, waveform, (1, 2))
    return Mixture(sources.unflatten(0, (-1, 2)), frames.unflatten(0, (-1, 2)))


def step(network: Separator, batch: Pair, distance: Distance) -> Mapping[str, Tensor]:
    """The loss of a batch, in which each clip of each mixture is asked for once.

    It is the distance between the mixture's magnitude under the masks and the clips', in units of the clips' level.
    """
    mixed = mixture(batch)
    with torch.no_grad():
        heard = network.transform(mixed.sound).abs()[:, None, :, :NUM_BINS] / _LEVEL
        wanted = network.transform(mixed.sources).abs()[:, :, :, :NUM_BINS] / _LEVEL
    found = network(mixed.sound, mixed.frames) * heard
    if network.inputs == "both":
        return {"loss": loss_of(found, wanted, distance)}
    either = torch.stack([_losses(found, each, distance) for each in (wanted, wanted.flip(dims=(1,)))])
    return {"loss": either.amin(dim=0).mean()}


def _losses(found: Tensor, wanted: Tensor, distance: Distance) -> Tensor:
    """`loss_of` each item of a batch, (batch,)."""
    return torch.stack([loss_of(mine, true, distance) for mine, true in zip(found, wanted, strict=True)])


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

        loss = float(judged(network, losses, self._validation, self._material.num_workers)["loss"].mean())
        return Judgement({"loss": loss}, loss)

    def examine(self, network: Separator) -> pd.DataFrame:
        """One row a clip of a test pair, each asked for in turn: where it is from, and its ratios, the mean of both ears'."""

        @torch.inference_mode()
        def sounds(network: Separator, batch: Pair) -> dict[str, Tensor]:
            mixed = mixture(batch)
            return {"sources": mixed.sources, "estimates": network.separate(mixed.sound, mixed.frames)}

        found = judged(network, sounds, self.pairs, self._material.num_workers)
        sources, estimates = (_by_ear(found[name]) for name in ("sources", "estimates"))
        rows = self._asked()
        if network.inputs == "both":
            return rows.assign(condition=ASKED, **_ratios(sources, estimates))
        named = [_ratios(sources, each) for each in (estimates, estimates[:, ::-1])]
        guessed = {name: (named[0][name] + named[1][name]) / 2 for name in MEASURES}
        told = rows.assign(condition=BEST, **_ratios(sources, estimates, best_assignment=True))
        return pd.concat([rows.assign(condition=ASKED, **guessed), told], ignore_index=True)

    def _asked(self) -> pd.DataFrame:
        """Where the clips of each pair are from, each asked for in turn, and what it is mixed with."""
        places = zip(self.pairs.windows, self.pairs.others, strict=True)
        rows = [
            {**self._material.describe(asked.row), "mixed_with": self._material.describe(other.row)["clip"]}
            for pair in places
            for asked, other in (pair, pair[::-1])
        ]
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame) -> dict[str, Value]:
        """The mean of each measure over the asked clips, `best.<measure>` where the parts were named for a blind separator.

        Clips of which a ratio is undefined (a silent one) are left out: `n` counts the others.
        """
        known = table[table[list(MEASURES)].notna().all(axis=1)]
        return means_by_condition(known, MEASURES, ASKED, self._judging.num_resamples)


def _ratios(
    references: NDArray[np.float64], estimates: NDArray[np.float64], *, best_assignment: bool = False
) -> dict[str, NDArray[np.float64]]:
    """MEASURES of all asked clips, the mean of both ears': (2 pairs,) each.

    references, estimates : (pairs * ears, 2 clips, samples). best_assignment : as `leftright.metrics.separation` has it.
    """
    quality = metrics.separation(references, estimates, best_assignment=best_assignment)
    improvement = metrics.sdr_improvement(quality, references, references.sum(axis=1))
    columns = (quality.sdr, quality.sir, quality.sar, quality.sdr - improvement, improvement)
    return {name: _over_ears(values) for name, values in zip(MEASURES, columns, strict=True)}


def _by_ear(sounds: NDArray[np.float32]) -> NDArray[np.float64]:
    """(pairs, clips, ears, samples) to (pairs * ears, clips, samples)."""
    return np.moveaxis(sounds, 2, 1).reshape(-1, sounds.shape[1], sounds.shape[3]).astype(np.float64)


def _over_ears(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(pairs * ears, clips) to the ears' mean, (pairs * clips,)."""
    return values.reshape(-1, 2, values.shape[1]).mean(axis=1).ravel()
