"""Class weights from the label histograms of the training images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.recipe_parts import Loss


def class_weights(histograms: NDArray[np.int64], loss: Loss) -> NDArray[np.float32] | None:
    """Weigh classes by how rare they are.

    - median_frequency: freq(c) = pixels of c / valid pixels of the images c is in; weight = median(freq) / freq(c)
      (SegNet, arXiv 1511.00561, section 3.2, after Eigen and Fergus).
    - effective_number: weight = (1 - beta) / (1 - beta^n(c)), n the number of images c is in (Cui et al., CVPR 2019,
      arXiv 1901.05555, eq. 2; images, as pixels of one image are far from independent).

    Raised to the power `loss.power`, limited to `loss.max_weight` times the smallest, then scaled to a mean of 1 over
    all valid pixels. A class without a pixel gets 1: it never enters the loss.

    Args:
        histograms: (images, classes) pixels of each class in each training image, ignored pixels left out.
        loss: the recipe's choice.

    Returns:
        (classes,) or None for `none`.
    """
    if loss.class_weights == "none":
        return None
    pixels = histograms.sum(axis=0)
    present = pixels > 0
    weights = np.ones(len(pixels))
    if not present.any():
        return weights.astype(np.float32)
    if loss.class_weights == "median_frequency":
        around = np.array([histograms[histograms[:, c] > 0].sum() for c in range(len(pixels))])
        frequency = pixels[present] / around[present]
        weights[present] = np.median(frequency) / frequency
    else:
        images = (histograms > 0).sum(axis=0)[present]
        weights[present] = (1 - loss.beta) / (1 - loss.beta**images)
    weights[present] **= loss.power
    weights[present] = np.minimum(weights[present], weights[present].min() * loss.max_weight)
    weights[present] *= pixels.sum() / (weights[present] * pixels[present]).sum()
    return weights.astype(np.float32)
