"""What a report is made of: one evaluation under one mapping, read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.session import Database
from labeling.classes import list_classes
from labeling.colors import colors_for
from training.evaluation.curves import EvaluationCurves, evaluation_curves
from training.evaluation.gallery import evaluation_page
from training.evaluation.opened import OpenEvaluation
from training.evaluation.report import EvaluationReport, report

OTHER_COLOR = "#8c8c8c"


@dataclass(frozen=True)
class Confusion:
    """Pixels of one class that were taken for another.

    Attributes:
        truth: what they are.
        predicted: what they were taken for.
        pixels: how many.
        share: of all pixels of the true class, 0..1.
        images: images with such pixels.
    """

    truth: str
    predicted: str
    pixels: int
    share: float
    images: int


@dataclass(frozen=True)
class Findings:
    """One evaluation, read.

    Attributes:
        evaluation: with the mapping it is read under.
        report: its figures.
        curves: ROC and precision-recall of its classes.
        colors: `#rrggbb` of the dataset's classes, then of `other`.
    """

    evaluation: OpenEvaluation
    report: EvaluationReport
    curves: EvaluationCurves
    colors: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the dataset's classes."""
        return self.report.record.truth_classes

    def top_confusions(self, most: int) -> list[Confusion]:
        """Return where most pixels went wrong, the most first."""
        names = self.report.predicted_names
        counts = self.report.confusion.copy()
        totals = counts.sum(axis=1)
        np.fill_diagonal(counts, 0)
        found = []
        for truth, predicted in _largest(counts, most):
            page = evaluation_page(self.evaluation, cell=(truth, predicted), limit=1)
            pixels = int(counts[truth, predicted])
            share = pixels / int(totals[truth])
            found.append(Confusion(names[truth], names[predicted], pixels, share, page.total))
        return found


def read_findings(database: Database, evaluation: OpenEvaluation) -> Findings:
    """Read what a report is made of; needs no network and no photo.

    Raises:
        UserError: the evaluation's files are damaged, or the mapping does not fit it.
    """
    known = {one.name: one.color for one in list_classes(database, evaluation.project)}
    return Findings(
        evaluation=evaluation,
        report=report(evaluation.directory, evaluation.id, evaluation.mapping),
        curves=evaluation_curves(evaluation),
        colors=(*colors_for(evaluation.record.truth_classes, known), OTHER_COLOR),
    )


def _largest(counts: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Yield row and column of the largest counts, those of 0 left out."""
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    for row, column in zip(*(places.tolist() for places in np.unravel_index(order, counts.shape)), strict=True):
        if counts[row, column]:
            yield row, column
