"""Dice loss: twice the overlap over the sum of what is predicted and what is there."""

from __future__ import annotations

from torch import Tensor

from training.losses.tversky import tversky_sum


def dice_sum(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum over images the mean over their classes of 1 - 2 sum(p g) / (sum(p) + sum(g)), p the softmax, g the truth.

    Milletari et al., V-Net, 3DV 2016, arXiv 1606.04797, section 3, but for the squares in its denominator: without them
    it is F1 with soft counts, and the Tversky loss whose alpha and beta are one half. What that one says of classes,
    images and division holds here.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.

    Returns:
        A fp32 scalar; divide it by the global number of images that have a valid pixel.
    """
    return tversky_sum(logits, labels, weights, false_positives=0.5, false_negatives=0.5)
