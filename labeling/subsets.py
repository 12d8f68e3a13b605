"""Subsets: named lists of images of a dataset, many-to-many."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Image, Subset, SubsetImage
from db.session import Database
from labeling.datasets import find_dataset, subset_counts
from labeling.names import clean_name
from labeling.projects import find_project


def list_subsets(database: Database, project: str | None, dataset: str) -> dict[str, int]:
    """Return the count of images of every subset of a dataset, by name.

    Raises:
        UserError: there is no such dataset.
    """
    with database.read() as session:
        return subset_counts(session, find_dataset(session, find_project(session, project), dataset).id)


def subset_paths(database: Database, project: str | None, dataset: str, subset: str) -> list[str]:
    """Return the relative paths of a subset's images, sorted.

    Raises:
        UserError: there is no such dataset or subset.
    """
    with database.read() as session:
        row = find_dataset(session, find_project(session, project), dataset)
        found = session.scalar(select(Subset).where(Subset.dataset_id == row.id, Subset.name == subset.strip()))
        if found is None:
            names = ", ".join(subset_counts(session, row.id)) or "none yet"
            raise UserError(f"The dataset {dataset!r} has no list {subset!r}. Lists: {names}.")
        query = select(Image.path).join(SubsetImage).where(SubsetImage.subset_id == found.id)
        return list(session.scalars(query.order_by(Image.path)))


def ensure_subsets(session: Session, dataset_id: int, names: Sequence[str]) -> dict[str, int]:
    """Return the id of every named subset, created where missing.

    Raises:
        UserError: a name is not one.
    """
    ids = {row.name: row.id for row in session.scalars(select(Subset).where(Subset.dataset_id == dataset_id))}
    for name in names:
        if name not in ids:
            subset = Subset(dataset_id=dataset_id, name=clean_name(name, "list"))
            session.add(subset)
            session.flush()
            ids[name] = subset.id
    return {name: ids[name] for name in names}


def refresh_membership(session: Session, wanted: Mapping[int, Collection[int]], governed: Collection[int]) -> None:
    """Make the membership of some images in some subsets what a source says.

    Args:
        session: a writing session.
        wanted: per image id, the ids of the subsets it belongs to.
        governed: subsets that the source's lists define: an image is taken out of these where `wanted` does not name
            them. Other subsets are only added to.
    """
    query = select(SubsetImage.image_id, SubsetImage.subset_id).where(SubsetImage.image_id.in_(list(wanted)))
    present = {(image_id, subset_id) for image_id, subset_id in session.execute(query)}
    due = {(image_id, subset_id) for image_id, subsets in wanted.items() for subset_id in subsets}
    if added := sorted(due - present):
        session.execute(insert(SubsetImage), [{"image_id": image, "subset_id": subset} for image, subset in added])
    for image_id, subset_id in sorted(present - due):
        if subset_id in governed:
            session.execute(
                delete(SubsetImage).where(SubsetImage.image_id == image_id, SubsetImage.subset_id == subset_id)
            )
