"""Deleting classes that nothing uses. What something uses can be merged into another class, which can be undone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Class, Dataset, Project, VersionClass
from db.session import Database
from labeling.classes import find_class, live_classes
from labeling.options import DatasetOptions
from labeling.projects import find_project


def class_uses(session: Session, project: Project) -> dict[int, str]:
    """Return what uses each class that something uses, by the class's id, as the rest of a sentence about it."""
    classes = live_classes(session, project.id)
    fills = _fills(session, project)
    named = select(Class.id).where(Class.project_id == project.id, exists().where(VersionClass.class_id == Class.id))
    uses = dict.fromkeys(session.scalars(named), "the labels of an image show it, or did in an earlier version")
    for row in classes:
        if row.name in fills:
            uses[row.id] = f"pixels without a label become it in the dataset {fills[row.name]!r}"
        if row.merged_into_id is not None:
            uses.setdefault(row.merged_into_id, f"{row.name!r} is merged into it")
    return uses


def unused_classes(database: Database, project: str | None) -> list[str]:
    """Return the names of the classes that can be deleted, by position.

    Raises:
        UserError: there is no such project.
    """
    with database.read() as session:
        owner = find_project(session, project)
        uses = class_uses(session, owner)
        return [row.name for row in live_classes(session, owner.id) if row.id not in uses]


def delete_classes(database: Database, project: str | None, names: Sequence[str]) -> None:
    """Delete classes that nothing uses, all of them or none. An import whose source names one makes it again.

    The classes after it move up in the dense list; revisions and models keep the list they were made with.

    Raises:
        UserError: there is no such class, or something uses it.
    """
    with database.write() as session:
        owner = find_project(session, project)
        for name in names:
            row = find_class(session, owner, name)
            used = class_uses(session, owner).get(row.id)
            if used is not None:
                raise UserError(
                    f"The class {row.name!r} cannot be deleted: {used}. Merge it into another class instead, with "
                    f"`workbench classes merge`; that can be undone."
                )
            session.delete(row)
            session.flush()


def filling(options: DatasetOptions) -> str:
    """Return the name of the class that a dataset's pixels without a label become, or `ignore`."""
    return options.background if options.unlabelled == "background" else options.unlabelled


def _fills(session: Session, project: Project) -> dict[str, str]:
    """Return the names of the classes that pixels without a label become, each with a dataset, in the trash or not."""
    found = {}
    for dataset in session.scalars(select(Dataset).where(Dataset.project_id == project.id)):
        found[filling(DatasetOptions.model_validate(dataset.options))] = dataset.name
    return found
