"""What else is known already of a model on a domain: why it differs, and what to expect of photos without labels."""

from __future__ import annotations

from dataclasses import dataclass

from db.home import Home
from db.session import Database
from labeling.datasets import list_datasets
from labeling.images import photos_of
from labeling.parts import UNLABELLED
from training.shift.store import Shift, list_shifts
from training.shift.subject import Domain
from training.survey.estimate import Estimate, estimate
from training.survey.holding import find_holding
from training.survey.store import list_surveys


@dataclass(frozen=True)
class Where:
    """Where it is kept.

    Attributes:
        home: holds shifts and surveys.
        database: its database.
        project_id: of the project.
        project: its name.
    """

    home: Home
    database: Database
    project_id: int
    project: str


@dataclass(frozen=True)
class ExpectedOn:
    """What to expect of the photos of a dataset that have no labels.

    Attributes:
        photos: how many there are.
        missing: those of them that no survey holds.
        estimate: of those that one holds; None where none does.
    """

    photos: int
    missing: int
    estimate: Estimate | None


def why_of(where: Where, model_sha256: str, home: Domain, there: Domain, size: str) -> Shift | None:
    """Return the newest shift of a model from home to a domain."""
    for shift in list_shifts(where.home, where.project_id):
        record = shift.record
        at_home, *targets = (Domain(each.dataset, each.on) for each in record.domains)
        if (record.model_sha256, record.size, at_home) == (model_sha256, size, home) and there in targets:
            return shift
    return None


def expected_on(
    where: Where, model_sha256: str, dataset: str, size: str, evaluation: int, mapping: str | None
) -> ExpectedOn | None:
    """Return what to expect of a dataset's photos without labels, learnt from an evaluation; None where it has none.

    Raises:
        UserError: the files of an evaluation or a survey are damaged.
    """
    known = {each.name: each.images - each.labelled for each in list_datasets(where.database, where.project)}
    if not known.get(dataset):
        return None
    photos = photos_of(where.database, where.project, dataset, UNLABELLED)
    surveys = list_surveys(where.home, where.project_id)
    found = find_holding(surveys, photos, model_sha256=model_sha256, size=size)
    if found is None:
        return ExpectedOn(len(photos), len(photos), None)
    told = estimate(where.database, where.project, found.survey, evaluation, rows=found.rows, mapping=mapping)
    return ExpectedOn(len(photos), found.missing, told)
