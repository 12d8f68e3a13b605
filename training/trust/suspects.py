"""Which labelled pixels a model doubts: confident learning, from what an evaluation stores.

Northcutt, Jiang and Chuang (Confident Learning, JAIR 2021, https://arxiv.org/abs/1911.00068) call a label wrong where
another class's probability is at least that class's threshold: the mean probability of the class over all that is
labelled as it. Lad and Mueller (Estimating label quality and errors in semantic segmentation data via any model, 2023,
https://arxiv.org/abs/2307.05080) do so for pixels. As cleanlab counts them (`LabelInspector`, behind
`cleanlab.segmentation.filter.find_label_issues`), a pixel is suspect where the class that won is not its label and the
winner's probability reaches that class's threshold; `quality` is its `num_pixel_issues` score.

None of it needs the network again. The thresholds are means, which the histograms of scores give within half a bin
(0.005); the winner and its probability are stored for every pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE
from training.evaluation.mapping import apply

NEVER = 2.0
"""Threshold of a class that nothing is labelled as: no probability reaches it."""


def thresholds(scores: NDArray[np.int64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the confidence from which on a pixel is taken to be of a class, 0..1, or `NEVER`, float64 (k_truth,).

    Where several classes of the model count as one of the dataset's, its probability is their sum.

    Args:
        scores: int64 (k_model, k_truth, bins), as `training.evaluation.store.Histograms` has them.
        columns: (k_model,), 0..k_truth, as `training.evaluation.mapping.targets` gives them.
    """
    bins, classes = scores.shape[2], scores.shape[1]
    sums = scores @ ((np.arange(bins) + 0.5) / bins)  # (k_model, k_truth): of the probabilities
    pixels = scores.sum(axis=2).max(axis=0)  # every class of the model has counted the same pixels
    found = np.full(classes, NEVER)
    for truth in np.flatnonzero(pixels):
        own = columns == truth
        if own.any():
            found[truth] = sums[own, truth].sum() / pixels[truth]
    return found


def suspects(
    truth: NDArray[np.uint8],
    prediction: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
    limits: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Tell which pixels of an image are likely to be labelled wrongly, bool (H, W).

    Args:
        truth: class map, uint8 (H, W); 255 is ignored.
        prediction: uint8 (H, W) of the same classes; their number for one that is none of them, which is never told.
        confidence: of it, uint8 (H, W), 0..255 for 0..1.
        limits: by class, see `thresholds`.
    """
    least = np.full(257, 256.0)
    least[: len(limits)] = np.minimum(limits * 255 - 0.5, 256)  # stored rounded: what may have reached it has
    return (truth != IGNORE) & (truth != prediction) & (confidence >= least[prediction])


def surprise(counts: NDArray[np.int64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how unlike the model it is to see a class where another is labelled, in nats, float64 (k_truth, k_truth).

    It is -log P(seen | labelled), from the confusion matrix of the whole evaluation with one pixel added to each cell:
    what a model confuses everywhere says little of a label, what it confuses here alone much.

    Args:
        counts: int64 (k_truth, k_model), rows are truth.
        columns: as of `thresholds`.
    """
    matrix = apply(counts, columns).astype(np.float64) + 1
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    return np.asarray(-np.log(shares[:, : len(shares)]))
