"""Gaussian filtering in any number of dimensions in linear time: the permutohedral lattice.

Adams, Baek and Davis, Fast High-Dimensional Filtering Using the Permutohedral Lattice, Eurographics 2010. Values are
spread over the corners of the simplex that a point lies in (splat), blurred along the d + 1 axes of the lattice, and
gathered from the same corners (slice).

Deviations: corners are found by sorting, not in a hash table, so that one code runs on CPU and GPU and sums come out
the same every time; a corner is known by a linear hash of its coordinates modulo 2^64 (of a million corners two fall
together with a probability below 1e-6), which makes a neighbour's hash the corner's own plus a constant. Several images
share a lattice: which image a point belongs to is one more coordinate, along which nothing is blurred.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


class Lattice:
    """The corners around some points, ready to filter values at these points.

    Attributes:
        corners: how many there are.
    """

    def __init__(self, features: Tensor, images: Tensor) -> None:
        """Find the corners.

        Args:
            features: float32 (P, d), in standard deviations of the Gaussian.
            images: int64 (P,), the image that a point belongs to; points of another image are out of reach.
        """
        points, dimensions = features.shape
        multipliers = hash_factors(dimensions + 1).to(features.device)
        hashes, weights = _enclosing_simplex(features, multipliers[:-1])
        hashes += (images * multipliers[-1])[:, None]
        ordered, order = hashes.flatten().sort(stable=True)
        is_first = torch.ones_like(ordered, dtype=torch.bool)
        is_first[1:] = ordered[1:] != ordered[:-1]
        known = ordered[is_first]
        self.corners = len(known)
        # Numbered as they appear, corners of neighbouring points lie close together in memory: twice as fast.
        number = _inverse(order[is_first].argsort())
        corner_of = torch.empty_like(order, dtype=torch.int32)  # sorts faster than int64
        corner_of[order] = number.int()[is_first.cumsum(0) - 1]
        self._corner_of = corner_of.view(points, dimensions + 1)
        self._order = corner_of.sort(stable=True).indices
        self._point_of = (self._order // (dimensions + 1)).int()  # of the points around a corner, corner by corner
        counts = torch.bincount(corner_of, minlength=self.corners)
        self._starts = F.pad(counts.cumsum(0), (1, 0)).int()
        self._axes = [_with_neighbours(known, number, step) for step in hash_steps(multipliers[:-1])]
        self._blur = features.new_tensor([0.5, 1.0, 0.5]).repeat(self.corners + 1, 1)
        self._weigh(weights)
        total = self.filter(features.new_ones(points, 1))
        self._weigh(weights * total.rsqrt())

    def filter(self, values: Tensor) -> Tensor:
        """Approximate `n_p sum_q exp(-|f_p - f_q|^2 / 2) n_q v_q`, where `n_p^-2 = sum_q exp(-|f_p - f_q|^2 / 2)`.

        The normalisation is symmetric, as if the matrix K of the exponentials were `D^-1/2 K D^-1/2` with D its row
        sums; the lattice's own constants cancel.

        Args:
            values: float32 (P, channels).

        Returns:
            float32 (P, channels).
        """
        blurred = F.embedding_bag(
            self._point_of, values, self._starts, mode="sum", per_sample_weights=self._splat, include_last_offset=True
        )
        # One corner more, always zero, stands for every neighbour that is not there.
        blurred = torch.cat([blurred, blurred.new_zeros(1, values.shape[1])])
        for around in self._axes:
            blurred = F.embedding_bag(around, blurred, mode="sum", per_sample_weights=self._blur)
        return F.embedding_bag(self._corner_of, blurred, mode="sum", per_sample_weights=self._slice)

    def _weigh(self, weights: Tensor) -> None:
        """Take the weights (P, d + 1) of the points' corners for splat and slice."""
        self._slice = weights
        self._splat = weights.flatten()[self._order]


def hash_factors(count: int) -> Tensor:
    """Return what coordinates are multiplied with in a corner's hash: odd int64 (count,), the same in every process."""
    drawn = torch.randint(-(2**62), 2**62, (count,), generator=torch.Generator().manual_seed(0))
    return 2 * drawn + 1


def _enclosing_simplex(features: Tensor, multipliers: Tensor) -> tuple[Tensor, Tensor]:
    """Return the hashes of the corners around each point, int64, and its barycentric weights, both (P, d + 1)."""
    dimensions = features.shape[1]
    size = dimensions + 1
    elevated = features @ plane(dimensions).to(features).T
    nearest = (elevated / size).round() * size  # the nearest point of remainder 0, up to a step along an axis or more
    rank = (nearest - elevated).argsort(dim=1).argsort(dim=1)  # 0 for the axis that lies furthest above
    rank += (nearest.sum(dim=1, keepdim=True) / size).round().long()
    low, high = rank < 0, rank > dimensions
    nearest += size * low - size * high
    rank += size * low - size * high
    above = torch.empty_like(elevated).scatter_(1, rank, (elevated - nearest) / size)  # in the order of the ranks
    weights = torch.empty_like(elevated)
    weights[:, 0] = 1 + above[:, -1] - above[:, 0]
    weights[:, 1:] = (above[:, :-1] - above[:, 1:]).flip(1)
    # Corner k has remainder k: every coordinate rises by k, those of the last k ranks fall by d + 1. The last
    # coordinate follows from the others and is left out of the hash.
    by_rank = torch.zeros_like(rank).scatter_(1, rank[:, :-1], multipliers.expand(len(rank), -1))
    hashes = torch.arange(size, device=rank.device) * multipliers.sum() - size * by_rank.flip(1).cumsum(1).roll(1, 1)
    hashes[:, 0] = 0
    hashes += (nearest[:, :-1].long() * multipliers).sum(dim=1, keepdim=True)
    return hashes, weights


def plane(dimensions: int) -> Tensor:
    """Return the rotation and scale (d + 1, d) into the plane of the lattice: a blur there has a variance of one."""
    basis = torch.zeros(dimensions + 1, dimensions, dtype=torch.float64)
    for axis in range(dimensions):
        basis[: axis + 1, axis] = 1
        basis[axis + 1, axis] = -(axis + 1)
        basis[:, axis] /= math.sqrt((axis + 1) * (axis + 2))
    return basis * (math.sqrt(2 / 3) * (dimensions + 1))


def hash_steps(multipliers: Tensor) -> list[Tensor]:
    """Return what a corner's hash grows by from one to the next, for each of the d + 1 axes of the lattice."""
    down = -multipliers.sum()  # minus one in every coordinate, d more in the axis' own
    return [*(down + (len(multipliers) + 1) * multipliers), down]


def _with_neighbours(known: Tensor, number: Tensor, step: Tensor) -> Tensor:
    """Return int32 (corners + 1, 3): each corner between its neighbours on an axis; the last row is of nothing.

    Args:
        known: the corners' hashes, ascending.
        number: the corners' numbers, in that order.
        step: along the axis.
    """
    count = len(known)
    wanted = known + step
    found = torch.searchsorted(known, wanted).clamp_(max=count - 1)
    after = number[found].where(known[found] == wanted, count)
    around = torch.full((count + 1, 3), count, dtype=torch.int32, device=known.device)
    around[after, 0] = number.int()
    around[number, 1] = number.int()
    around[number, 2] = after.int()
    around[count] = count  # written by every corner without a neighbour
    return around


def _inverse(permutation: Tensor) -> Tensor:
    inverse = torch.empty_like(permutation)
    inverse[permutation] = torch.arange(len(permutation), device=permutation.device)
    return inverse
