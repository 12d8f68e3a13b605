"""Annotation versions: append-only, the image points at the newest, writers compare and swap."""

from __future__ import annotations

import getpass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import AnnotationVersion, Image, VersionClass
from db.session import Database
from labeling.annotation import Annotation
from labeling.presence import shown_classes

WORKBENCH = "workbench"  # origin of what was drawn here; imports write `import:<format>`


def user_name() -> str:
    """Return the name of the user at this machine, `unknown` where the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without an entry in passwd
        return "unknown"


class HeadMovedError(UserError):
    """Somebody saved another version meanwhile; nothing was written."""


def append_version(
    session: Session,
    *,
    image_id: int,
    parent_id: int | None,
    content: dict[str, Any],
    author: str,
    origin: str,
    source_digest: str | None = None,
) -> int:
    """Append a version to an image and point the image at it, inside the caller's transaction.

    Args:
        session: a writing session.
        image_id: the image.
        parent_id: the version the writer started from, None for the first; must still be the image's newest.
        content: `Annotation.to_json()` with class ids as labels.
        author: who made it.
        origin: `workbench`, `labelme` (`labeling.desktop`) or `import:<format>`.
        source_digest: see `db.schema.AnnotationVersion`.

    Returns:
        The id of the new version.

    Raises:
        HeadMovedError: the image's newest version is not `parent_id`.
    """
    head_id = session.scalar(select(Image.head_id).where(Image.id == image_id))
    if head_id != parent_id:
        raise HeadMovedError(
            "The annotation was changed by somebody else meanwhile, so it was not saved. Load the newest version and "
            "make the change again."
        )
    parent = None if parent_id is None else session.get_one(AnnotationVersion, parent_id)
    version = AnnotationVersion(
        image_id=image_id,
        number=1 if parent is None else parent.number + 1,
        parent_id=parent_id,
        author=author,
        origin=origin,
        source_digest=source_digest,
        content=content,
    )
    session.add(version)
    session.flush()
    if shown := sorted(shown_classes(content)):
        session.execute(insert(VersionClass), [{"version_id": version.id, "class_id": row} for row in shown])
    # Nobody can have moved the head since it was looked at: a writing session is the only one from its start.
    session.execute(update(Image).where(Image.id == image_id).values(head_id=version.id))
    return version.id


def save_version(
    database: Database, *, image_id: int, parent_id: int | None, annotation: Annotation, author: str
) -> int:
    """Save a version drawn in the workbench, in a transaction of its own; labels are class ids or specials.

    Returns:
        The id of the new version.

    Raises:
        HeadMovedError: the image's newest version is no longer `parent_id`; nothing was written.
    """
    with database.write() as session:
        return append_version(
            session,
            image_id=image_id,
            parent_id=parent_id,
            content=annotation.to_json(),
            author=author,
            origin=WORKBENCH,
        )
