"""Focal loss: cross-entropy that pays less attention to what is easy."""

from __future__ import annotations

from torch import Tensor

from training.losses.pixelwise import class_weight, pixel_sum


def focal_sum(logits: Tensor, labels: Tensor, weights: Tensor | None = None, *, gamma: float = 2.0) -> Tensor:
    """Sum w[y] (1 - p)^gamma (-log p) over all pixels whose label y is not 255, p = softmax(logits)[y].

    Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, arXiv 1708.02002, equations 4 and 5; gamma 2 is the
    best of its table 1b. Deviations: a softmax over all classes stands for the paper's sigmoid per class; the class
    weight stands for its alpha; it divides by the number of anchors that are objects, we by all valid pixels.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.
        gamma: at least 0, which is cross-entropy.

    Returns:
        A fp32 scalar; divide it by the global number of valid pixels.
    """

    def curve(truth: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        weight = class_weight(target, valid, weights)
        # Near p = 1 the slope of a gamma below 1 is 0 times infinity; its limit is 0.
        wrong = truth.expm1().neg_().clamp_(min=1e-12)
        easy = wrong**gamma * weight
        pull = easy - gamma * wrong ** (gamma - 1) * truth.exp() * truth * weight
        return -(easy * truth).sum(), pull

    return pixel_sum(logits, labels, curve)
