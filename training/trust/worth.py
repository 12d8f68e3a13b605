"""What the doubts of a model are worth: which evaluation to take, and why what one doubts may say little."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.session import Database
from labeling.parts import part_title
from training.evaluation import mapping as mappings
from training.evaluation.metrics import metrics
from training.evaluation.opened import OpenEvaluation, kept_record, open_evaluation
from training.evaluation.report import EvaluationInfo, list_evaluations
from training.evaluation.store import read_counts, sum_counts

LEAST_ACCURACY = 0.85
"""A model that is right on a smaller share of the pixels is more often wrong itself than the labels are."""
_KEPT = 4


def best_evaluation(database: Database, project: str, dataset: str | None = None) -> EvaluationInfo | None:
    """Return the evaluation whose doubts say most: the highest pixel accuracy, then mean IoU, then the newest.

    Args:
        database: of the home that holds them.
        project: name.
        dataset: name; None takes any.

    Returns:
        One that stored predictions, of images that its model was not trained on; None where there is none.
    """
    held_out = [each for each in list_evaluations(database, project) if not each.leaks and each.pa is not None]
    known = [each for each in held_out if dataset in (None, each.dataset)]
    known.sort(key=lambda each: (each.pa or 0, each.miou or 0, each.id), reverse=True)
    return next((each for each in known if _has_predictions(database, each.id)), None)


def warnings(database: Database, evaluation: OpenEvaluation) -> tuple[str, ...]:
    """Say why what the model doubts may say little."""
    record, told = evaluation.record, list[str]()
    leaks = record.leaks
    if leaks.count:
        told.append(
            f"The model was trained on {leaks.count} of these {len(record.images)} images: it has learnt their labels, "
            "errors too, and hardly doubts them. Take an evaluation that holds out the images, or train one that does."
        )
    accuracy = _accuracy(evaluation.directory, tuple(evaluation.columns.tolist()))
    if accuracy is not None and accuracy < LEAST_ACCURACY:
        better = best_evaluation(database, evaluation.project, record.dataset)
        more = "A better model's evaluation of these images tells more."
        if better is not None and better.id != evaluation.id and (better.pa or 0) > accuracy:
            wrong = _wrong(better.pa or 0)
            where = part_title(better.dataset, better.on)
            more = f"Evaluation {better.id} tells more: {better.model} on {where}, {wrong}."
        told.append(
            f"The model is {_wrong(accuracy)} of these pixels: what it doubts is more often its own error. {more}"
        )
    return (*told, *leaks.unknown)


@lru_cache(maxsize=_KEPT)
def total_counts(directory: Path) -> NDArray[np.int64]:
    """As `training.evaluation.store.sum_counts`, kept for the next call."""
    record = kept_record(directory)
    return sum_counts(read_counts(directory, record), record)


def _accuracy(directory: Path, columns: tuple[int, ...]) -> float | None:
    return metrics(mappings.apply(total_counts(directory), np.array(columns, np.intp))).pa


def _wrong(accuracy: float) -> str:
    return f"wrong on {100 * (1 - accuracy):.0f} %"


def _has_predictions(database: Database, number: int) -> bool:
    try:
        return open_evaluation(database, number).record.predictions
    except UserError:  # a damaged one is not chosen
        return False
