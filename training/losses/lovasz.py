"""Lovász-softmax: a convex extension of the Jaccard loss, so of the IoU itself."""

from __future__ import annotations

import torch
from torch import Tensor

from labeling.annotation import IGNORE
from training.losses.per_class import masked_softmax, memberships, sum_of_class_means


def jaccard_slope(truth: Tensor) -> Tensor:
    """Return what each pixel adds to the Jaccard loss of a class once all before it are wrong.

    Algorithm 1 of Berman et al., vectorised.

    Args:
        truth: (..., M) bool, whether a pixel is of the class, the most wrongly predicted pixel first.

    Returns:
        (..., M) fp32.
    """
    hits = truth.sum(dim=-1, keepdim=True) - truth.cumsum(dim=-1)
    union = truth.sum(dim=-1, keepdim=True) + (~truth).cumsum(dim=-1)
    # Without a pixel of the class the first error already makes all of it.
    jaccard = 1 - hits.float() / union.clamp(min=1).float()
    return torch.diff(jaccard, dim=-1, prepend=jaccard.new_zeros(*jaccard.shape[:-1], 1))


def lovasz_sum(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum over images the mean over their classes of the Lovász extension of 1 - IoU at the errors |onehot - softmax|.

    Berman, Rannen Triki, Blaschko, The Lovász-Softmax loss, CVPR 2018, arXiv 1705.08790, Algorithm 1 and the mean over
    the classes present. Per image, one of the ways the paper looks at: so it depends on nothing else in the batch, and
    parts of a step add up to the whole. An image's classes are weighted as in `sum_of_class_means`.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.

    Returns:
        A fp32 scalar; divide it by the global number of images that have a valid pixel.
    """
    total = torch.zeros((), device=logits.device)
    for image, label in zip(logits, labels, strict=True):  # one at a time: sorting keeps an int64 index a probability
        probabilities = masked_softmax(image[None], label[None]).flatten(2)[0]
        truth = memberships(label[None], len(image)).flatten(2)[0]
        # What is ignored is wrong by 0: it comes last and adds 0 times its slope.
        errors = (truth.float() - probabilities).abs() * (label != IGNORE).flatten()
        errors, order = errors.sort(dim=1, descending=True)
        losses = (errors * jaccard_slope(truth.gather(1, order))).sum(dim=1)
        total = total + sum_of_class_means(losses[None], truth.any(dim=1)[None], weights)
    return total
