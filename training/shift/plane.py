"""Photos as points on a plane, near where their network's features are.

By default the first two components of a PCA of all domains, each of which counts the same: distances on it are what is
left of the true ones, and where a photo lies depends on no chance. t-SNE (van der Maaten and Hinton, JMLR 9, 2008)
shows who is whose neighbour, and neither how far apart groups are nor how wide.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from training.shift.features import SEED, Basis, Vectors

Way = Literal["pca", "tsne"]
_DIMENSIONS = 50
"""What t-SNE is given, as its authors do."""
_PERPLEXITY = 30


def plane(domains: Sequence[Vectors], basis: Basis, way: Way = "pca") -> NDArray[np.float32]:
    """Return a place for every photo of all domains, one after the other: float32 (photos, 2).

    Args:
        domains: vectors of each, (photos, channels).
        basis: a PCA of them.
        way: see above.

    Raises:
        UserError: t-SNE was asked for, and scikit-learn is not installed.
    """
    if way == "tsne":
        return _tsne(np.concatenate([basis.first(_DIMENSIONS).place(found) for found in domains]))
    placed = np.concatenate([basis.first(2).place(found) for found in domains])
    return np.pad(placed, ((0, 0), (0, 2 - placed.shape[1]))).astype(np.float32)


def _tsne(points: NDArray[np.float64]) -> NDArray[np.float32]:
    try:
        manifold = importlib.import_module("sklearn.manifold")
    except ImportError:
        raise UserError(
            "A map by t-SNE is made by scikit-learn, which is not installed: pip install scikit-learn. Or take the one "
            "by PCA."
        ) from None
    perplexity = max(1.0, min(_PERPLEXITY, (len(points) - 1) / 3))
    found = manifold.TSNE(2, init="pca", perplexity=perplexity, random_state=SEED).fit_transform(points)
    return np.asarray(found, np.float32)
