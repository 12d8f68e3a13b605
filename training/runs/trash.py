"""Deleting runs, and having them back for 30 days."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.files import explain_os_errors
from db.home import Home
from db.locks import LockHeldError, hold
from db.schema import Run, utc_now
from db.session import Database
from labeling.projects import find_project
from training.engine.rundir import RunDirectory
from training.runs.creation import RunHandle
from training.runs.lifecycle import RunInfo, get_run

KEPT_DAYS = 30


@dataclass(frozen=True)
class TrashedRun:
    """A run that can be restored until `gone_at`."""

    run: int
    name: str
    architecture: str
    deleted_at: datetime
    gone_at: datetime


def discard_run(home: Home, database: Database, run: RunHandle) -> None:
    """Move a run that nobody trains to the trash.

    Raises:
        UserError: a trainer works on it.
    """
    sweep_trash(home, database)
    with explain_os_errors(home.trash):
        home.trash.mkdir(parents=True, exist_ok=True)
        try:
            # Held all the while, so that nobody begins to train what is on its way out.
            with hold(RunDirectory(run.directory).lock, wait=False):
                # The row first: killed in between, the run is in the trash, and its files are found where they were.
                with database.write() as session:
                    session.get_one(Run, run.id).deleted_at = utc_now()
                shutil.move(run.directory, _place(home, run.id))
        except LockHeldError:
            raise UserError(f"Run {run.id} is running. Stop it first.") from None


def restore_run(home: Home, database: Database, project: str | None, reference: str) -> RunInfo:
    """Take a run out of the trash.

    Args:
        home: of the run.
        database: likewise.
        project: name; None for the current one.
        reference: its number, or the name of the one discarded last.

    Raises:
        NotFoundError: the trash holds no such run.
    """
    with database.read() as session:
        rows = _trashed(session, project)
    number = int(reference) if re.fullmatch(r"\d{1,18}", reference) else None
    named = (row for row in rows if (row.name == reference if number is None else row.id == number))
    row = next((row for row in named if _files(home, row) is not None), None)
    if row is None:
        raise NotFoundError(f"The trash holds no run {reference!r}; `workbench trash` lists what it holds.")
    files, directory = _files(home, row), home.path / row.directory
    if files is not None and files != directory:
        with explain_os_errors(home.runs):
            shutil.move(files, directory)
    with database.write() as session:
        session.get_one(Run, row.id).deleted_at = None
    return get_run(home, database, row.id)


def list_trash(home: Home, database: Database, project: str | None = None) -> list[TrashedRun]:
    """Return the runs in the trash, the last discarded first."""
    with database.read() as session:
        rows = [row for row in _trashed(session, project) if _files(home, row) is not None]
    kept = timedelta(days=KEPT_DAYS)
    return [
        TrashedRun(row.id, row.name, row.architecture, row.deleted_at, row.deleted_at + kept)
        for row in rows
        if row.deleted_at is not None
    ]


def sweep_trash(home: Home, database: Database) -> list[int]:
    """Delete for good the runs that were discarded more than 30 days ago; return their numbers.

    Their rows stay, so that no later run gets their numbers.
    """
    with database.read() as session:
        old = session.scalars(select(Run).where(Run.deleted_at < utc_now() - timedelta(days=KEPT_DAYS))).all()
    gone = []
    for row in old:
        files = _files(home, row)
        if files is not None:
            shutil.rmtree(files, ignore_errors=True)  # another sweep may be at it too
            gone.append(row.id)
    return gone


def _trashed(session: Session, project: str | None) -> list[Run]:
    query = select(Run).where(Run.project_id == find_project(session, project).id, Run.deleted_at.is_not(None))
    return list(session.scalars(query.order_by(Run.deleted_at.desc())))


def _place(home: Home, number: int) -> Path:
    return home.trash / f"run-{number}"


def _files(home: Home, row: Run) -> Path | None:
    """Return where the files of a discarded run are, None where they are gone."""
    return next((path for path in (_place(home, row.id), home.path / row.directory) if path.is_dir()), None)
