"""A plane in which azimuth runs round the circle is found again, whichever way round and wherever zero lies."""

import numpy as np
import pytest

from leftright.metrics.azimuth_plane import fit_azimuth_plane
from leftright.metrics.circular import circular_correlation

RNG = np.random.default_rng(0)


def embeddings(azimuth_deg, sense: int = 1, turn_deg: float = 0.0, noise: float = 0.05) -> np.ndarray:
    """Ten features, in two directions of which the azimuth runs round an ellipse."""
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(10, 10)))[0][:2]
    angle = np.radians(sense * azimuth_deg + turn_deg)
    return 3 + np.stack([1.2 * np.cos(angle), np.sin(angle)], axis=1) @ axes + noise * RNG.normal(size=(len(angle), 10))


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("turn", [0, 100, -60])
def test_azimuths_of_others_are_read_off(sense, turn):
    fit, judged = RNG.uniform(-180, 180, 300), RNG.uniform(-180, 180, 100)
    plane = fit_azimuth_plane(embeddings(fit, sense, turn), fit)
    found = plane.azimuth_deg(embeddings(judged, sense, turn))
    assert circular_correlation(found, judged) > 0.98
    error = np.abs((found - judged + 180) % 360 - 180)
    assert np.median(error) < 10
    assert sum(plane.explained) > 0.9


def test_references_that_are_unknown_are_passed_over():
    fit = RNG.uniform(-180, 180, 300)
    some = np.where(np.arange(300) % 3, np.nan, fit)
    every, few = (fit_azimuth_plane(embeddings(fit, noise=0), reference) for reference in (fit, some))
    assert every.sense == few.sense and abs(every.offset_deg - few.offset_deg) < 3


def test_noisy_references_set_the_turn_and_not_the_plane():
    fit = RNG.uniform(-180, 180, 500)
    rows = embeddings(fit, noise=0)
    clear, noisy = (fit_azimuth_plane(rows, fit + RNG.normal(0, spread, 500)) for spread in (0, 40))
    angles = [
        abs(float(a @ b)) for a, b in zip(clear.projection.directions.T, noisy.projection.directions.T, strict=True)
    ]
    np.testing.assert_allclose(angles, 1, atol=1e-9)


@pytest.mark.parametrize("references", [[1.0, 2.0], [np.nan, np.nan, np.nan]])
def test_too_little_to_fit(references):
    with pytest.raises(ValueError, match="three embeddings"):
        fit_azimuth_plane(RNG.normal(size=(len(references), 4)), np.array(references))
