"""SDR, SIR and SAR: against mir_eval, against the projections written out, and by mixing at a known level."""

import warnings
from itertools import permutations

import mir_eval
import numpy as np
import pytest
from scipy.linalg import convolution_matrix
from scipy.signal import butter, sosfilt

from leftright.metrics.separation import CEILING_DB, FILTER_LENGTH, sdr_improvement, separation

SAMPLES = 8000


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def reference_scores(references, estimates, permutation=False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return mir_eval.separation.bss_eval_sources(references, estimates, compute_permutation=permutation)


def decibels(target, rest):
    return 10 * np.log10(np.sum(target**2) / np.sum(rest**2))


def naive(references, estimates):
    """Each estimate projected on every delay of its source, and on those of all sources, through an orthonormal basis."""
    delays = [convolution_matrix(reference, FILTER_LENGTH, "full") for reference in references]
    everything, scores = np.linalg.qr(np.hstack(delays))[0], []
    for own, estimate in zip(delays, estimates, strict=True):
        long = np.concatenate([estimate, np.zeros(FILTER_LENGTH - 1)])
        target, explained = (basis @ (basis.T @ long) for basis in (np.linalg.qr(own)[0], everything))
        ratios = (target, long - target), (target, explained - target), (explained, long - explained)
        scores.append([decibels(*ratio) for ratio in ratios])
    return np.array(scores).T


@pytest.fixture
def ordinary():
    """Three items of two sources, one low, one shaped, with leaks and some noise in the estimates."""
    references = noise(3, 2, SAMPLES)
    references[:, 0] = sosfilt(butter(1, 0.3, output="sos"), references[:, 0])
    leaks = np.array([[1.0, 0.3], [-0.2, 0.8]])
    estimates = np.einsum("ij,bjn->bin", leaks, references) + 0.05 * noise(3, 2, SAMPLES, seed=1)
    return references, estimates


def test_agrees_with_mir_eval(ordinary):
    judged = separation(*ordinary)
    for item, pair in enumerate(zip(*ordinary, strict=True)):
        ours = judged.sdr[item], judged.sir[item], judged.sar[item]
        np.testing.assert_allclose(ours, reference_scores(*pair)[:3], atol=1e-4)


def test_agrees_with_projections_written_out():
    references = noise(2, 800)
    estimates = references + 0.2 * references[::-1] + 0.1 * noise(2, 800, seed=1)
    judged = separation(references[None], estimates[None])
    np.testing.assert_allclose([judged.sdr[0], judged.sir[0], judged.sar[0]], naive(references, estimates), atol=1e-4)


@pytest.mark.parametrize("level_db", [0, 10, 20])
def test_interference_mixed_in_at_a_known_level(level_db):
    """White and independent: SIR and SDR are the level, but for the 512 of 30,000 dimensions that a filter may take from it."""
    references = noise(1, 2, 30_000)
    judged = separation(references, references + 10 ** (-level_db / 20) * references[:, ::-1])
    np.testing.assert_allclose(judged.sir, level_db, atol=0.2)
    np.testing.assert_allclose(judged.sdr, judged.sir, atol=1e-3)
    assert judged.sar.min() > 80


def test_noise_mixed_in_at_a_known_level_is_an_artifact():
    references = noise(1, 2, 30_000)
    judged = separation(references, references + 0.1 * noise(1, 2, 30_000, seed=1))
    np.testing.assert_allclose(judged.sar, 20, atol=0.3)
    assert judged.sir.min() > judged.sar.max() + 10


def test_level_delay_and_colour_are_not_held_against_an_estimate():
    references = noise(1, 2, SAMPLES)
    references[..., -FILTER_LENGTH:] = 0  # so that nothing is delayed beyond the end
    changed = -0.01 * np.roll(references, 100, axis=-1) - 0.003 * np.roll(references, 7, axis=-1)
    assert separation(references, changed).sdr.min() > 80


def test_a_perfect_estimate_has_the_ceiling():
    references = noise(2, 2, SAMPLES)
    judged = separation(references, references)
    np.testing.assert_allclose([judged.sdr, judged.sir, judged.sar], CEILING_DB, atol=0.1)


def test_swapped_estimates_are_wrong_unless_the_best_assignment_is_asked_for(ordinary):
    references, estimates = ordinary
    straight = separation(references, estimates)
    swapped = separation(references, estimates[:, ::-1])
    assert swapped.sir.max() < 0 < straight.sir.min()
    assert straight.estimate_of.tolist() == [[0, 1]] * 3
    best = separation(references, estimates[:, ::-1], best_assignment=True)
    assert best.estimate_of.tolist() == [[1, 0]] * 3
    for name in ("sdr", "sir", "sar"):
        np.testing.assert_allclose(getattr(best, name), getattr(straight, name))


def test_best_assignment_is_that_of_mir_eval_and_of_trying_all():
    references = noise(1, 3, 2000)
    mixing = np.array([[0.5, 1.0, 0.2], [0.9, 0.6, 0.1], [0.6, 0.5, 0.4]])
    estimates = mixing @ references + 0.1 * noise(1, 3, 2000, seed=2)
    best = separation(references, estimates, best_assignment=True)
    orders = list(permutations(range(3)))
    means = [separation(references, estimates[:, order]).sir.mean() for order in orders]
    assert tuple(best.estimate_of[0]) == orders[int(np.argmax(means))]
    *scores, order = reference_scores(references[0], estimates[0], permutation=True)
    assert best.estimate_of[0].tolist() == order.tolist()
    np.testing.assert_allclose([best.sdr[0], best.sir[0], best.sar[0]], scores, atol=1e-4)


def test_improvement_over_the_mixture():
    references = noise(2, 2, 20_000)
    judged = separation(references, references + 0.1 * references[:, ::-1])
    mixture = references.sum(axis=1)
    np.testing.assert_allclose(sdr_improvement(judged, references, mixture), 20, atol=0.3)
    nothing = separation(references, np.stack([mixture, mixture], axis=1))
    np.testing.assert_allclose(sdr_improvement(nothing, references, mixture), 0, atol=1e-9)


def test_the_number_of_items_changes_nothing():
    references = noise(9, 2, 2000)
    estimates = references + 0.3 * noise(9, 2, 2000, seed=1)
    whole = separation(references, estimates)
    for item in (0, 7, 8):
        alone = separation(references[item : item + 1], estimates[item : item + 1])
        np.testing.assert_allclose(whole.sdr[item], alone.sdr[0])


@pytest.mark.parametrize("best_assignment", [False, True])
def test_a_silent_reference_is_undefined_and_leaves_the_others_alone(ordinary, best_assignment):
    references, estimates = ordinary
    whole = separation(references, estimates)
    references = references.copy()
    references[1, 0] = 0.0
    judged = separation(references, estimates, best_assignment=best_assignment)
    for name in ("sdr", "sir", "sar"):
        assert np.isnan(getattr(judged, name)[1, 0])
        np.testing.assert_allclose(getattr(judged, name)[[0, 2]], getattr(whole, name)[[0, 2]])
    assert judged.estimate_of[1, 0] == -1
    alone = separation(references[1:2, 1:], estimates[1:2, 1:])
    assert np.isnan(judged.sir[1, 1]) and np.isnan(alone.sir[0, 0])  # nothing sounds that could interfere
    if not best_assignment:
        assert judged.sdr[1, 1] == pytest.approx(alone.sdr[0, 0])
        assert judged.sar[1, 1] == pytest.approx(alone.sar[0, 0])


@pytest.mark.parametrize("best_assignment", [False, True])
def test_a_silent_estimate_is_undefined_and_takes_the_source_that_is_left(ordinary, best_assignment):
    references, estimates = ordinary
    estimates = estimates.copy()
    estimates[2, 0] = 0.0
    judged = separation(references, estimates, best_assignment=best_assignment)
    for ratios in (judged.sdr, judged.sir, judged.sar):
        assert np.isnan(ratios[2]).tolist() == [True, False]
    assert judged.estimate_of[2].tolist() == [0, 1]


def test_all_silent_is_all_undefined():
    silence = np.zeros((2, 2, 1000))
    judged = separation(silence, noise(2, 2, 1000))
    assert np.isnan([judged.sdr, judged.sir, judged.sar]).all()


def test_references_that_are_copies_are_explained_alike():
    """Nothing tells them apart: what is not artifact is the target's, and the solution does not fail."""
    source, other = noise(2, SAMPLES)
    judged = separation(np.stack([[source, source]]), np.stack([[source + other, source]]))
    mixed_db = separation(source[None, None], (source + other)[None, None]).sdr[0, 0]
    assert judged.sdr[0] == pytest.approx([mixed_db, CEILING_DB], abs=0.1)
    assert judged.sar[0] == pytest.approx([mixed_db, CEILING_DB], abs=0.1)


def test_the_level_of_a_recording_does_not_matter(ordinary):
    references, estimates = ordinary
    quiet = separation((1e-9 * references).astype(np.float32), (1e-9 * estimates).astype(np.float32))
    np.testing.assert_allclose(quiet.sdr, separation(references, estimates).sdr, atol=1e-4)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="expected two of"):
        separation(noise(2, 1000), noise(2, 1000))
    with pytest.raises(ValueError, match="expected two of"):
        separation(noise(1, 2, 1000), noise(1, 2, 999))
    broken = noise(1, 2, 1000)
    broken[0, 0, 3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        separation(broken, noise(1, 2, 1000))
