"""Imported models as rows; apart from `training.models.find`, which loads torch."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Model, Project


def find_imported(session: Session, project: Project, name: str) -> Model:
    """Return the row of an imported model.

    Raises:
        UserError: the project has none of this name.
    """
    row = session.scalars(
        select(Model).where(Model.project_id == project.id, Model.name == name, Model.deleted_at.is_(None))
    ).first()
    if row is None:
        raise UserError(
            f"There is no model {name!r} in project {project.name}: expected a run (12, 12:best, 12:last), an "
            "imported model's name or the path of a .safetensors bundle. `workbench models` lists what there is."
        )
    return row
