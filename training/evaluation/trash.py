"""Deleting evaluations, and having them back for 30 days. Their files stay where they are until then."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from db.errors import NotFoundError
from db.home import Home
from db.schema import Evaluation, utc_now
from db.session import Database
from labeling.projects import find_project
from training.evaluation.opened import find_evaluation

KEPT = timedelta(days=30)


@dataclass(frozen=True)
class TrashedEvaluation:
    """An evaluation that can be restored until `gone_at`."""

    evaluation: int
    model: str
    dataset: str
    on: str
    deleted_at: datetime
    gone_at: datetime


def discard_evaluation(home: Home, database: Database, project: str | None, number: int) -> None:
    """Move an evaluation to the trash.

    Raises:
        NotFoundError: the project has none of this number.
    """
    sweep_trash(home, database)
    with database.write() as session:
        owner = find_project(session, project)
        find_evaluation(session, number, owner.id).deleted_at = utc_now()


def restore_evaluation(home: Home, database: Database, project: str | None, number: int) -> None:
    """Take an evaluation out of the trash.

    Raises:
        NotFoundError: the project's trash holds none of this number.
    """
    with database.write() as session:
        owner = find_project(session, project)
        row = session.get(Evaluation, number)
        kept = row is not None and row.deleted_at is not None and (home.path / row.directory).is_dir()
        if row is None or not kept or row.project_id != owner.id:
            raise NotFoundError(f"The trash holds no evaluation {number}; `workbench trash` lists what it holds.")
        row.deleted_at = None


def list_trashed_evaluations(home: Home, database: Database, project: str | None) -> list[TrashedEvaluation]:
    """Return the project's evaluations in the trash, the last discarded first.

    Raises:
        UserError: there is no such project.
    """
    with database.read() as session:
        query = select(Evaluation).where(Evaluation.project_id == find_project(session, project).id)
        query = query.where(Evaluation.deleted_at.is_not(None)).order_by(Evaluation.deleted_at.desc())
        rows = [row for row in session.scalars(query) if (home.path / row.directory).is_dir()]
    return [
        TrashedEvaluation(row.id, row.model, row.dataset, row.on, row.deleted_at, row.deleted_at + KEPT)
        for row in rows
        if row.deleted_at is not None
    ]


def sweep_trash(home: Home, database: Database) -> list[int]:
    """Delete for good the evaluations that were discarded more than 30 days ago; return their numbers.

    Their rows stay, so that nobody takes what is left of one for an evaluation that was never listed.
    """
    with database.read() as session:
        old = session.scalars(select(Evaluation).where(Evaluation.deleted_at < utc_now() - KEPT)).all()
    gone = []
    for row in old:
        directory = home.path / row.directory
        if directory.is_dir():
            shutil.rmtree(directory, ignore_errors=True)  # another sweep may be at it too
            gone.append(row.id)
    return gone
