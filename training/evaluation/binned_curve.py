"""ROC and precision-recall of one class against the rest, from how often each probability occurred.

Probabilities are counted in equally wide bins, so that memory does not grow with the images. The points at the bins'
edges are exact. Between them the order of the pixels of one bin is lost, and with it a little of the areas: that much
is told beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BinnedCurve:
    """One class against the rest, at every edge of a bin; fractions 0..1.

    Attributes:
        thresholds: float64 (bins + 1,), descending from 1: pixels of this probability or more are called the class. At
            the first one, none is (those of exactly 1 come with the next).
        recall: float64 (bins + 1,), the share of the class's pixels that are called so: the true positive rate.
        false_positive_rate: float64 (bins + 1,), the share of the others that are called so.
        precision: float64 (bins + 1,), the share of those called so that are; NaN where none is.
        auc: area under the ROC curve by the trapezoidal rule.
        auc_error: the AUC of the probabilities as they were is at most so far from `auc`.
        average_precision: the sum over the bins of precision times what the recall gains, as scikit-learn defines it.
        average_precision_range: between these lies that of the probabilities as they were.
    """

    thresholds: NDArray[np.float64]
    recall: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    precision: NDArray[np.float64]
    auc: float
    auc_error: float
    average_precision: float
    average_precision_range: tuple[float, float]


def binned_curve(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> BinnedCurve:
    """Draw the curves of one class.

    Args:
        positives: int64 (bins,), pixels of the class by its probability, ascending.
        negatives: likewise those of all others.

    Raises:
        ValueError: one of them holds no pixel, so that there is no curve.
    """
    hits, misses = positives[::-1].astype(np.float64), negatives[::-1].astype(np.float64)
    if not (hits.sum() and misses.sum()):
        raise ValueError("expected pixels of the class and of others")
    bins = len(hits)
    found, wrong = np.cumsum([0, *hits]), np.cumsum([0, *misses])
    called = found + wrong
    recall, rate = found / found[-1], wrong / wrong[-1]
    precision = np.divide(found, called, out=np.full(bins + 1, np.nan), where=called > 0)
    lost = float((hits * misses).sum() / (2 * found[-1] * wrong[-1]))
    gained = hits > 0
    return BinnedCurve(
        thresholds=np.arange(bins, -1, -1) / bins,
        recall=recall,
        false_positive_rate=rate,
        precision=precision,
        auc=float(np.trapezoid(recall, rate)),
        auc_error=lost,
        average_precision=float((precision[1:][gained] * hits[gained]).sum() / found[-1]),
        average_precision_range=_average_precision_range(
            hits[gained], misses[gained], found[:-1][gained], wrong[:-1][gained]
        ),
    )


def _average_precision_range(
    hits: NDArray[np.float64], misses: NDArray[np.float64], found: NDArray[np.float64], wrong: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the least and the most that the order within the bins can make of the average precision.

    At best the class's own come first and tie, so that each has the precision after the last one. At worst the others
    come first: the k-th of p then has (found + k) / (found + k + wrong), whose sum over k is what digamma gives.

    Args:
        hits: (bins,), pixels of the class in each bin that has any.
        misses: other pixels in it.
        found: pixels of the class in the bins above it.
        wrong: others in the bins above it.
    """
    from scipy.special import digamma  # takes long to load, and only drawing curves needs it

    total = hits.sum()
    best = hits * (found + hits) / (found + hits + wrong)
    before = wrong + misses
    worst = hits - before * (digamma(found + before + hits + 1) - digamma(found + before + 1))
    return float(worst.sum() / total), float(best.sum() / total)
