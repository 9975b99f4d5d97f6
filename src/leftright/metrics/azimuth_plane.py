"""Where a sound comes from, read off two principal components of its embedding (supplement, section E, figure 2).

Principal components leave open where zero degrees is and which way round the angle runs. Both are fixed on the fitting rows,
against reference directions, by one turn and one choice of sense: nothing else of the plane is fitted to any direction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leftright.ambisonics import wrapped
from leftright.metrics.circular import circular_mean_deg
from leftright.metrics.projection import Projection, fit_pca

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AzimuthPlane:
    """The first two principal components, and how their angle becomes an azimuth.

    sense : 1 or -1. offset_deg : added after that. explained : share of the embeddings' variance in each component.
    """

    projection: Projection
    sense: int
    offset_deg: float
    explained: tuple[float, float]

    def components(self, embeddings: NDArray[np.floating]) -> Array:
        """Embeddings : (rows, features). Returns (rows, 2)."""
        return self.projection(embeddings)

    def azimuth_deg(self, embeddings: NDArray[np.floating]) -> Array:
        """Embeddings : (rows, features). Returns azimuths (rows,) in [-180, 180)."""
        return wrapped(self.sense * _angle_deg(self.components(embeddings)) + self.offset_deg)


def fit_azimuth_plane(embeddings: NDArray[np.floating], references_deg: NDArray[np.floating]) -> AzimuthPlane:
    """Fit the plane to embeddings (rows, features), at least three; references_deg : (rows,), of which NaN are passed over.

    Raises ValueError where there are fewer, or no reference.
    """
    is_known = np.isfinite(references_deg)
    if len(embeddings) < 3 or not is_known.any():
        raise ValueError("a plane needs three embeddings, and a reference direction")
    projection = fit_pca(embeddings, np.sin(np.radians(np.where(is_known, references_deg, 0.0))), 2)
    components = projection(embeddings)
    total = max(float(np.var(embeddings, axis=0, dtype=np.float64).sum()), np.finfo(np.float64).tiny)
    first, second = components.var(axis=0) / total
    angle = _angle_deg(components[is_known])
    remainders = {sense: references_deg[is_known] - sense * angle for sense in (1, -1)}
    sense = max(remainders, key=lambda each: abs(np.exp(1j * np.radians(remainders[each])).mean()))
    return AzimuthPlane(projection, sense, circular_mean_deg(remainders[sense]), (float(first), float(second)))


def _angle_deg(components: Array) -> Array:
    return np.degrees(np.arctan2(components[:, 1], components[:, 0]))
