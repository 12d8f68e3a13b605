"""Cross-entropy of the hardest pixels only (online hard example mining)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.losses.pixelwise import class_weight, pixel_sum


def ohem_sum(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, *, threshold: float = 0.7, keep: float = 0.0625
) -> Tensor:
    """Sum over images (valid pixels) x (mean of w[y] (-log p) over the image's hard pixels), p = softmax(logits)[y].

    Hard is a valid pixel whose true class has p < `threshold`; where those are fewer than `keep` of the image's valid
    pixels, that share with the lowest p (and what ties with the last of them). Shrivastava et al., Training
    Region-based Object Detectors with Online Hard Example Mining, CVPR 2016, arXiv 1604.03540; by threshold and least
    number in segmentation: Wu et al., arXiv 1605.06885 (online bootstrapping).

    Deviations: they choose among the pixels of a batch, we among those of each image, which then counts by its valid
    pixels. So an image's hard pixels do not depend on what else is in the batch, and parts of a step that several
    passes or processes share add up to the whole. The least number is a share, not a count, so that it means the same
    for every crop.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1; they do not decide what is hard.
        threshold: above 0, at most 1.
        keep: above 0, at most 1.

    Returns:
        A fp32 scalar; divide it by the global number of valid pixels.
    """

    def curve(truth: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        flat = truth.masked_fill(~valid, torch.inf).flatten(1)
        pixels = valid.flatten(1).sum(dim=1, keepdim=True)
        least = (pixels * keep).ceil().long().clamp(min=1)
        hardest = flat.sort(dim=1).values.gather(1, least - 1)
        # An image without a valid pixel has no hardest one: infinity, and nothing that is hard.
        hard = ((flat < math.log(threshold)) | (flat <= hardest)).view_as(valid) & valid
        share = pixels / hard.flatten(1).sum(dim=1, keepdim=True).clamp(min=1)
        weight = class_weight(target, hard, weights) * share.unsqueeze(2)
        return -(truth * weight).sum(), weight

    return pixel_sum(logits, labels, curve)
