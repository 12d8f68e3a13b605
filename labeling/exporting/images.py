"""Which images an export writes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Dataset, Image, Role, Subset, SubsetImage
from labeling.formats.base import RoleName
from labeling.parts import ALL
from labeling.roles import ROLES


@dataclass(frozen=True)
class ExportImage:
    """A labelled image.

    Attributes:
        dataset: name.
        path: relative POSIX path in the dataset.
        image_sha256: of the photo's bytes.
        head_id: its newest annotation version.
        role: train, val, test, or None.
        subsets: names of its lists, sorted.
    """

    dataset: str
    path: str
    image_sha256: str
    head_id: int
    role: RoleName | None
    subsets: tuple[str, ...]


def labelled_images(session: Session, dataset: Dataset, on: str = ALL) -> tuple[list[ExportImage], int]:
    """Return the labelled images of a dataset that a role or list names, by path, and how many have no labels.

    A role goes before a list of the same name, as in an evaluation.

    Raises:
        UserError: nothing has that role or is in that list (the message says what there is), or nothing is labelled.
    """
    members: dict[int, list[str]] = {}
    lists = select(SubsetImage.image_id, Subset.name).join(Subset).where(Subset.dataset_id == dataset.id)
    for image_id, name in session.execute(lists.order_by(Subset.name)):
        members.setdefault(image_id, []).append(name)
    columns = (Image.id, Image.path, Image.sha256, Image.head_id, Role.role)
    query = select(*columns).outerjoin(Role).where(Image.dataset_id == dataset.id).order_by(Image.path)
    rows = session.execute(query).all()
    found = [(row, tuple(members.get(row.id, ()))) for row in rows]
    if on != ALL:
        chosen = [(row, names) for row, names in found if on in ROLES and row.role == on]
        chosen = chosen or [(row, names) for row, names in found if on in names]
        if not chosen:
            roles = [role for role in ROLES if any(row.role == role for row, _ in found)]
            there = ", ".join([ALL, *roles, *sorted({name for _, names in found for name in names} - set(roles))])
            raise UserError(f"No image of {dataset.name!r} has the role or list {on!r}. There are: {there}.")
        found = chosen
    images = [
        ExportImage(dataset.name, row.path, row.sha256, row.head_id, row.role, names)
        for row, names in found
        if row.head_id is not None
    ]
    if not images:
        where = "" if on == ALL else f" in {on!r}"
        raise UserError(f"The dataset {dataset.name!r} has no labelled image{where}, so there is nothing to export.")
    return images, len(found) - len(images)
