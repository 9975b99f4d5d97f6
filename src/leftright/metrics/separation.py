"""How well sources are separated: SDR, SIR and SAR in dB, as BSS Eval version 3 defines them.

An estimate is split by projections into what a filter of 512 taps makes of its own source (the target), what filters make of
the other sources (interference), and the rest (artifacts). SDR is target over all else, SIR target over interference, SAR
what filters explain over what they do not (Vincent, Gribonval & Févotte, IEEE TASLP 14, 2006). The projections are
fast-bss-eval's (Scheibler, ICASSP 2022), in batches and double precision.

A ratio that is not defined is NaN: any of a silent reference or a silent estimate, and the SIR where nothing else sounds. A
mean must say how many it leaves out: a model that fell silent where it is unsure would gain by it.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from fast_bss_eval.torch import square_cosine_metrics
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

FILTER_LENGTH = 512
CEILING_DB = 100.0
"""Ratios are bounded by this either way: a perfect estimate has 100 dB, where rounding alone would tell how many."""

_LOADING = 1e-12  # of a reference's energy, -120 dB: so that references that are copies of one another have a solution
_ITEMS_AT_ONCE = 4  # 10 s of two sources take about 100 MB an item

Waveforms: TypeAlias = NDArray[np.floating]
Ratios: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Separation:
    """Ratios in dB, each (batch, sources), NaN where undefined; higher is better.

    estimate_of : (batch, sources), the number of the estimate that was taken for each source; -1 for a silent source.
    """

    sdr: Ratios
    sir: Ratios
    sar: Ratios
    estimate_of: Numbers


def separation(references: Waveforms, estimates: Waveforms, *, best_assignment: bool = False) -> Separation:
    """Judge the estimates of some sources, both (batch, sources, samples).

    best_assignment : take the estimates of an item for its sources in the order that has the best mean SIR, as BSS Eval does.
        It is for what cannot know which source is asked for, a blind baseline; it flatters what can.
    A silent source is left out of its item, whose others are judged as if it were not there.
    """
    _check(references, estimates)
    judged = _undefined(references.shape[:2])
    sounds = np.any(references != 0, axis=-1)
    for pattern in np.unique(sounds, axis=0):
        sources, items = np.flatnonzero(pattern), np.flatnonzero((sounds == pattern).all(axis=1))
        for start in range(0, len(items) if len(sources) else 0, _ITEMS_AT_ONCE):
            rows = items[start : start + _ITEMS_AT_ONCE]
            sdr, sir, sar = _pairs(references[rows][:, sources], estimates[rows])
            taken = _best(sir) if best_assignment else np.broadcast_to(sources, sdr.shape[:2])
            where = np.ix_(rows, sources)
            judged.estimate_of[where] = taken
            for field, pairs in ((judged.sdr, sdr), (judged.sir, sir), (judged.sar, sar)):
                field[where] = np.take_along_axis(pairs, taken[:, :, np.newaxis], axis=2)[:, :, 0]
    return judged


def sdr_improvement(judged: Separation, references: Waveforms, mixture: Waveforms) -> Ratios:
    """SDR of the estimates less that of the mixture taken for the estimate of every source, in dB: (batch, sources).

    judged : the estimates' `separation`. references : (batch, sources, samples). mixture : (batch, samples).
    """
    return judged.sdr - separation(references, np.broadcast_to(mixture[:, np.newaxis], references.shape)).sdr


def _pairs(references: Waveforms, estimates: Waveforms) -> tuple[Ratios, Ratios, Ratios]:
    """SDR, SIR and SAR of every estimate (batch, estimates, samples) for every reference: (batch, sources, estimates)."""
    to_one, to_all = square_cosine_metrics(
        _tensor(references), _tensor(estimates), filter_length=FILTER_LENGTH, load_diag=_LOADING, pairwise=True
    )
    share_of_one, share_of_all = to_one.numpy(), to_all.numpy()
    is_silent = ~np.any(estimates != 0, axis=-1)[:, np.newaxis]
    with np.errstate(invalid="ignore"):  # nothing of nothing, which is NaN as it should be
        sir = _decibels(share_of_one / share_of_all)
    if references.shape[1] == 1:
        sir = np.full_like(sir, np.nan)
    sdr, sar = (np.where(is_silent, np.nan, _decibels(share)) for share in (share_of_one, share_of_all))
    return sdr, np.where(is_silent, np.nan, sir), sar


def _decibels(share: Ratios) -> Ratios:
    """An energy's share, 0 to 1, as its ratio to the rest."""
    least = 1 / (1 + 10 ** (CEILING_DB / 10))
    bounded = np.clip(share, least, 1 - least)
    return 10 * np.log10(bounded / (1 - bounded))


def _best(sir: Ratios) -> Numbers:
    """The estimate for each source that makes the mean SIR largest: (batch, sources, estimates) -> (batch, sources).

    An undefined SIR counts as 0 dB, the same for all sources, so that a silent estimate falls to the source that is left over.
    """
    return np.array([linear_sum_assignment(np.nan_to_num(item), maximize=True)[1] for item in sir])


def _undefined(shape: tuple[int, ...]) -> Separation:
    sdr, sir, sar = (np.full(shape, np.nan) for _ in range(3))
    return Separation(sdr, sir, sar, np.full(shape, -1, np.int64))


def _tensor(waveforms: Waveforms) -> Tensor:
    """In double precision, each waveform at peak 1: one of little energy the library would take for silence."""
    peak = np.abs(waveforms).max(axis=-1, keepdims=True)
    return torch.from_numpy(np.asarray(waveforms, np.float64) / np.where(peak > 0, peak, 1))


def _check(references: Waveforms, estimates: Waveforms) -> None:
    if references.ndim != 3 or references.shape != estimates.shape:
        raise ValueError(f"expected two of (batch, sources, samples), got {references.shape} and {estimates.shape}")
    if not (np.isfinite(references).all() and np.isfinite(estimates).all()):
        raise ValueError("a waveform has samples that are not finite")
