"""What to expect of a model on photos without labels, with the error its estimates have where labels are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.session import Database
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.evaluation.per_image import class_sums
from training.evaluation.report import list_evaluations
from training.evaluation.store import read_counts, read_histograms
from training.shift.subject import Domain
from training.survey.expected import Expected, Known, expected_accuracy, no_line
from training.survey.store import Survey

UNRELIABLE = 0.05
"""An estimate that is further off where the truth is known is not to be relied on."""


@dataclass(frozen=True)
class Check:
    """What the estimates say of a labelled evaluation, and what is true of it; fractions."""

    evaluation: int
    dataset: str
    on: str
    images: int
    expected: Expected
    accuracy: float

    @property
    def title(self) -> str:
        """What people are told it was made on."""
        return Domain(self.dataset, self.on).title

    @property
    def off(self) -> dict[str, float | None]:
        """Return the estimates minus the truth, by their names."""
        return {name: None if value is None else value - self.accuracy for name, value in vars(self.expected).items()}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**vars(self), "expected": self.expected.to_json(), "off": self.off}


@dataclass(frozen=True)
class Estimate:
    """What may be expected of a model on a survey's photos.

    Attributes:
        home: number of the evaluation it is learnt from.
        home_accuracy: pixel accuracy there.
        expected: on the survey's photos.
        checks: the same estimates on every other evaluation of the same weights, which has labels.
        dataset: name of that of the survey's photos.
        notes: why an estimate is n/a.
    """

    home: int
    home_accuracy: float
    expected: Expected
    checks: tuple[Check, ...]
    dataset: str
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """Return what is expected by ATC and how far that is off where the truth is known, in words.

        Where it is not to be relied on, labelled photos of the same dataset tell better what to expect.
        """
        said = f"ATC expects {100 * self.expected.atc:.1f} % of the pixels right."
        if not self.checks:
            return f"{said} Nobody knows how far off it is: no other evaluation of this model has labels."
        worst = max(self.checks, key=lambda check: abs(check.expected.atc - check.accuracy))
        off = worst.expected.atc - worst.accuracy
        points = f"{100 * abs(off):.1f} points"
        if abs(off) <= UNRELIABLE:
            return f"{said} Where the truth is known it is off by at most {points}."
        way = "high" if off > 0 else "low"
        wrong = f"On {worst.title}, where the truth is known, it is {points} too {way}: do not rely on it."
        return f"{said} {wrong}{self._better()}"

    def _better(self) -> str:
        near = [check for check in self.checks if check.dataset == self.dataset]
        if not near:
            return ""
        most = max(near, key=lambda check: check.images)
        photos = f"{most.images:,} labelled {'photo' if most.images == 1 else 'photos'}"
        right = f"{100 * most.accuracy:.1f} % of the pixels are right"
        return f" Better go by the {photos} of {most.title}: there {right} (pixel accuracy, not mIoU)."

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "headline": self.headline,
            "home": self.home,
            "home_accuracy": self.home_accuracy,
            "expected": self.expected.to_json(),
            "checks": [check.to_json() for check in self.checks],
            "notes": list(self.notes),
        }


def estimate(
    database: Database,
    project: str,
    survey: Survey,
    home: int,
    *,
    rows: Sequence[int] | None = None,
    mapping: str | None = None,
) -> Estimate:
    """Estimate the pixel accuracy on a survey's photos.

    Args:
        database: of the home that holds them.
        project: name.
        survey: of the photos.
        home: number of an evaluation of the same weights, in the same size and refinement, whose labels are known.
        rows: places in the survey's record of the photos that are meant; None means all of them.
        mapping: name of a saved mapping, or `by-name`; None reads each evaluation as it was made.

    Raises:
        UserError: there is no such evaluation, the mapping does not fit it, it is of another model or was made
            otherwise, or has no pixel.
    """
    found = open_evaluation(database, home, project=project, mapping=mapping)
    _check_alike(survey, found)
    known = known_of(found)
    meant = list(range(len(survey.record.images)) if rows is None else rows)
    entropies = np.array([survey.record.images[row].entropy for row in meant])
    confidence = survey.arrays().confidence[meant].sum(axis=0, dtype=np.int64)
    checks: list[Check] = []
    unread: list[str] = []
    for info in list_evaluations(database, project):
        other = None if info.id == home else open_evaluation(database, info.id, project=project)
        if other is not None and _made_as(survey, other):
            try:
                other = open_evaluation(database, info.id, project=project, mapping=mapping)
            except UserError as error:  # of a dataset with other classes
                unread.append(f"Evaluation {info.id} is left out. {error}")
                continue
            there = known_of(other)
            checks.append(
                Check(
                    evaluation=info.id,
                    dataset=info.dataset,
                    on=info.on,
                    images=info.images,
                    expected=expected_accuracy(known, there.confidence, there.entropies),
                    accuracy=there.accuracy,
                )
            )
    expected = expected_accuracy(known, confidence, entropies)
    notes = (*_notes(home, known, checks), *unread)
    return Estimate(home, known.accuracy, expected, tuple(checks), survey.record.dataset, notes)


def known_of(evaluation: OpenEvaluation) -> Known:
    """Return what an evaluation knows, under its mapping.

    Raises:
        UserError: all of its pixels are ignored, or its files are damaged.
    """
    record = evaluation.record
    counts = read_counts(evaluation.directory, record)
    sums = class_sums(counts, evaluation.columns, len(record.truth_classes))
    right, pixels = sums.hits.sum(axis=1), sums.truth.sum(axis=1)
    if not pixels.sum():
        raise UserError(f"All pixels of evaluation {evaluation.id} are ignored: nothing can be learnt from it.")
    with np.errstate(invalid="ignore"):
        accuracies = right / pixels  # 0 / 0 is NaN
    return Known(
        confidence=read_histograms(evaluation.directory, record).confidence,
        accuracy=float(right.sum() / pixels.sum()),
        accuracies=np.asarray(accuracies, np.float64),
        entropies=_entropies(evaluation),
    )


def _notes(home: int, known: Known, checks: Sequence[Check]) -> tuple[str, ...]:
    if reason := no_line(known):
        return (f"Entropy tells nothing: evaluation {home}, where it learns, {reason}.",)
    older = [check.evaluation for check in checks if check.expected.entropy is None]
    return tuple(f"By entropy n/a: evaluation {number} is older than entropies by image." for number in older)


def _entropies(evaluation: OpenEvaluation) -> NDArray[np.float64]:
    """Return the entropy of each image, NaN where the evaluation is older than that."""
    return np.array([np.nan if image.entropy is None else image.entropy for image in evaluation.record.images])


def _made_as(survey: Survey, evaluation: OpenEvaluation) -> bool:
    ours, theirs = survey.record, evaluation.record
    return (ours.model_sha256, ours.size, ours.refinement) == (theirs.model_sha256, theirs.size, theirs.refinement)


def _check_alike(survey: Survey, evaluation: OpenEvaluation) -> None:
    if _made_as(survey, evaluation):
        return
    ours, theirs = survey.record, evaluation.record
    raise UserError(
        f"Evaluation {evaluation.id} tells nothing of the survey {survey.name}: it is of {theirs.model} at size "
        f"{theirs.size}, refined by {str(theirs.refinement) or 'nothing'}; the survey is of {ours.model} at size "
        f"{ours.size}, refined by {str(ours.refinement) or 'nothing'}. Make one as the other."
    )
