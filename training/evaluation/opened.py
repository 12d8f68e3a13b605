"""An evaluation found by its number, with its record and the mapping it is to be read under."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.home import Home
from db.schema import Evaluation, Project
from db.session import Database
from labeling.projects import find_project
from training.evaluation import mapping as mappings
from training.evaluation.mapping import SavedMapping
from training.evaluation.store import EvaluationRecord, read_record

_KEPT = 16  # as many as are compared at once


@dataclass(frozen=True)
class OpenEvaluation:
    """An evaluation whose record is read.

    Attributes:
        id: its number.
        project: name of its project.
        project_id: of its project.
        directory: where its files lie.
        record: what was evaluated on what, and how.
        mapping: the saved mapping it is read under; None for classes of the same name.
        columns: intp (k_model,), the class of the dataset that each model class counts as; k_truth is `other`.
    """

    id: int
    project: str
    project_id: int
    directory: Path
    record: EvaluationRecord
    mapping: SavedMapping | None
    columns: NDArray[np.intp]

    @property
    def home(self) -> Home:
        """The home that holds it."""
        return Home(self.directory.parents[1])

    @property
    def version(self) -> str:
        """Eight digits that change with all that its pictures and figures are made of."""
        return version_of(self.directory, self.columns)


def version_of(directory: Path, columns: NDArray[np.intp]) -> str:
    """Return `OpenEvaluation.version` of the evaluation in a directory, read under these columns."""
    return hashlib.sha256(f"{directory.name} {columns.tolist()}".encode()).hexdigest()[:8]


def open_evaluation(
    database: Database, number: int, *, project: str | None = None, mapping: str | None = None
) -> OpenEvaluation:
    """Find an evaluation of any project and read its record; kept until somebody writes, as each picture of it asks.

    Args:
        database: of the home that holds it.
        number: of the evaluation.
        project: name of the project it must be of; None takes any that is not in the trash.
        mapping: name of a saved mapping, or `by-name`; None is the one it was made with.

    Raises:
        NotFoundError: there is none of this number.
        UserError: its record is damaged, or the mapping does not fit it.
    """
    key = ("evaluation", number, project, mapping)
    return database.kept.get(key, lambda: _open(database, number, project, mapping))


def _open(database: Database, number: int, project: str | None, mapping: str | None) -> OpenEvaluation:
    with database.read() as session:
        owner_id = None if project is None else find_project(session, project).id
        row = find_evaluation(session, number, owner_id)
        owner = session.get_one(Project, row.project_id)
    chosen = choose_mapping(database, owner.name, row, mapping)
    directory = database.home.path / row.directory
    record = kept_record(directory)
    rows = chosen.rows if chosen else mappings.rows_by_name(record.model_classes, record.truth_classes)
    columns = mappings.targets(rows, record.model_classes, record.truth_classes)
    return OpenEvaluation(row.id, owner.name, owner.id, directory, record, chosen, columns)


def find_evaluation(session: Session, number: int, project_id: int | None = None) -> Evaluation:
    """Return the row of an evaluation.

    Raises:
        NotFoundError: there is none of this number (in the project, where one is given), or it is in the trash.
    """
    row = session.get(Evaluation, number)
    owner = None if row is None else session.get(Project, row.project_id)
    gone = row is None or row.deleted_at is not None or owner is None or owner.deleted_at is not None
    if row is None or gone or project_id not in (None, row.project_id):
        where = " in this project" if project_id is not None else ""
        raise NotFoundError(f"There is no evaluation {number}{where}; `workbench evaluations` lists them.")
    return row


def choose_mapping(database: Database, project: str, row: Evaluation, name: str | None) -> SavedMapping | None:
    """Return the named mapping, or the one an evaluation was made with; None for classes of the same name.

    Raises:
        UserError: there is no mapping of this name.
    """
    if name == mappings.BY_NAME:
        return None
    if name is not None:
        return mappings.load_mapping(database, project, name)
    saved = mappings.list_mappings(database, project)
    return next((found for found in saved if found.id == row.mapping_id), None)


@lru_cache(maxsize=_KEPT)
def kept_record(directory: Path) -> EvaluationRecord:
    """Return the record in an evaluation's directory: read once, as it never changes."""
    return read_record(directory)
