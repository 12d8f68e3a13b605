"""What losses over whole regions share: which pixels are of which class, and one loss an image from one a class."""

from __future__ import annotations

import torch
from torch import Tensor

from labeling.annotation import IGNORE


def memberships(labels: Tensor, classes: int) -> Tensor:
    """Return (N, K, H, W) bool from labels (N, H, W) uint8: whether a pixel is of a class; ignored ones are of none."""
    return labels.unsqueeze(1) == torch.arange(classes, dtype=torch.uint8, device=labels.device)[:, None, None]


def masked_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    """Return softmax(logits) in fp32, (N, K, H, W), 0 where the label is 255, whatever the logits are there."""
    # Masked before and after: what is ignored may be so large that its softmax, or the gradient of it, is none.
    valid = (labels != IGNORE).unsqueeze(1)
    return logits.float().masked_fill(~valid, 0).softmax(dim=1) * valid


def sum_of_class_means(losses: Tensor, present: Tensor, weights: Tensor | None) -> Tensor:
    """Sum over images the mean of their classes' losses, weighted by class, over the classes that are present.

    A class that the truth does not show in an image has no region there to compare with, so it is left out; what is
    wrongly predicted of it still costs the classes that are there, whose share it takes. The weights are divided by the
    sum of those present, so that an image's loss stays between 0 and 1 and depends on that image alone.

    Args:
        losses: (N, K) fp32; those of absent classes are not looked at.
        present: (N, K) bool.
        weights: (K,) fp32 or None for 1.

    Returns:
        A fp32 scalar; an image without any class counts 0.
    """
    share = present.float() if weights is None else present * weights
    share = share / share.sum(dim=1, keepdim=True).clamp(min=torch.finfo(share.dtype).tiny)
    return (losses.masked_fill(~present, 0) * share).sum()
