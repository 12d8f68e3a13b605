"""Subsets: named lists of images of a dataset, many-to-many."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.schema import Dataset, Image, Subset, SubsetImage
from db.session import Database
from labeling.chunks import chunks
from labeling.datasets import find_dataset, image_ids, subset_counts
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
        found = _find_subset(session, find_dataset(session, find_project(session, project), dataset), subset)
        query = select(Image.path).join(SubsetImage).where(SubsetImage.subset_id == found.id)
        return list(session.scalars(query.order_by(Image.path)))


def add_to_subset(
    database: Database, project: str | None, dataset: str, subset: str, paths: Sequence[str] = ()
) -> dict[str, int]:
    """Put images into a subset, which is made where there is none of this name; without images it is only made.

    Args:
        database: the database.
        project: name; None is the current one, or the only one.
        dataset: name.
        subset: name.
        paths: relative paths of images of the dataset; those that are in it already stay.

    Returns:
        The count of images of every subset of the dataset, by name.

    Raises:
        UserError: there is no such dataset, it has no image of one of these paths, or the name is not one; then
            nothing was changed.
    """
    with database.write() as session:
        row = find_dataset(session, find_project(session, project), dataset)
        ids = image_ids(session, row.id, dataset, paths)
        name = clean_name(subset, "list")
        subset_id = ensure_subsets(session, row.id, [name])[name]
        for chunk in chunks(ids):
            refresh_membership(session, {image_id: {subset_id} for image_id in chunk}, ())
        return subset_counts(session, row.id)


def remove_from_subset(
    database: Database, project: str | None, dataset: str, subset: str, paths: Sequence[str]
) -> dict[str, int]:
    """Take images out of a subset; an empty subset stays. The images themselves are not touched.

    Returns:
        The count of images of every subset of the dataset, by name.

    Raises:
        UserError: there is no such dataset or subset, or no image of one of these paths; then nothing was changed.
    """
    with database.write() as session:
        row = find_dataset(session, find_project(session, project), dataset)
        found = _find_subset(session, row, subset)
        ids = image_ids(session, row.id, dataset, paths)
        for chunk in chunks(ids):
            members = (SubsetImage.subset_id == found.id, SubsetImage.image_id.in_(chunk))
            session.execute(delete(SubsetImage).where(*members))
        return subset_counts(session, row.id)


def rename_subset(database: Database, project: str | None, dataset: str, subset: str, to: str) -> dict[str, int]:
    """Give a subset another name. Frozen revisions, and what was trained and tested on them, keep the one it had.

    A later import of a source with a list of the old name makes that list anew.

    Returns:
        The count of images of every subset of the dataset, by name.

    Raises:
        UserError: there is no such dataset or subset, or the new name is not one or is another subset's.
    """
    with database.write() as session:
        row = find_dataset(session, find_project(session, project), dataset)
        found, name = _find_subset(session, row, subset), clean_name(to, "list")
        if name != found.name and name in subset_counts(session, row.id):
            raise UserError(f"The dataset {row.name!r} has a list {name!r} already. Choose another name.")
        found.name = name
        session.flush()
        return subset_counts(session, row.id)


def delete_subset(database: Database, project: str | None, dataset: str, subset: str) -> dict[str, int]:
    """Delete a subset. Its images stay, and so do the revisions that name it.

    Returns:
        The count of images of every subset that is left, by name.

    Raises:
        UserError: there is no such dataset or subset.
    """
    with database.write() as session:
        row = find_dataset(session, find_project(session, project), dataset)
        session.delete(_find_subset(session, row, subset))
        session.flush()
        return subset_counts(session, row.id)


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


def _find_subset(session: Session, dataset: Dataset, name: str) -> Subset:
    found = session.scalar(select(Subset).where(Subset.dataset_id == dataset.id, Subset.name == name.strip()))
    if found is None:
        names = ", ".join(subset_counts(session, dataset.id)) or "none yet"
        raise NotFoundError(f"The dataset {dataset.name!r} has no list {name!r}. Lists: {names}.")
    return found
