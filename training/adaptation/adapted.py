"""The models that were adapted without labels, found again by what they are made of, and a name for the next one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import chain, count

from sqlalchemy import select

from db.errors import UserError
from db.schema import Model
from db.session import Database
from labeling.images import ProjectPhoto, photos_of
from labeling.projects import find_project
from training.models.files import ModelFile
from training.prediction.size import Size
from training.shift.subject import Domain


def photos_digest(photos: Iterable[ProjectPhoto]) -> str:
    """Return what is equal for the same photos, whatever they are called and whichever list they are in."""
    return hashlib.sha256("\n".join(sorted(photo.image_sha256 for photo in photos)).encode()).hexdigest()


def adapted_models(
    database: Database, project: str | None, file: ModelFile, domain: Domain, size: str
) -> dict[str, Model]:
    """Return the newest models that were made of one, each by the way it was made.

    They were adapted to the photos that are meant now: one that saw others, before some were added, is none of them.
    Models older than the digest of their photos are known by the name of these alone.

    Args:
        database: of the home that holds them.
        project: name; None is the current one, or the only one.
        file: of the model they were made of.
        domain: the photos.
        size: what the network saw, as `training.prediction.size.Size` reads it.

    Raises:
        UserError: there is no such project, or the size is none.
    """
    with database.read() as session:
        owner = find_project(session, project)
        query = select(Model).where(Model.project_id == owner.id, Model.deleted_at.is_(None)).order_by(Model.id)
        rows = [(row, row.spec["adaptations"][-1]) for row in session.scalars(query) if row.spec.get("adaptations")]
    photos = _photos(database, project, domain) if rows else None
    sizes = (None, str(Size.parse(size)))
    found = {}
    for row, made in rows:
        parent = made.get("parent_sha256")
        is_ours = parent == file.sha256 if parent else made["parent"] == file.reference
        seen = made.get("photos_sha256")
        is_of_these = seen == photos if seen else (made["dataset"], made["on"]) == (domain.dataset, domain.on)
        if is_ours and is_of_these and made.get("size") in sizes:
            found[made["how"]] = row
    return found


def free_name(database: Database, project: str | None, usual: str) -> str:
    """Return a model's usual name, or with the first number that nobody has, not even in the trash."""
    with database.read() as session:
        owner = find_project(session, project)
        taken = set(session.scalars(select(Model.name).where(Model.project_id == owner.id)))
    names = chain([usual], (f"{usual} {number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _photos(database: Database, project: str | None, domain: Domain) -> str | None:
    """Return the digest of the photos that are meant now; None where none is any more."""
    try:
        return photos_digest(photos_of(database, project, domain.dataset, domain.on))
    except UserError:
        return None
