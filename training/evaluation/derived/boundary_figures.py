"""Boundary F1 and boundary IoU of a dataset, from the counts of its images."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.0075
"""Of the diagonal: nearer than this, boundaries meet."""
WIDTH = 0.02
"""Of the diagonal: how far the strips of the boundary IoU reach inwards."""


class Count(IntEnum):
    """The columns of an image's counts, in pixels: boundaries for F1, then the strips for IoU."""

    TRUE = 0
    FOUND = 1
    PREDICTED = 2
    RIGHT = 3
    COMMON = 4
    EITHER = 5


@dataclass(frozen=True)
class BoundaryFigures:
    """Figures of all classes, 0..1; None where undefined.

    As every figure of a dataset here they come from the sums over its images, which the papers do not say for more than
    one image or mask. The mean over images that Csurka et al. report for F1 stands beside it.

    Attributes:
        f1: mean over the classes that have one.
        iou: mean over the classes that have one.
        f1_by_image: the F1 of each class in each image that has boundaries of it in truth or prediction, averaged over
            the classes of an image, then over the images.
        class_f1: by class; where only one of truth and prediction has a boundary it is 0.
        class_iou: by class.
        class_pixels: by class, pixels of the true boundary.
    """

    f1: float | None
    iou: float | None
    f1_by_image: float | None
    class_f1: tuple[float | None, ...]
    class_iou: tuple[float | None, ...]
    class_pixels: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values of the whole."""
        return {
            "f1": self.f1,
            "iou": self.iou,
            "f1_by_image": self.f1_by_image,
            "tolerance": TOLERANCE,
            "width": WIDTH,
        }


def boundary_figures(counts: NDArray[np.int64]) -> BoundaryFigures:
    """Compute the figures.

    Args:
        counts: int64 (images, classes, 6), of each image as `boundary_counts` gives them.
    """
    sums = counts.sum(axis=0)
    f1, iou = f1_of(sums), iou_of(sums)
    by_image = [_mean(row) for row in f1_of(counts)]
    return BoundaryFigures(
        f1=_mean(f1),
        iou=_mean(iou),
        f1_by_image=_mean(np.array([np.nan if value is None else value for value in by_image])),
        class_f1=_known(f1),
        class_iou=_known(iou),
        class_pixels=tuple(sums[:, Count.TRUE].tolist()),
    )


def f1_of(counts: NDArray[np.int64 | np.float64]) -> NDArray[np.float64]:
    """Return the harmonic mean of precision and recall, NaN where neither truth nor prediction has a boundary.

    Args:
        counts: (..., 6), columns as `Count` names them.
    """
    true, found, predicted, right = (
        counts[..., column].astype(np.float64) for column in (Count.TRUE, Count.FOUND, Count.PREDICTED, Count.RIGHT)
    )
    precision = np.divide(right, predicted, out=np.zeros_like(right), where=predicted > 0)
    recall = np.divide(found, true, out=np.zeros_like(found), where=true > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return np.where(true + predicted > 0, f1, np.nan)


def iou_of(counts: NDArray[np.int64 | np.float64]) -> NDArray[np.float64]:
    """Return the IoU of the strips, NaN where neither truth nor prediction has one; as `f1_of`."""
    common, either = counts[..., Count.COMMON], counts[..., Count.EITHER]
    return np.divide(common, either, out=np.full(common.shape, np.nan), where=either > 0)


def _mean(values: NDArray[np.float64]) -> float | None:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def _known(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else value for value in values.tolist())
