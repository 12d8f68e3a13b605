"""Projects, and which one is the current one.

Functions that take a `Session` run inside the caller's transaction; those that take a `Database` make their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.schema import Dataset, Image, Project, Setting, utc_now
from db.session import Database
from labeling.names import clean_name

_T = TypeVar("_T")
_CURRENT = "project"  # the setting that holds the current project's id: a rename does not touch it


@dataclass(frozen=True)
class ProjectInfo:
    """A project as lists show it. `trashed_at` is None while it is in use."""

    id: int
    name: str
    current: bool
    datasets: int
    images: int
    created_at: datetime
    trashed_at: datetime | None


def usual(current: _T | None, projects: Sequence[_T]) -> _T | None:
    """Return the project that is meant where none is named: the current one, else the only one there is."""
    return current if current is not None or len(projects) != 1 else projects[0]


def usual_project(session: Session) -> Project:
    """Return the project that is meant where none is named.

    Raises:
        UserError: there is none; the message says how to get one.
    """
    projects = session.scalars(select(Project).where(Project.deleted_at.is_(None)).order_by(Project.name)).all()
    project = usual(current_or_none(session), projects)
    if project is None:
        hint = (
            f"Choose one of {', '.join(each.name for each in projects)} with `workbench use NAME`."
            if projects
            else "The first `workbench import` creates one; `workbench demo` brings a sample."
        )
        raise UserError(f"There is no current project. {hint}")
    return project


def current_or_none(session: Session) -> Project | None:
    """Return the current project, None where there is none."""
    setting = session.get(Setting, _CURRENT)
    project = session.get(Project, int(setting.value)) if setting is not None else None
    return project if project is not None and project.deleted_at is None else None


def find_project(session: Session, name: str | None) -> Project:
    """Return the project of this name; for None the current one, else the only one.

    Raises:
        UserError: there is none of this name, it is in the trash, or there is no current one among several.
    """
    if name is None:
        return usual_project(session)
    project = session.scalar(select(Project).where(Project.name == name.strip()))
    if project is None:
        names = ", ".join(_names(session)) or "none yet"
        raise UserError(f"There is no project {name!r}. Projects: {names}.")
    if project.deleted_at is not None:
        raise UserError(f"The project {name!r} is in the trash. Restore it first.")
    return project


def project_of_id(session: Session, project_id: int) -> Project:
    """Return the project of an address.

    Raises:
        NotFoundError: there is none of this number, or it is in the trash.
    """
    project = session.get(Project, project_id)
    if project is None or project.deleted_at is not None:
        raise NotFoundError(f"There is no project {project_id} (any more). The list of projects shows those there are.")
    return project


def create_project(session: Session, name: str, *, may_become_current: bool = True) -> Project:
    """Create a project; it becomes the current one where there is none, unless that is not wanted.

    Raises:
        UserError: the name is not one, or is taken (also by a project in the trash).
    """
    cleaned = clean_name(name, "project")
    _refuse_taken(session, cleaned)
    project = Project(name=cleaned)
    session.add(project)
    session.flush()
    if may_become_current and current_or_none(session) is None:
        _set_current(session, project)
    return project


def use_project(session: Session, name: str) -> Project:
    """Make a project the current one.

    Raises:
        UserError: there is none of this name.
    """
    project = find_project(session, name)
    _set_current(session, project)
    return project


def list_projects(database: Database, *, trashed: bool = False) -> list[ProjectInfo]:
    """Return the projects by name; with `trashed` those in the trash instead."""
    datasets = select(func.count(Dataset.id)).where(Dataset.project_id == Project.id, Dataset.deleted_at.is_(None))
    images = (
        select(func.count(Image.id))
        .join(Dataset, Image.dataset_id == Dataset.id)
        .where(Dataset.project_id == Project.id, Dataset.deleted_at.is_(None))
    )
    wanted = Project.deleted_at.is_not(None) if trashed else Project.deleted_at.is_(None)
    query = select(Project, datasets.scalar_subquery(), images.scalar_subquery()).where(wanted).order_by(Project.name)
    with database.read() as session:
        current = current_or_none(session)
        return [
            ProjectInfo(
                id=project.id,
                name=project.name,
                current=current is not None and current.id == project.id,
                datasets=n_datasets,
                images=n_images,
                created_at=project.created_at,
                trashed_at=project.deleted_at,
            )
            for project, n_datasets, n_images in session.execute(query)
        ]


def rename_project(database: Database, name: str | None, new_name: str) -> None:
    """Give a project another name.

    Raises:
        UserError: there is no such project, or the new name is not one or is taken.
    """
    with database.write() as session:
        project = find_project(session, name)
        cleaned = clean_name(new_name, "project")
        if cleaned != project.name:
            _refuse_taken(session, cleaned)
            project.name = cleaned


def trash_project(database: Database, name: str) -> None:
    """Move a project to the trash. It is no longer the current one; nothing of it is touched for thirty days.

    `labeling.project_trash.sweep_trash` deletes it after that.

    Raises:
        UserError: there is no such project.
    """
    with database.write() as session:
        project = find_project(session, name)
        project.deleted_at = utc_now()
        setting = session.get(Setting, _CURRENT)
        if setting is not None and setting.value == str(project.id):
            session.delete(setting)


def restore_project(database: Database, name: str) -> None:
    """Take a project out of the trash.

    Raises:
        UserError: the trash holds no such project.
    """
    with database.write() as session:
        project = session.scalar(select(Project).where(Project.name == name.strip(), Project.deleted_at.is_not(None)))
        if project is None:
            raise UserError(f"The trash holds no project {name!r}.")
        project.deleted_at = None


def _set_current(session: Session, project: Project) -> None:
    session.merge(Setting(key=_CURRENT, value=str(project.id)))


def _names(session: Session) -> list[str]:
    return list(session.scalars(select(Project.name).where(Project.deleted_at.is_(None)).order_by(Project.name)))


def _refuse_taken(session: Session, name: str) -> None:
    taken = session.scalar(select(Project).where(Project.name == name))
    if taken is not None:
        where = "in the trash; restore it or choose another name" if taken.deleted_at else "there already"
        raise UserError(f"A project {name!r} is {where}.")
