"""Imported models in the trash: restorable for thirty days, then gone with their file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from db.errors import NotFoundError
from db.files import explain_os_errors
from db.home import Home
from db.schema import Model, utc_now
from db.session import Database
from labeling.project_trash import KEPT
from labeling.projects import find_project
from training.models.imported import find_imported


@dataclass(frozen=True)
class TrashedModel:
    """An imported model that can be restored."""

    name: str
    source: str
    deleted_at: datetime


def discard_model(database: Database, project: str | None, name: str) -> None:
    """Move an imported model to the trash; what was evaluated with it stays.

    Raises:
        UserError: the project has no imported model of this name.
    """
    with database.write() as session:
        find_imported(session, find_project(session, project), name).deleted_at = utc_now()


def restore_model(database: Database, project: str | None, name: str) -> None:
    """Take an imported model out of the trash.

    Raises:
        NotFoundError: the trash holds no such model.
    """
    with database.write() as session:
        query = select(Model).where(Model.project_id == find_project(session, project).id, Model.name == name)
        row = session.scalar(query.where(Model.deleted_at.is_not(None)))
        if row is None:
            raise NotFoundError(f"The trash holds no model {name!r}; `workbench trash` lists what it holds.")
        row.deleted_at = None


def list_trashed_models(database: Database, project: str | None) -> list[TrashedModel]:
    """Return the imported models in the trash, the last deleted first."""
    with database.read() as session:
        query = select(Model.name, Model.source, Model.deleted_at).where(Model.deleted_at.is_not(None))
        query = query.where(Model.project_id == find_project(session, project).id)
        rows = session.execute(query.order_by(Model.deleted_at.desc()))
        return [TrashedModel(name, source, at) for name, source, at in rows if at is not None]


def sweep_models(home: Home, database: Database, now: datetime | None = None) -> list[str]:
    """Delete for good the models that have been in the trash for over thirty days; return their names.

    A file that a model of another project is, too, stays.
    """
    with database.write() as session:
        expired = session.scalars(select(Model).where(Model.deleted_at < (now or utc_now()) - KEPT)).all()
        names, paths = [row.name for row in expired], {row.path for row in expired}
        for row in expired:
            session.delete(row)
        session.flush()
        paths -= set(session.scalars(select(Model.path)))
    # Rows first: killed in between, a file is left that nobody names, never a name without its file.
    with explain_os_errors(home.models):
        for path in paths:
            (home.path / path).unlink(missing_ok=True)
    return names
