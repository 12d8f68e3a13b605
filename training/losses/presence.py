"""Which classes are in an image at all: the semantic encoding loss of EncNet."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from labeling.annotation import IGNORE


def present(labels: Tensor, classes: int) -> Tensor:
    """Tell which classes each image shows; one pixel is enough.

    Args:
        labels: (N, H, W) uint8, 0..K-1 or 255, which shows nothing.
        classes: K.

    Returns:
        (N, K) bool.
    """
    seen = torch.zeros(len(labels), IGNORE + 1, dtype=torch.bool, device=labels.device)
    return seen.scatter_(1, labels.flatten(1).long(), True)[:, :classes]


def presence_sum(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum over images the mean over classes of the binary cross-entropy between `logits` and what is in the image.

    The semantic encoding (SE) loss of Zhang et al., Context Encoding for Semantic Segmentation, CVPR 2018, arXiv
    1803.08904, section 2. Large and small things count alike there, so it is published without class weights; with
    them the mean is a weighted one, so the loss keeps its scale. An image whose every pixel is ignored says nothing
    about its classes and counts 0.

    Args:
        logits: (N, K), one a class, fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.

    Returns:
        A fp32 scalar; divide it by the global number of images that have a valid pixel.
    """
    target = present(labels, logits.shape[1])
    errors = F.binary_cross_entropy_with_logits(logits.float(), target.float(), reduction="none")
    mean = errors.mean(dim=1) if weights is None else (errors * weights).sum(dim=1) / weights.sum()
    return (mean * target.any(dim=1)).sum()
