"""The datasets of a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.schema import Dataset, Image, Project, Role, Subset, SubsetImage, utc_now
from db.session import Database
from labeling.options import DatasetOptions
from labeling.projects import find_project

UNASSIGNED = "none"  # stands for "without a role" in counts


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset as lists show it.

    Attributes:
        name: unique in the project.
        format: name of the codec it is imported with.
        source: absolute path it was last imported from.
        linked: whether its photos stay where they are instead of being copied into the store.
        images: count of images.
        labelled: those of them with an annotation.
        roles: images per role; `none` for those without one.
        subsets: images per subset.
        options: what decides its class maps.
        created_at: time of the first import.
    """

    name: str
    format: str
    source: str
    linked: bool
    images: int
    labelled: int
    roles: dict[str, int]
    subsets: dict[str, int]
    options: DatasetOptions
    created_at: datetime


def list_datasets(database: Database, project: str | None = None, *, trashed: bool = False) -> list[DatasetInfo]:
    """Return the datasets by name; with `trashed` those in the trash instead.

    Raises:
        UserError: there is no such project.
    """
    with database.read() as session:
        wanted = Dataset.deleted_at.is_not(None) if trashed else Dataset.deleted_at.is_(None)
        query = select(Dataset).where(Dataset.project_id == find_project(session, project).id, wanted)
        return [_info(session, row) for row in session.scalars(query.order_by(Dataset.name))]


def find_dataset(session: Session, project: Project, name: str) -> Dataset:
    """Return the dataset of this name.

    Raises:
        NotFoundError: there is none, or it is in the trash; the message lists those there are.
    """
    row = session.scalar(select(Dataset).where(Dataset.project_id == project.id, Dataset.name == name.strip()))
    if row is not None and row.deleted_at is not None:
        raise NotFoundError(f"The dataset {name!r} is in the trash. Restore it, or choose another name.")
    if row is None:
        names = ", ".join(other.name for other in live_datasets(session, project)) or "none yet"
        raise NotFoundError(f"The project {project.name!r} has no dataset {name!r}. Datasets: {names}.")
    return row


def live_datasets(session: Session, project: Project) -> list[Dataset]:
    """Return the datasets that are not in the trash, by name."""
    query = select(Dataset).where(Dataset.project_id == project.id, Dataset.deleted_at.is_(None))
    return list(session.scalars(query.order_by(Dataset.name)))


def image_ids(session: Session, dataset_id: int, dataset: str, paths: Sequence[str]) -> list[int]:
    """Return the numbers of a dataset's images of these paths, each once.

    Raises:
        NotFoundError: it has no image of one of them; the message names it.
    """
    ids = dict(session.execute(select(Image.path, Image.id).where(Image.dataset_id == dataset_id)).all())
    missing = [path for path in paths if path not in ids]
    if missing:
        more = f" and {len(missing) - 1} more of these" if len(missing) > 1 else ""
        raise NotFoundError(
            f"The dataset {dataset!r} has no image {missing[0]!r}{more}. Images are named by their path in the dataset."
        )
    return sorted({ids[path] for path in paths})


def trash_dataset(database: Database, project: str | None, name: str) -> None:
    """Move a dataset to the trash: later revisions leave it out, frozen ones keep it.

    Raises:
        UserError: there is no such dataset.
    """
    with database.write() as session:
        find_dataset(session, find_project(session, project), name).deleted_at = utc_now()


def restore_dataset(database: Database, project: str | None, name: str) -> None:
    """Take a dataset out of the trash.

    Raises:
        UserError: the trash holds no such dataset.
    """
    with database.write() as session:
        owner = find_project(session, project)
        query = select(Dataset).where(Dataset.project_id == owner.id, Dataset.name == name.strip())
        row = session.scalar(query.where(Dataset.deleted_at.is_not(None)))
        if row is None:
            raise UserError(f"The trash of the project {owner.name!r} holds no dataset {name!r}.")
        row.deleted_at = None


def role_counts(session: Session, dataset_id: int, *, labelled: bool = False) -> dict[str, int]:
    """Return the images per role of a dataset, `none` for those without one; roles without images are left out.

    With `labelled` only images with an annotation are counted, which may be none of a role's.
    """
    query = (
        select(Role.role, func.count(Image.head_id if labelled else Image.id))
        .select_from(Image)
        .outerjoin(Role, Role.image_id == Image.id)
        .where(Image.dataset_id == dataset_id)
        .group_by(Role.role)
        .order_by(Role.role)
    )
    return {role or UNASSIGNED: count for role, count in session.execute(query)}


def subset_counts(session: Session, dataset_id: int, *, labelled: bool = False) -> dict[str, int]:
    """Return the images per subset of a dataset, empty ones included, by name; with `labelled` as in `role_counts`."""
    query = (
        select(Subset.name, func.count(Image.head_id if labelled else Image.id))
        .outerjoin(SubsetImage, SubsetImage.subset_id == Subset.id)
        .outerjoin(Image, Image.id == SubsetImage.image_id)
        .where(Subset.dataset_id == dataset_id)
        .group_by(Subset.id, Subset.name)
        .order_by(Subset.name)
    )
    return dict(session.execute(query).all())


def _info(session: Session, row: Dataset) -> DatasetInfo:
    images, labelled = session.execute(
        select(func.count(Image.id), func.count(Image.head_id)).where(Image.dataset_id == row.id)
    ).one()
    return DatasetInfo(
        name=row.name,
        format=row.format,
        source=row.source,
        linked=row.linked,
        images=images,
        labelled=labelled,
        roles=role_counts(session, row.id),
        subsets=subset_counts(session, row.id),
        options=DatasetOptions.model_validate(row.options),
        created_at=row.created_at,
    )
