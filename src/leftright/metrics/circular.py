"""Statistics of angles."""

import numpy as np
from numpy.typing import NDArray

Angles = NDArray[np.floating]


def circular_mean_deg(angles_deg: Angles) -> float:
    """The direction of the mean unit vector in degrees, NaN for no angles."""
    vectors = np.exp(1j * np.radians(np.asarray(angles_deg, dtype=np.float64)))
    return float(np.degrees(np.angle(vectors.mean()))) if vectors.size else float("nan")


def circular_correlation(first_deg: Angles, second_deg: Angles) -> float:
    """Correlation of two sets of angles, -1..1 (Fisher and Lee, "A correlation coefficient for circular data", Biometrika
    70(2), 1983).

    The mean, over all pairs of items, of the product of the sines of both differences, normalised: 1 where one set is the other
    turned by any angle, -1 where it also runs the other way round. No mean direction is needed, which angles that are spread
    evenly do not have. NaN where there are fewer than two items, or the angles of a set do not differ.
    """
    first, second = (np.radians(np.asarray(each, dtype=np.float64)) for each in (first_deg, second_deg))
    if len(first) < 2:
        return float("nan")
    # The sum over pairs in closed form (ibid., section 2).
    product = np.mean(np.cos(first) * np.cos(second)) * np.mean(np.sin(first) * np.sin(second))
    cross = np.mean(np.cos(first) * np.sin(second)) * np.mean(np.sin(first) * np.cos(second))
    scale = np.sqrt(_spread(first) * _spread(second))
    return float(4 * (product - cross) / scale) if scale > 1e-12 else float("nan")


def _spread(angles: NDArray[np.float64]) -> float:
    """The mean squared sine of differences, times two: 0 where all angles are one, up to a half turn."""
    return max(0.0, 1 - float(abs(np.mean(np.exp(2j * angles)))) ** 2)
