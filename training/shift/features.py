"""How far domains lie apart in a network's own features, and each photo from home.

The distance of two domains is that of Frechet between the Gaussians fitted to their vectors (Heusel et al., GANs
trained by a two time-scale update rule converge to a local Nash equilibrium, NeurIPS 2017; Dowson and Landau, 1982), in
the first components of a PCA of both, which count the same however many photos each has. It is a distance, as features
have it; FID is its square. A covariance needs many more photos than dimensions, so there is one dimension for ten
photos of the smaller sample, but not less than two (in one, two clouds side by side may lie on top of each other), and
no more than hold 95 % of the variance, or than 64.

The figure has no unit and grows as photos get fewer (Chong and Forsyth, Effectively unbiased FID and inception score,
CVPR 2020). So beside it stands what is nothing: the same distance, in as many dimensions, between two random parts of
home, 20 times. The smaller part has as many photos as the other domain, half of home at most: neither part is larger
than what is compared, so that chance moves them as far apart.

A photo is as far from home as its fifth nearest photo there (Sun et al., Out-of-distribution detection with deep
nearest neighbors, ICML 2022), in units of how far the photos of home usually are from each other, by the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

SPLITS = 20
SEED = 0
NEIGHBOURS = 5
FEWEST = 10
"""Photos of a domain, and of each half of home, below which there is no distance."""
_PHOTOS_A_DIMENSION = 10
_FEWEST_DIMENSIONS = 2
_EXPLAINED = 0.95
_MOST_DIMENSIONS = 64
_USUAL = 0.95  # of home's photos
_AT_ONCE = 1024  # photos, which bounds memory

Vectors = NDArray[np.floating]


@dataclass(frozen=True)
class Basis:
    """The first components of a PCA.

    Attributes:
        mean: float64 (channels,).
        axes: float64 (channels, components), the one that explains most first.
        explained: share of the variance along each, float64 (components,).
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    explained: NDArray[np.float64]

    def place(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return vectors (N, channels) in this basis, (N, components)."""
        parts = (vectors[start : start + _AT_ONCE] - self.mean for start in range(0, len(vectors), _AT_ONCE))
        return np.concatenate([np.empty((0, self.axes.shape[1])), *(part @ self.axes for part in parts)])

    def first(self, count: int) -> Basis:
        """Return the first components alone."""
        return Basis(self.mean, self.axes[:, :count], self.explained[:count])

    def enough(self, most: int = _MOST_DIMENSIONS) -> int:
        """Return how many components hold 95 % of the variance, at most so many, at least one."""
        needed = int(np.searchsorted(np.cumsum(self.explained), _EXPLAINED)) + 1
        return max(1, min(needed, most, len(self.explained)))


@dataclass(frozen=True)
class FeatureShift:
    """How far a domain is from home.

    Attributes:
        distance: Frechet distance.
        nothing: median of the same between random parts of home.
        most_nothing: the largest of these.
        dimensions: of the space it was measured in.
        explained: share of the variance that these hold, 0..1.
    """

    distance: float
    nothing: float
    most_nothing: float
    dimensions: int
    explained: float

    @property
    def times(self) -> float | None:
        """How many times what is nothing; None where parts of home do not differ at all."""
        return self.distance / self.nothing if self.nothing > 0 else None

    @property
    def by_chance(self) -> bool:
        """Whether random parts of home differ as much at times. It does not say that the domains are the same."""
        return self.distance <= self.most_nothing

    @property
    def few(self) -> bool:
        """Whether photos allow no more than the fewest dimensions, and these leave some of the variance out."""
        return self.dimensions <= _FEWEST_DIMENSIONS and self.explained < _EXPLAINED


def joint_basis(domains: Sequence[Vectors], most: int = _MOST_DIMENSIONS) -> Basis:
    """Return the PCA of all domains, each of which counts the same; the largest part of each axis is positive."""
    mean = np.mean([found.mean(axis=0, dtype=np.float64) for found in domains], axis=0)
    channels = len(mean)
    covariance = np.zeros((channels, channels))
    for found in domains:
        for start in range(0, len(found), _AT_ONCE):
            part = found[start : start + _AT_ONCE] - mean
            covariance += part.T @ part / (len(found) * len(domains))
    count = min(most, channels)
    values, axes = eigh(covariance, subset_by_index=(channels - count, channels - 1))
    values, axes = np.clip(values[::-1], 0, None), axes[:, ::-1]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)])
    whole = float(np.trace(covariance))
    return Basis(mean, axes * signs, values / whole if whole > 0 else np.zeros(count))


def frechet(one: Vectors, other: Vectors) -> float:
    """Return the Frechet distance of the Gaussians fitted to two samples, (N, d) and (M, d), N and M over 1."""
    apart = one.mean(axis=0) - other.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(found, rowvar=False)) for found in (one, other))
    values, axes = np.linalg.eigh(first)
    root = (axes * np.sqrt(np.clip(values, 0, None))) @ axes.T
    both = np.linalg.eigvalsh(root @ second @ root)
    overlap = np.sqrt(np.clip(both, 0, None)).sum()
    return float(np.sqrt(max(0.0, apart @ apart + np.trace(first) + np.trace(second) - 2 * overlap)))


def feature_shift(home: Vectors, there: Vectors) -> FeatureShift | None:
    """Compare two domains by their photos' vectors, (N, channels) and (M, channels); None where either has too few."""
    fewest = min(len(home) // 2, len(there))
    if fewest < FEWEST:
        return None
    basis = joint_basis([home, there])
    basis = basis.first(max(_FEWEST_DIMENSIONS, basis.enough(fewest // _PHOTOS_A_DIMENSION)))
    dimensions = len(basis.explained)
    random = np.random.default_rng(SEED)
    shuffled = (random.permutation(home) for _ in range(SPLITS))
    parts = [_apart(each[:-fewest], each[-fewest:], dimensions) for each in shuffled]
    return FeatureShift(
        distance=frechet(basis.place(home), basis.place(there)),
        nothing=float(np.median(parts)),
        most_nothing=max(parts),
        dimensions=dimensions,
        explained=float(basis.explained.sum()),
    )


def _apart(one: Vectors, other: Vectors, dimensions: int) -> float:
    """Return the distance in axes of their own: those of a small sample lie where it happens to be far."""
    basis = joint_basis([one, other], dimensions)
    return frechet(basis.place(one), basis.place(other))


def farness(domains: Sequence[Vectors]) -> tuple[NDArray[np.float32], ...]:
    """Return how far each photo of each domain is from the first one; all ones where that is too small to tell."""
    basis = joint_basis(domains)
    basis = basis.first(basis.enough())
    home = basis.place(domains[0])
    if len(home) <= NEIGHBOURS:
        return tuple(np.ones(len(found), np.float32) for found in domains)
    own = _nearest(home, home, NEIGHBOURS + 1)  # the nearest of all is the photo itself
    unit = float(np.median(own)) or 1.0
    others = (_nearest(basis.place(found), home, NEIGHBOURS) for found in domains[1:])
    return tuple((found / unit).astype(np.float32) for found in (own, *others))


def farther(own: NDArray[np.float32], far: NDArray[np.float32]) -> int | None:
    """Return how many photos of a domain are farther from home than 95 % of home's own (`farness` of both).

    One in twenty would be if they were photos of home. None where home is too small to tell.
    """
    return None if len(own) <= NEIGHBOURS else int((far > np.quantile(own, _USUAL)).sum())


def _nearest(points: Vectors, home: Vectors, nth: int) -> NDArray[np.float64]:
    """Return the distance of each point to its nth nearest of home."""
    lengths = np.square(home).sum(axis=1)
    found = [np.empty(0)]
    for start in range(0, len(points), _AT_ONCE):
        part = points[start : start + _AT_ONCE]
        squared = np.square(part).sum(axis=1)[:, None] + lengths - 2 * part @ home.T
        found.append(np.sqrt(np.clip(np.partition(squared, nth - 1, axis=1)[:, nth - 1], 0, None)))
    return np.concatenate(found)
