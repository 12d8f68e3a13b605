"""Pooling written so that a tracer can keep heights and widths free: rounded up, or into a number of bins.

PyTorch's `ceil_mode` gives the same values, but its output size depends on a comparison of sizes that `torch.export`
would have to fix for one size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def max_pool_ceil(x: Tensor, kernel: int, *, padding: int = 0) -> Tensor:
    """Pool (N, C, H, W) of non-negative values with stride 2, sizes rounded up: equals `ceil_mode=True`.

    The one row and column of zeros put below and to the right are seen only by windows that also see a real value,
    which is at least zero as it comes from a ReLU.

    Args:
        x: values >= 0.
        kernel: 2 or 3.
        padding: on all sides, as `F.max_pool2d` takes it.
    """
    return F.max_pool2d(F.pad(x, (0, 1, 0, 1)), kernel, stride=2, padding=padding)


class MaxPoolCeil(nn.Module):
    """`max_pool_ceil` as a layer."""

    def __init__(self, kernel: int, padding: int = 0) -> None:
        super().__init__()
        self.kernel, self.padding = kernel, padding

    def forward(self, x: Tensor) -> Tensor:
        """See `max_pool_ceil`."""
        return max_pool_ceil(x, self.kernel, padding=self.padding)


def adaptive_average(x: Tensor, bins: int) -> Tensor:
    """Average (N, C, H, W) over `bins` x `bins` parts: equals `F.adaptive_avg_pool2d`.

    Written as two products with the share that every row and column has in every bin: exporters follow that for any
    size, where adaptive pooling stops them, and its gradient is the same at every run on a GPU.

    Returns:
        (N, C, bins, bins), of the type of `x`.
    """
    rows, columns = (_shares(side, bins, x) for side in x.shape[-2:])
    return rows @ x @ columns.T


def _shares(side: int, bins: int, like: Tensor) -> Tensor:
    """Return (bins, side): 1 / length inside a bin, which reaches from floor(i * side / bins) to the next's ceiling."""
    index, place = torch.arange(bins, device=like.device)[:, None], torch.arange(side, device=like.device)
    inside = (place >= index * side // bins) & (place < ((index + 1) * side + bins - 1) // bins)
    return inside.to(like.dtype) / inside.sum(1, keepdim=True)
