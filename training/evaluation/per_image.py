"""What the counts of an evaluation say of each image and class: the sums that every IoU is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


@dataclass(frozen=True)
class ClassSums:
    """Pixels by image and class, float64 (images, K): whole numbers, exact, as no photo has 2^53 pixels.

    Attributes:
        hits: truth and prediction are the class.
        truth: the truth is.
        predicted: the prediction is, where truth is not ignored.
    """

    hits: NDArray[np.float64]
    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]

    @property
    def union(self) -> NDArray[np.float64]:
        """Pixels where either is the class."""
        return self.truth + self.predicted - self.hits


def class_sums(counts: csr_array, columns: NDArray[np.intp], k_truth: int) -> ClassSums:
    """Add the counts of each image up by class, under a mapping.

    Args:
        counts: int64 (images, k_truth * k_model), as `training.evaluation.store` keeps them.
        columns: (k_model,), 0..k_truth, as `training.evaluation.mapping.targets` gives them.
        k_truth: number of truth classes.
    """
    images = counts.shape[0]
    rows = np.repeat(np.arange(images), np.diff(counts.indptr))
    truth, model = np.divmod(counts.indices, len(columns))
    predicted = columns[model]

    def total(cells: NDArray[np.bool_], of: NDArray[np.intp]) -> NDArray[np.float64]:
        places = rows[cells] * k_truth + of[cells]
        sums = np.bincount(places, counts.data[cells], images * k_truth)
        return np.asarray(sums, np.float64).reshape(images, k_truth)

    return ClassSums(
        hits=total(truth == predicted, truth),
        truth=total(truth >= 0, truth),
        predicted=total(predicted < k_truth, predicted),
    )
