"""ROC and precision-recall curves of an evaluation's classes, one against the rest, under a mapping."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation import mapping as mappings
from training.evaluation.binned_curve import BinnedCurve, binned_curve
from training.evaluation.metrics import ClassMetrics, metrics
from training.evaluation.opened import OpenEvaluation, kept_record
from training.evaluation.store import read_counts, read_histograms, sum_counts

_KEPT = 4


@dataclass(frozen=True)
class WorkingPoint:
    """Where the argmax lies among the points: from all pixels, not only the sampled ones. Fractions, None: undefined.

    It need not lie on the curve: the winner of an argmax has no fixed probability.
    """

    recall: float | None
    false_positive_rate: float | None
    precision: float | None


@dataclass(frozen=True)
class ClassCurve:
    """The curves of one class.

    Attributes:
        name: of the dataset's class.
        pixels: sampled pixels of the class.
        others: sampled pixels of the other classes.
        working_point: what the argmax gives.
        curve: None where there is none.
        note: why there is none, None where there is.
    """

    name: str
    pixels: int
    others: int
    working_point: WorkingPoint
    curve: BinnedCurve | None
    note: str | None

    def to_json(self, *, points: bool = False) -> dict[str, Any]:
        """Return plain JSON values, undefined ones None; with the curves' points if asked for."""
        curve = self.curve
        low, high = curve.average_precision_range if curve else (None, None)
        values = {
            "name": self.name,
            "pixels": self.pixels,
            "others": self.others,
            "auc": curve.auc if curve else None,
            "auc_error": curve.auc_error if curve else None,
            "average_precision": curve.average_precision if curve else None,
            "average_precision_low": low,
            "average_precision_high": high,
            "working_point": vars(self.working_point),
            "note": self.note,
        }
        return values | {"points": _points(curve) if curve else []} if points else values


@dataclass(frozen=True)
class EvaluationCurves:
    """The curves of all classes; `bins` is the count of bins that probabilities were put into."""

    bins: int
    classes: tuple[ClassCurve, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, without the points; means are over the classes that have curves."""
        curves = [each.curve for each in self.classes if each.curve]
        return {
            "bins": self.bins,
            "mean_auc": float(np.mean([curve.auc for curve in curves])) if curves else None,
            "mean_average_precision": float(np.mean([curve.average_precision for curve in curves])) if curves else None,
            "classes": [each.to_json() for each in self.classes],
        }


def evaluation_curves(evaluation: OpenEvaluation) -> EvaluationCurves:
    """Return the curves of an evaluation's classes under its mapping; kept for the next call.

    Raises:
        UserError: the evaluation's files are damaged.
    """
    return _curves(evaluation.directory, tuple(evaluation.columns.tolist()))


@lru_cache(maxsize=_KEPT)
def _curves(directory: Path, columns: tuple[int, ...]) -> EvaluationCurves:
    record = kept_record(directory)
    confusion = mappings.apply(sum_counts(read_counts(directory, record), record), np.array(columns, np.intp))
    scores = read_histograms(directory, record).scores
    return EvaluationCurves(
        scores.shape[2],
        score_curves(scores, np.array(columns, np.intp), confusion, record.truth_classes, record.model_classes),
    )


def score_curves(
    scores: NDArray[np.int64],
    columns: NDArray[np.intp],
    confusion: NDArray[np.int64],
    truth_classes: tuple[str, ...],
    model_classes: tuple[str, ...],
) -> tuple[ClassCurve, ...]:
    """Return the curves of every class of the dataset, against all others.

    The probability of a class is that of the one model class which leads to it. Where several do, it would be their
    sum pixel by pixel, which counts by bin cannot give: such a class has no curves, and says so.

    Args:
        scores: int64 (k_model, k_truth, bins), sampled pixels by truth and the probability of a model class.
        columns: (k_model,), 0..k_truth, as `training.evaluation.mapping.targets` gives them.
        confusion: int64 (k_truth, k_truth + 1), of all pixels under this mapping.
        truth_classes: names.
        model_classes: names.
    """
    rows = metrics(confusion).classes
    total = int(confusion.sum())
    found = []
    for index, name in enumerate(truth_classes):
        models = np.flatnonzero(columns == index)
        by_truth = scores[models[0] if len(models) else 0]
        positives = by_truth[index]
        negatives = by_truth.sum(axis=0) - positives
        pixels, others = int(positives.sum()), int(negatives.sum())
        note = _why_not([model_classes[model] for model in models], pixels, others)
        found.append(
            ClassCurve(
                name=name,
                pixels=pixels,
                others=others,
                working_point=_working_point(rows[index], int(confusion[index, index]), total),
                curve=None if note else binned_curve(positives, negatives),
                note=note,
            )
        )
    return tuple(found)


def _why_not(models: list[str], pixels: int, others: int) -> str | None:
    if not models:
        return "No class of the model leads to it."
    if len(models) > 1:
        return (
            f"{len(models)} classes of the model lead to it ({', '.join(models)}): its probability is the sum of "
            "theirs, which is not stored."
        )
    if not pixels:
        return "No sampled pixel of the truth is of this class."
    return None if others else "All sampled pixels of the truth are of this class."


def _working_point(figures: ClassMetrics, hits: int, total: int) -> WorkingPoint:
    others = total - figures.pixels
    return WorkingPoint(
        recall=figures.recall,
        false_positive_rate=(figures.predicted - hits) / others if others else None,
        precision=figures.precision,
    )


def _points(curve: BinnedCurve) -> list[dict[str, float | None]]:
    columns = (curve.thresholds, curve.recall, curve.false_positive_rate, curve.precision)
    return [
        {
            "threshold": threshold,
            "recall": recall,
            "false_positive_rate": rate,
            "precision": None if np.isnan(precision) else precision,
        }
        for threshold, recall, rate, precision in zip(*(column.tolist() for column in columns), strict=True)
    ]
