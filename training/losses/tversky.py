"""Tversky loss: overlap of regions, with a say in whether too much or too little is worse."""

from __future__ import annotations

from torch import Tensor

from training.losses.per_class import masked_softmax, memberships, sum_of_class_means


def tversky_sum(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    false_positives: float = 0.3,
    false_negatives: float = 0.7,
) -> Tensor:
    """Sum over images the mean over their classes of 1 - TP / (TP + alpha FP + beta FN), all three soft counts.

    With p the softmax: TP_c is the sum of p_c over the pixels of class c, FP_c that over the valid pixels of others,
    FN_c the sum of 1 - p_c over those of c. Salehi et al., Tversky Loss Function for Image Segmentation using 3D Fully
    Convolutional Deep Networks, MLMI 2017, arXiv 1706.05721, with the alpha 0.3 and beta 0.7 it found best. Deviations:
    any number of classes, the mean over those the image shows (see `sum_of_class_means`); so nothing is ever divided by
    zero and no smoothing constant is added.

    It is no sum over pixels but a figure an image: each image that has a valid pixel counts alike, whatever it is
    batched with, and parts of a step add up to the whole.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.
        false_positives: alpha, at least 0.
        false_negatives: beta, at least 0.

    Returns:
        A fp32 scalar; divide it by the global number of images that have a valid pixel.
    """
    probabilities = masked_softmax(logits, labels)
    truth = memberships(labels, logits.shape[1])
    hits = (probabilities * truth).sum(dim=(2, 3))
    predicted, actual = probabilities.sum(dim=(2, 3)), truth.sum(dim=(2, 3))
    regions = hits + false_positives * (predicted - hits) + false_negatives * (actual - hits)
    present = actual > 0
    # alpha = beta = 0 would leave 0 / 0 where nothing is hit.
    overlap = hits / regions.masked_fill(~present, 1).clamp(min=1e-12)
    return sum_of_class_means(1 - overlap, present, weights)
