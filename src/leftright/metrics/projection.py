"""Audio embeddings projected to one number that ought to tell where the sound is (supplement, section B).

Two projections: the first principal component, which never sees the target, and canonical correlation analysis (CCA), which
is fitted to it. Both are fitted on some videos and applied to others: a direction among 256 fitted on the videos that it is
judged on would correlate with anything.

With a single target CCA is no more than linear regression: the canonical direction is C^-1 c, with C the covariance of the
embedding and c its covariance with the target, which is the direction of least squares. A ridge is added to C, since
embeddings have features that are nearly copies of one another (canonical ridge; Vinod, Journal of Econometrics 4, 1976).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leftright.metrics.correlation import pearson

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Projection:
    """An affine map from embeddings to a few numbers.

    mean : (features,). directions : (features, components).
    """

    mean: Array
    directions: Array

    def __call__(self, embeddings: NDArray[np.floating]) -> Array:
        """Embeddings : (rows, features). Returns (rows, components)."""
        return (np.asarray(embeddings, dtype=np.float64) - self.mean) @ self.directions


def fit_pca(embeddings: NDArray[np.floating], target: NDArray[np.floating], num_components: int) -> Projection:
    """The first principal components of embeddings (rows, features), by falling variance.

    target : (rows,), used for nothing but the first component's sign, which the data leave open: it is chosen so that the
        component grows with the target on these rows, the fitting ones. The others' largest loading is made positive.
    """
    mean = embeddings.mean(axis=0, dtype=np.float64)
    centred = embeddings - mean
    _, _, rows = np.linalg.svd(centred, full_matrices=False)
    directions = rows[:num_components].T
    largest = np.abs(directions).argmax(axis=0)
    signs = np.where(directions[largest, np.arange(directions.shape[1])] < 0, -1.0, 1.0)
    if pearson(centred @ directions[:, 0], target) * signs[0] < 0:
        signs[0] = -signs[0]
    return Projection(mean, directions * signs)


def fit_cca(embeddings: NDArray[np.floating], target: NDArray[np.floating], ridge: float) -> Projection:
    """The direction of embeddings (rows, features) that correlates most with a target (rows,), scaled to unit variance.

    ridge : added to the variances of the features, each standardised to 1 first: 0 is plain CCA. Features that do not vary
        get no weight. The projection grows with the target.
    """
    mean, spread = embeddings.mean(axis=0, dtype=np.float64), embeddings.std(axis=0, dtype=np.float64)
    scale = np.where(spread > 1e-12, spread, np.inf)
    standard = (embeddings - mean) / scale
    covariance = standard.T @ standard / len(standard)
    with_target = standard.T @ (target - np.mean(target)) / len(standard)
    # Least squares rather than a solution, so that no ridge and dependent features still have an answer.
    weights = np.linalg.lstsq(covariance + ridge * np.eye(len(covariance)), with_target, rcond=None)[0]
    variance = float(weights @ covariance @ weights)
    direction = weights / scale / (np.sqrt(variance) if variance > 0 else 1.0)
    return Projection(mean, direction[:, np.newaxis])
