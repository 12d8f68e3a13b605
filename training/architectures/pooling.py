"""Max pooling that rounds sizes up, written so that a tracer can keep heights and widths free.

PyTorch's `ceil_mode` gives the same values, but its output size depends on a comparison of sizes that `torch.export`
would have to fix for one size.
"""

from __future__ import annotations

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
