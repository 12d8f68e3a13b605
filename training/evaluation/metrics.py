"""The figures of an evaluation, from integer counts alone.

The rules, the same everywhere: IoU is taken over a whole dataset, never averaged over images. A class that is neither
in the truth nor predicted has no figures (None) and is left out of the means. A class that is in the truth but never
predicted has no precision; its IoU and F1 are 0. Predictions without a target class lie in one last column, `other`:
they miss their truth class and belong to no class.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassMetrics:
    """Figures of one class; fractions 0..1, None where they are not defined.

    Attributes:
        iou: TP / (TP + FP + FN).
        precision: TP / (TP + FP).
        recall: TP / (TP + FN).
        f1: 2 TP / (2 TP + FP + FN).
        pixels: pixels of the class in the truth.
        predicted: pixels predicted as the class (where truth is not ignored).
    """

    iou: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    pixels: int
    predicted: int


@dataclass(frozen=True)
class Metrics:
    """Figures of a dataset; fractions 0..1, None where no class has one.

    Attributes:
        pa: pixel accuracy, correct pixels / all pixels that are not ignored.
        ma: mean accuracy, which is the mean recall.
        miou: mean IoU.
        fwiou: frequency-weighted IoU, the sum over classes of share of the truth x IoU.
        precision: mean over the classes that have one, like the next two.
        recall: mean recall.
        f1: mean F1.
        classes: per class, in the order of the rows.
        pixels: all pixels that are not ignored.
    """

    pa: float | None
    ma: float | None
    miou: float | None
    fwiou: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    classes: tuple[ClassMetrics, ...]
    pixels: int


def metrics(confusion: NDArray[np.int64]) -> Metrics:
    """Compute every figure from confusion counts.

    Args:
        confusion: int64 (K, K) or (K, K + 1), rows truth, columns predicted in the same order; the extra column
            counts predictions that are none of the K classes.

    Raises:
        ValueError: the shape is neither, the counts are not integers, or one is negative.

    Example:
        >>> metrics(np.array([[3, 1], [0, 4]])).miou  # (3/4 + 4/5) / 2
        0.775
    """
    _check(confusion)
    classes = tuple(_class_metrics(confusion, index) for index in range(confusion.shape[0]))
    pixels = int(confusion.sum())
    recall = _mean(row.recall for row in classes)
    return Metrics(
        pa=_ratio(int(np.trace(confusion)), pixels),
        ma=recall,
        miou=_mean(row.iou for row in classes),
        fwiou=_ratio(sum(row.pixels * row.iou for row in classes if row.iou is not None), pixels),
        precision=_mean(row.precision for row in classes),
        recall=recall,
        f1=_mean(row.f1 for row in classes),
        classes=classes,
        pixels=pixels,
    )


def _class_metrics(confusion: NDArray[np.int64], index: int) -> ClassMetrics:
    hits = int(confusion[index, index])
    truth = int(confusion[index].sum())
    predicted = int(confusion[:, index].sum())
    return ClassMetrics(
        iou=_ratio(hits, truth + predicted - hits),
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, truth),
        f1=_ratio(2 * hits, truth + predicted),
        pixels=truth,
        predicted=predicted,
    )


def _ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None


def _check(confusion: NDArray[np.int64]) -> None:
    if confusion.ndim != 2 or confusion.shape[1] - confusion.shape[0] not in (0, 1) or not confusion.shape[0]:
        raise ValueError(f"expected counts of shape (K, K) or (K, K + 1), found {confusion.shape}")
    if not np.issubdtype(confusion.dtype, np.integer):
        raise ValueError(f"expected integer counts, found {confusion.dtype}")
    if (confusion < 0).any():
        raise ValueError("expected counts of 0 or more, found a negative one")
