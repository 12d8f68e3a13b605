"""Projects in the trash: restorable for thirty days, then gone with all that is theirs."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.files import explain_os_errors
from db.home import Home
from db.locks import is_held
from db.schema import Evaluation, Model, Project, Run, utc_now
from db.session import Database

KEPT = timedelta(days=30)


def sweep_trash(database: Database, now: datetime | None = None) -> list[str]:
    """Delete for good the projects that have been in the trash for over thirty days.

    With a project go its labels, revisions, runs, evaluations, benches, surveys, shifts and imported models, and what
    pages exported and predicted. Photos and class maps stay in the content store, where other projects may use the
    same. A project with a run that is still being trained stays too.

    Args:
        database: the database.
        now: the time to judge by; None is the present.

    Returns:
        The names of the projects that are gone.

    Raises:
        UserError: files cannot be deleted; what is left is deleted the next time.
    """
    home = database.home
    limit = (now or utc_now()) - KEPT
    with database.read() as session:
        expired = select(Project).where(Project.deleted_at.is_not(None), Project.deleted_at < limit)
        found = {row.id: (row.name, _paths(session, home, row.id)) for row in session.scalars(expired)}
    gone = []
    for project_id, (name, paths) in found.items():
        if any(is_held(path / "lock") for path in paths):
            continue
        # Files first: killed in between, the project is still in the trash and is swept again.
        for path in paths:
            _delete(path)
        with database.write() as session:
            project = session.get(Project, project_id)
            if project is not None:
                session.delete(project)
        gone.append(name)
    return gone


def _paths(session: Session, home: Home, project_id: int) -> list[Path]:
    """Return the folders and files that are a project's own, those below the home only."""
    runs = session.execute(select(Run.id, Run.directory).where(Run.project_id == project_id)).all()
    # Two projects that imported the same model share its file.
    shared = set(session.scalars(select(Model.path).where(Model.project_id != project_id)))
    models = set(session.scalars(select(Model.path).where(Model.project_id == project_id))) - shared
    named = [
        *(directory for _, directory in runs),
        *(f"{home.trash.name}/run-{number}" for number, _ in runs),  # where those discarded one by one lie
        *session.scalars(select(Evaluation.directory).where(Evaluation.project_id == project_id)),
        *models,
        # The number of a project that is gone may become another one's.
        *(f"{folder.name}/{project_id}" for folder in home.by_project),
    ]
    roots = (home.runs, home.evaluations, home.models, home.trash, *home.by_project)
    paths = [(home.path / name).resolve() for name in named]
    return [path for path in paths if any(root.resolve() in path.parents for root in roots)]


def _delete(path: Path) -> None:
    with explain_os_errors(path.parent):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
