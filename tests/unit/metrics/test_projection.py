"""Projections find a planted direction, are judged on rows that they were not fitted to, and keep the sign."""

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA

from leftright.metrics.correlation import pearson
from leftright.metrics.projection import fit_cca, fit_pca


def embeddings(rows, seed, features=12, strength=3.0):
    """Embeddings that hold the target along one direction, with noise on all features."""
    generator = np.random.default_rng(seed)
    target = generator.normal(size=rows)
    direction = np.linspace(-1, 1, features)
    return strength * np.outer(target, direction) + generator.normal(size=(rows, features)), target


def test_pca_agrees_with_sklearn_up_to_sign():
    table, target = embeddings(80, seed=0)
    ours, theirs = fit_pca(table, target, 3)(table), PCA(3).fit_transform(table)
    for component in range(3):
        assert abs(pearson(ours[:, component], theirs[:, component])) == pytest.approx(1)
        assert ours[:, component].var() == pytest.approx(theirs[:, component].var())


def test_first_component_is_the_planted_direction_on_new_rows():
    table, target = embeddings(80, seed=0)
    new, new_target = embeddings(50, seed=1)
    assert pearson(fit_pca(table, target, 2)(new)[:, 0], new_target) > 0.95


def test_pca_looks_at_the_target_for_its_sign_only():
    table, target = embeddings(80, seed=0)
    forwards, backwards = fit_pca(table, target, 2)(table), fit_pca(table, -target, 2)(table)
    np.testing.assert_allclose(forwards[:, 0], -backwards[:, 0])
    np.testing.assert_allclose(forwards[:, 1], backwards[:, 1])
    assert pearson(forwards[:, 0], target) > 0


def test_swapping_left_and_right_in_the_embedding_turns_the_projection():
    table, target = embeddings(80, seed=0)
    for projection in (fit_pca(table, target, 1), fit_cca(table, target, 0.01)):
        mirrored = 2 * table.mean(axis=0) - table
        np.testing.assert_allclose(projection(mirrored), -projection(table), atol=1e-9)


def test_cca_without_ridge_agrees_with_sklearn():
    table, target = embeddings(80, seed=2, strength=0.3)
    ours = fit_cca(table, target, 0.0)(table)[:, 0]
    theirs = CCA(1).fit(table, target[:, None]).transform(table)[:, 0]
    assert abs(pearson(ours, theirs)) == pytest.approx(1, abs=1e-6)


def test_cca_is_the_direction_of_least_squares():
    table, target = embeddings(80, seed=2, strength=0.3)
    centred = table - table.mean(axis=0)
    weights = np.linalg.lstsq(centred, target - target.mean(), rcond=None)[0]
    assert pearson(fit_cca(table, target, 0.0)(table)[:, 0], centred @ weights) == pytest.approx(1)


def test_cca_has_unit_variance_and_the_target_s_sign():
    table, target = embeddings(80, seed=2)
    projected = fit_cca(table, target, 0.1)(table)[:, 0]
    assert projected.std() == pytest.approx(1)
    assert pearson(projected, target) > 0


def test_cca_leaks_where_it_is_fitted_and_not_on_other_videos():
    generator = np.random.default_rng(5)
    noise, target = generator.normal(size=(60, 50)), generator.normal(size=60)
    other_noise, other_target = generator.normal(size=(400, 50)), generator.normal(size=400)
    projection = fit_cca(noise, target, 0.0)
    assert pearson(projection(noise)[:, 0], target) > 0.8
    assert abs(pearson(projection(other_noise)[:, 0], other_target)) < 0.2


def test_a_ridge_helps_where_features_outnumber_rows():
    table, target = embeddings(30, seed=3, features=60, strength=0.3)
    new, new_target = embeddings(400, seed=4, features=60, strength=0.3)
    plain, ridged = (fit_cca(table, target, ridge)(new)[:, 0] for ridge in (0.0, 1.0))
    assert pearson(ridged, new_target) > pearson(plain, new_target) + 0.05


def test_features_that_are_constant_or_copies_do_no_harm():
    table, target = embeddings(80, seed=2)
    odd = np.hstack([table, np.full((80, 2), 7.0), table[:, :3]])
    for ridge in (0.0, 0.01):
        projected = fit_cca(odd, target, ridge)(odd)[:, 0]
        assert np.isfinite(projected).all()
        assert pearson(projected, target) > 0.95
    assert np.isfinite(fit_pca(odd, target, 2)(odd)).all()


def test_a_constant_target_gives_a_finite_projection():
    table, _ = embeddings(20, seed=0)
    assert np.isfinite(fit_cca(table, np.zeros(20), 0.01)(table)).all()
    assert np.isfinite(fit_pca(table, np.zeros(20), 2)(table)).all()
