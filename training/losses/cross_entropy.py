"""Cross-entropy over the pixels that are not ignored."""

from __future__ import annotations

from torch import Tensor

from training.losses.pixelwise import class_weight, pixel_sum


def cross_entropy_sum(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum w[y] (-log softmax(logits)[y]) over all pixels whose label y is not 255.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.

    Returns:
        A fp32 scalar; divide it by the global number of valid pixels.
    """

    def curve(truth: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        weight = class_weight(target, valid, weights)
        return -(truth * weight).sum(), weight

    return pixel_sum(logits, labels, curve)
