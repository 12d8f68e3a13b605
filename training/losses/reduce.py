"""Smaller photos, probabilities and weights: means over what is not ignored."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from labeling.annotation import IGNORE


def mean_of_valid(values: Tensor, valid: Tensor, size: Sequence[int]) -> Tensor:
    """Average over the valid pixels below each pixel of a smaller picture.

    Args:
        values: (N, C, H, W) float.
        valid: (N, H, W) bool.
        size: (height, width), at most H and W.

    Returns:
        (N, C, height, width); 0 where nothing is valid.
    """
    known = valid.unsqueeze(1).to(values.dtype)
    share = F.adaptive_avg_pool2d(known, (size[0], size[1]))
    total = F.adaptive_avg_pool2d(values.masked_fill(~valid.unsqueeze(1), 0), (size[0], size[1]))
    return total / share.masked_fill(share == 0, 1)


def reduce_photos(photos: Tensor, labels: Tensor, size: Sequence[int]) -> Tensor:
    """Return colours (N, 3, height, width), fp32 in 0..1, of photos (N, 3, H, W) uint8 at the size of a head.

    Averaged over the pixels that are not ignored, so that what a photo was padded with gets into none of them.
    """
    colors = photos.float() / 255
    if tuple(photos.shape[-2:]) == tuple(size):
        return colors
    if size[0] > photos.shape[-2] or size[1] > photos.shape[-1]:  # a head that is larger than its input
        return F.interpolate(colors, size=tuple(size), mode="bilinear")
    return mean_of_valid(colors, labels != IGNORE, size)
