"""Which classes an image shows, known without rendering it.

An annotation shows a class when a shape bears it, or when its imported base map or its paint map has a pixel of it.
That is what was labelled, not what can be seen: a shape that later ones cover altogether counts, and a class that
pixels without a label become (`background`) counts only where it was labelled as well. Pixels of the class map are
counted by `labeling.statistics`.

It holds because a stored map's legend names only what its pixels have (`labeling.importing.worker`): whoever stores a
map puts `unlabelled` in the place of a value that no pixel has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.schema import Class, Dataset, Image, VersionClass
from labeling.chunks import chunks


def shown_classes(content: dict[str, Any]) -> frozenset[int]:
    """Return the class ids that an annotation, as stored, names in shapes and maps."""
    labels = [shape["label"] for shape in content["shapes"]]
    for layer in (content["base"], content["paint"]):
        labels += layer["legend"] if layer else []
    return frozenset(label for label in labels if isinstance(label, int))


def classes_of(session: Session, version_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return the class ids that each annotation version shows, as labelled: merged classes are not resolved."""
    found: dict[int, set[int]] = {version_id: set() for version_id in version_ids}
    for chunk in chunks(version_ids):
        query = select(VersionClass.version_id, VersionClass.class_id).where(VersionClass.version_id.in_(chunk))
        for version_id, class_id in session.execute(query):
            found[version_id].add(class_id)
    return {version_id: frozenset(classes) for version_id, classes in found.items()}


def images_per_class(session: Session, project_id: int, classes: Collection[Class]) -> dict[int, int]:
    """Return how many images show each live class, itself or a class that is merged into it.

    Args:
        session: any session.
        project_id: the project's number.
        classes: as of `roots`.
    """
    shown = (
        select(VersionClass.class_id, func.count())
        .join(Image, Image.head_id == VersionClass.version_id)
        .join(Dataset, Dataset.id == Image.dataset_id)
        .where(Dataset.project_id == project_id, Dataset.deleted_at.is_(None))
    )
    alone = dict(session.execute(shown.group_by(VersionClass.class_id)).all())
    counts = {row.id: alone.get(row.id, 0) for row in classes}
    for target in {row.merged_into_id for row in classes if row.merged_into_id is not None}:
        # An image that shows two of them is one image.
        query = shown.with_only_columns(func.count(Image.id.distinct()))
        counts[target] = session.scalar(query.where(VersionClass.class_id.in_(merged_below(classes, target)))) or 0
    return counts


def roots(classes: Collection[Class]) -> dict[int, int]:
    """Return the class that each live class counts for: itself, or what it is merged into in the end.

    Args:
        classes: the project's live classes, merged ones included (`labeling.classes.live_classes`).
    """
    target = {row.id: row.merged_into_id for row in classes}
    found = {}
    for row in classes:
        root = row.id
        while (onward := target[root]) is not None:
            root = onward
        found[row.id] = root
    return found


def merged_below(classes: Collection[Class], class_id: int) -> set[int]:
    """Return a class and those that are merged into it, also by way of others.

    Args:
        classes: as of `roots`.
        class_id: the class.
    """
    below = {class_id}
    while more := {row.id for row in classes if row.merged_into_id in below} - below:
        below |= more
    return below
