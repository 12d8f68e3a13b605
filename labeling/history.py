"""The versions of an image's annotation: what each changed, and going back to one by adding it anew on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.home import Home
from db.schema import AnnotationVersion
from db.session import Database
from db.store import Store
from labeling.annotation import IGNORE
from labeling.annotations import append_version
from labeling.classes import live_classes
from labeling.image_names import find_named_image
from labeling.images import ProjectImage, find_image
from labeling.map_store import load_map
from labeling.maps import MapError
from labeling.projects import find_project
from labeling.rendering import map_version, render_versions

RESTORED = "restored:"  # origin of a version that was gone back to, before its number


@dataclass(frozen=True)
class Version:
    """One version of an annotation.

    Attributes:
        id: its row.
        number: 1 for the first.
        current: whether it is the newest, which everything uses.
        author: who made it.
        origin: `import:<format>`, `workbench`, or `restored:<number>`.
        created_at: when.
        shapes: vector and raster shapes it has.
        layers: maps it has besides: `base`, `paint`.
        changed: pixels of its class map that differ from the version before, under the dataset's options as they are
            now; all of them for the first and where the photo changed its size; None where a map it is made of is lost.
        map_version: for addresses of pictures of it.
    """

    id: int
    number: int
    current: bool
    author: str
    origin: str
    created_at: datetime
    shapes: int
    layers: tuple[str, ...]
    changed: int | None
    map_version: str


@dataclass(frozen=True)
class Move:
    """How many pixels went from one class to another; `ignore` for those that are ignored."""

    before: str
    after: str
    pixels: int


@dataclass(frozen=True)
class VersionDifference:
    """What differs between two versions of an image.

    Attributes:
        image: DATASET/PATH.
        a: number of the one version.
        b: number of the other.
        pixels: of the image.
        changed: of them that differ.
        moves: from which class to which, the most first.
        where: bool (H, W), True where they differ.
    """

    image: str
    a: int
    b: int
    pixels: int
    changed: int
    moves: tuple[Move, ...]
    where: NDArray[np.bool_]


def named_image(database: Database, project: str | None, name: str) -> ProjectImage:
    """Return the image of this name, DATASET/PATH.

    Raises:
        NotFoundError: the project has none.
    """
    with database.read() as session:
        owner = find_project(session, project)
        project_id, image_id = owner.id, find_named_image(session, owner, name).id
    return find_image(database, project_id, image_id)


def list_versions(home: Home, database: Database, image: ProjectImage) -> list[Version]:
    """Return the versions of an image, the newest first; what was never rendered is rendered now."""
    with database.read() as session:
        rows = _rows(session, image)
    maps = _maps(home, database, image, [row.id for row in rows])
    versions = []
    for before, row in zip((None, *rows), rows, strict=False):
        content = row.content
        versions.append(
            Version(
                id=row.id,
                number=row.number,
                current=row.id == image.head_id,
                author=row.author,
                origin=row.origin,
                created_at=row.created_at,
                shapes=len(content["shapes"]),
                layers=tuple(layer for layer in ("base", "paint") if content[layer] is not None),
                changed=_changed(None if before is None else maps[before.id], maps[row.id], before is None),
                map_version=map_version(image.scheme, row.id),
            )
        )
    return versions[::-1]


def at_version(database: Database, image: ProjectImage, number: int) -> ProjectImage:
    """Return an image as it was with an earlier version of its annotation, to be shown.

    Raises:
        NotFoundError: it has no such version.
    """
    with database.read() as session:
        return replace(image, head_id=_row(session, image, number).id)


def difference(
    home: Home, database: Database, project_id: int, image: ProjectImage, a: int, b: int
) -> VersionDifference:
    """Compare the class maps of two versions.

    Raises:
        NotFoundError: the image has no such version.
        UserError: a map that one of them is made of is lost, or they are of another size.
    """
    with database.read() as session:
        first, second = _row(session, image, a), _row(session, image, b)
        names = {image.scheme.index[row.id]: row.name for row in live_classes(session, project_id)[::-1]}
    shas = render_versions(database, Store(home.store), image.scheme, [first.id, second.id]).maps
    before, after = (load_map(Store(home.store), shas[row.id]) for row in (first, second))
    if before.shape != after.shape:
        raise UserError(f"Versions {a} and {b} are of photos of another size, so their pixels cannot be compared.")
    where = before != after
    pairs, counts = np.unique(np.stack([before[where], after[where]]), axis=1, return_counts=True)
    names[IGNORE] = "ignore"
    moves = [
        Move(names.get(int(old), str(old)), names.get(int(new), str(new)), int(count))
        for (old, new), count in zip(pairs.T, counts, strict=True)
    ]
    return VersionDifference(
        image=f"{image.dataset}/{image.path}",
        a=a,
        b=b,
        pixels=int(before.size),
        changed=int(where.sum()),
        moves=tuple(sorted(moves, key=lambda move: -move.pixels)),
        where=where,
    )


def restore_version(database: Database, image: ProjectImage, number: int, *, author: str) -> int:
    """Go back to an earlier version: its content becomes a new version on top, and nothing is rewritten.

    Args:
        database: the database.
        image: as it was looked at; its `head_id` must still be the newest version.
        number: of the version to go back to.
        author: who does it.

    Returns:
        The number of the new version.

    Raises:
        NotFoundError: there is no such version.
        HeadMovedError: somebody saved another version meanwhile; nothing was written.
        UserError: it is the newest already, or says the same.
    """
    with database.write() as session:
        row = _row(session, image, number)
        newest = _rows(session, image)[-1]
        if newest.id == image.head_id and newest.content == row.content:
            raise UserError(f"{image.dataset}/{image.path} is as in version {number} already.")
        new = append_version(
            session,
            image_id=image.id,
            parent_id=image.head_id,
            content=row.content,
            author=author,
            origin=f"{RESTORED}{number}",
        )
        return session.get_one(AnnotationVersion, new).number


def _rows(session: Session, image: ProjectImage) -> Sequence[AnnotationVersion]:
    query = select(AnnotationVersion).where(AnnotationVersion.image_id == image.id)
    return session.scalars(query.order_by(AnnotationVersion.number)).all()


def _row(session: Session, image: ProjectImage, number: int) -> AnnotationVersion:
    rows = _rows(session, image)
    for row in rows:
        if row.number == number:
            return row
    known = f"1 to {rows[-1].number}" if rows else "none: nobody labelled it yet"
    raise NotFoundError(f"The image {image.dataset}/{image.path} has no version {number}. Versions: {known}.")


def _maps(
    home: Home, database: Database, image: ProjectImage, versions: Sequence[int]
) -> dict[int, NDArray[np.uint8] | None]:
    """Return the class map of each version, None where it is lost; one that is lost hides no other."""
    store = Store(home.store)
    found: dict[int, NDArray[np.uint8] | None] = {}
    for version in versions:
        try:
            found[version] = load_map(store, render_versions(database, store, image.scheme, [version]).maps[version])
        except (UserError, MapError, FileNotFoundError):
            found[version] = None
    return found


def _changed(before: NDArray[np.uint8] | None, after: NDArray[np.uint8] | None, first: bool) -> int | None:
    if after is None or (before is None and not first):
        return None
    if before is None or before.shape != after.shape:
        return int(after.size)
    return int((before != after).sum())
