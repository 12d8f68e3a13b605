"""Giving a model a name in a project: its bundle goes into the home, and a row says so."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy import select

from db.errors import UserError
from db.files import write_atomic
from db.home import Home
from db.schema import Model
from db.session import Database
from labeling.names import clean_name
from labeling.projects import find_project
from training.models.spec import ModelSpec


def keep_model(
    home: Home, database: Database, project: str | None, name: str, data: bytes, spec: ModelSpec, source: str
) -> tuple[str, tuple[str, ...]]:
    """Keep a bundle in the home, as a model of a project.

    Args:
        home: receives the bundle.
        database: its database.
        project: name; None is the current one, or the only one.
        name: as `clean_model_name` gives it.
        data: of the bundle.
        spec: the one in it.
        source: where it comes from, for lists.

    Returns:
        The bundle's sha256, and sentences for people.

    Raises:
        UserError: the project has another model of this name.
    """
    notes = []
    sha256 = hashlib.sha256(data).hexdigest()
    relative = Path("models") / f"{sha256}.safetensors"
    write_atomic(home.path / relative, data)
    with database.write() as session:
        owner = find_project(session, project)
        taken = session.scalars(select(Model).where(Model.project_id == owner.id, Model.name == name)).first()
        if taken is not None and taken.sha256 != sha256:
            where = " in its trash" if taken.deleted_at is not None else ""
            raise UserError(f"Project {owner.name} already has another model {name!r}{where}. Give this one a --name.")
        if taken is None:
            session.add(
                Model(
                    project_id=owner.id,
                    name=name,
                    sha256=sha256,
                    path=relative.as_posix(),
                    source=source,
                    spec=spec.model_dump(mode="json"),
                )
            )
        elif taken.deleted_at is not None:
            taken.deleted_at = None
            notes.append("It was in the trash and is back.")
        else:
            notes.append("This very model was here already.")
    return sha256, tuple(notes)


def clean_model_name(name: str) -> str:
    """Return a name that can be told from a run's number and a path.

    Raises:
        UserError: it cannot.
    """
    try:
        cleaned = clean_name(name, "model")
    except UserError as error:
        raise UserError(f"{error} Give it with --name.") from None
    if cleaned.isdigit() or ":" in cleaned:
        raise UserError(f"A model's name is a word, not a run's number; found {name!r}. Choose another with --name.")
    return cleaned
