"""The affinity matrix of a photo, made tile by tile and never kept: what it comes to when it is multiplied."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

CACHED = 1024
"""Largest side of a tile on the CPU: 4 MiB, about what stays in a core's cache between the steps."""
SMALLEST = 256
"""Side of a tile where the budget would allow none or next to none: 256 KiB, below which the work is in the steps."""


def image_affinity(features: Tensor, others: Tensor, out: Tensor, scratch: Tensor) -> Tensor:
    """Return exp(-|f_p - g_q|_1) for all pairs.

    Args:
        features: (5, R) fp32: red, green, blue, x, y, each times its weight.
        others: (5, C) fp32.
        out: at least R x C fp32 in a row, for the answer.
        scratch: likewise on a GPU; not used on the CPU.

    Returns:
        (R, C), a view of `out`.
    """
    rows, columns = features.shape[1], others.shape[1]
    tile = out[: rows * columns].view(rows, columns)
    if tile.device.type == "cpu":
        minus_distances(features.numpy(), others.numpy(), tile.numpy())
        return tile.exp_()
    return image_affinity_by_torch(features, others, tile.flatten(), scratch)


def image_affinity_by_torch(features: Tensor, others: Tensor, out: Tensor, scratch: Tensor | None = None) -> Tensor:
    """Return what `image_affinity` does with operations that every device has."""
    rows, columns = features.shape[1], others.shape[1]
    tile = out[: rows * columns].view(rows, columns)
    difference = torch.empty_like(tile) if scratch is None else scratch[: rows * columns].view(rows, columns)
    torch.sub(features[0, :, None], others[0], out=tile).abs_()
    for mine, theirs in zip(features[1:], others[1:], strict=True):
        torch.sub(mine[:, None], theirs, out=difference)
        tile.add_(difference.abs_())
    return tile.neg_().exp_()


def minus_distances(features: Any, others: Any, out: Any) -> None:
    """Write -|f_p - g_q|_1 into `out` (R, C), from numpy arrays (5, R) and (5, C), all fp32.

    One pass over the tile, where torch's operations need three for each feature: twenty times faster on one core. It is
    a sixth of all that is done with a tile, so threads of its own would gain little and wait for torch's.
    """
    _compiled()(features, others, out)


@cache
def _compiled() -> Callable[[Any, Any, Any], None]:
    """Compile when first asked: importing numba takes longer than most commands."""
    from training.compiled import compiled

    # The five features by name: a loop over them inside is not turned into vector instructions.
    def kernel(features, others, out):  # type: ignore[no-untyped-def]
        for p in range(out.shape[0]):
            red, green, blue, x, y = features[0, p], features[1, p], features[2, p], features[3, p], features[4, p]
            for q in range(out.shape[1]):
                color = abs(red - others[0, q]) + abs(green - others[1, q]) + abs(blue - others[2, q])
                out[p, q] = -(color + abs(x - others[3, q]) + abs(y - others[4, q]))

    return compiled(kernel)


def blocks(pixels: int, width: int, device: torch.device, budget: int) -> Iterator[slice]:
    """Cut pixels into runs whose pairs fit the budget.

    Args:
        pixels: M.
        width: K, columns of what the matrix is multiplied with.
        device: where; a GPU keeps two tiles.
        budget: bytes for the tiles and for three (M, K) arrays: the factor, the product and the gradient.
    """
    left = budget - 3 * 4 * pixels * width
    tiles = 1 if device.type == "cpu" else 2
    side = max(SMALLEST, math.isqrt(max(0, left) // (4 * tiles)))
    side = min(side, pixels, CACHED if device.type == "cpu" else side)
    for start in range(0, pixels, max(1, side)):
        yield slice(start, min(start + side, pixels))


def multiply(features: Tensor, factor: Tensor, mass: Tensor, budget: int) -> tuple[Tensor, Tensor]:
    """Return A Q and mass^T (A o A) mass for A(p, q) = exp(-|f_p - f_q|_1), which is symmetric: each tile serves twice.

    Args:
        features: (5, M) fp32; see `image_affinity`.
        factor: Q, (M, K) fp32.
        mass: (M,) fp32.
        budget: see `blocks`.

    Returns:
        (M, K) fp32 and a fp64 scalar.
    """
    runs = list(blocks(features.shape[1], factor.shape[1], features.device, budget))
    largest = (runs[0].stop - runs[0].start) ** 2 if runs else 0
    out = torch.empty(largest, device=features.device)
    scratch = out if features.device.type == "cpu" else torch.empty_like(out)
    product = torch.zeros_like(factor)
    square = torch.zeros((), dtype=torch.float64, device=features.device)
    parts = [features[:, run].contiguous() for run in runs]
    for i, rows in enumerate(runs):
        for j in range(i, len(runs)):
            columns = runs[j]
            tile = image_affinity(parts[i], parts[j], out, scratch)
            product[rows].addmm_(tile, factor[columns])
            if j > i:
                product[columns].addmm_(tile.T, factor[rows])
            squared = (mass[rows] @ tile.square_() @ mass[columns]).double()
            square += squared if j == i else 2 * squared
    return product, square
