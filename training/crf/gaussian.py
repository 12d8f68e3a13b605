"""The kernel of pixels' distance, which is separable: exact sums along columns and rows.

With the Gaussian g of the distance of two pixels in a line of some length and n the inverse roots of its sums, the
kernel is `n_p g(p, q) n_q`, once along a column and once along a row.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_REACH = 5
"""Standard deviations beyond which nothing counts: there the Gaussian is below 4e-6."""


def taps(deviation: float, length: int) -> Tensor:
    """Return the Gaussian at distances 0, 1, 2 ... as far as it counts along `length` pixels, float32."""
    distances = torch.arange(min(length, math.ceil(_REACH * deviation) + 1), dtype=torch.float64)
    return (-(distances / deviation).square() / 2).exp().float()


def normalisation(near: Tensor, length: int) -> Tensor:
    """Return n of `length` pixels in a line, float32, for the `taps` that count."""
    to_one_side = near.double().cumsum(0)
    places = torch.arange(length)
    before, after = (to_one_side[far.clamp(max=len(near) - 1)] for far in (places, places.flip(0)))
    return (before + after - near[0]).rsqrt().float()


def along(deviation: float, length: int) -> Tensor:
    """Return the kernel between `length` pixels in a line as a matrix, float32."""
    near, places = taps(deviation, length), torch.arange(length)
    distance = (places[:, None] - places).abs_()
    scale = normalisation(near, length)
    kernel = near[distance.clamp(max=len(near) - 1)].where(distance < len(near), 0)
    return scale[:, None] * kernel * scale


def smooth(values: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Filter `values`, float32 (N, H, W, K), by the kernels `along` its columns, (H, H), and its rows, (W, W)."""
    return rows @ (columns @ values.flatten(2)).view(values.shape)
