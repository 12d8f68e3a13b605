"""What to label next: which photos would teach a model most.

- **uncertainty**: the mean entropy of a photo (least sure first).
- **disagreement**: how many pixels change their class when the photo is mirrored.
- **diversity**: k-center greedy (Sener and Savarese, Active learning for convolutional neural networks: a core-set
  approach, ICLR 2018): each photo is the one farthest from all that are labelled or chosen already, by their vectors.
- **mixed**: k-center greedy among the most uncertain photos, so that ten frames of one street do not take all places.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

By = Literal["mixed", "uncertainty", "disagreement", "diversity"]
WAYS: tuple[By, ...] = get_args(By)
ORDERS: dict[By, str] = {
    "mixed": "of the least sure ones, each the one most unlike those labelled or chosen before it",
    "uncertainty": "the least sure first",
    "disagreement": "those that change most when mirrored first",
    "diversity": "each the one most unlike those labelled or chosen before it",
}
"""What comes first, in words."""
_POOL = 5
"""`mixed` chooses among so many times the photos wanted."""


def rank(
    by: By,
    count: int,
    *,
    entropies: NDArray[np.float64],
    disagreements: NDArray[np.float64],
    vectors: NDArray[np.float32],
    known: NDArray[np.float32],
) -> NDArray[np.intp]:
    """Return the places of the photos to label, the best first.

    Args:
        by: which way.
        count: how many, at most.
        entropies: of the photos, (N,).
        disagreements: of the photos, (N,).
        vectors: of the photos, (N, channels).
        known: of photos that are labelled already, (M, channels); may be empty.
    """
    if by == "uncertainty":
        return np.argsort(-entropies, kind="stable")[:count]
    if by == "disagreement":
        return np.argsort(-disagreements, kind="stable")[:count]
    if by == "diversity":
        return _k_center(vectors, known, count)
    pool = np.argsort(-entropies, kind="stable")[: _POOL * count]
    return pool[_k_center(vectors[pool], known, count)]


def _k_center(vectors: NDArray[np.float32], known: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return places by k-center greedy; the first is the farthest from what is known, or from the mean of all."""
    if len(vectors) == 0:
        return np.empty(0, np.intp)
    scaled = _unit_spread(np.concatenate([vectors, known]))
    points, centers = scaled[: len(vectors)], scaled[len(vectors) :]
    if len(centers) == 0:
        centers = points.mean(axis=0, keepdims=True)
    nearest = np.full(len(points), np.inf)
    for center in centers:
        nearest = np.minimum(nearest, _distances(points, center))
    chosen: list[int] = []
    for _ in range(min(count, len(points))):
        place = int(nearest.argmax())
        chosen.append(place)
        nearest = np.minimum(nearest, _distances(points, points[place]))
        nearest[chosen] = -1  # never again, also where others are the same photo
    return np.array(chosen, np.intp)


def _unit_spread(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scale each channel to a spread of 1, so that none outweighs the others by its unit."""
    wide = vectors.astype(np.float64)
    spread = wide.std(axis=0)
    return (wide - wide.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _distances(points: NDArray[np.float64], center: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.square(points - center).sum(axis=1), np.float64)
