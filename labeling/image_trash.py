"""Images and datasets in the trash: restorable for thirty days, then gone with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Dataset, Image, Revision, utc_now
from db.session import WITH_TRASHED, Database
from db.store import Store
from labeling.chunks import chunks
from labeling.image_names import find_named_image
from labeling.manifest import load_manifest
from labeling.project_trash import KEPT
from labeling.projects import find_project


@dataclass(frozen=True)
class TrashedImage:
    """An image in the trash; its dataset is not."""

    id: int
    dataset: str
    path: str
    deleted_at: datetime


@dataclass(frozen=True)
class TrashedDataset:
    """A dataset in the trash with its images."""

    name: str
    images: int
    deleted_at: datetime


def trash_images(database: Database, project: str | None, names: Sequence[str]) -> int:
    """Move images (DATASET/PATH each) to the trash, all of them or none; return how many.

    Later revisions leave them out, frozen ones keep them; importing their source again does not bring them back.

    Raises:
        NotFoundError: the project has none of one of these names.
    """
    with database.write() as session:
        owner = find_project(session, project)
        for name in names:
            find_named_image(session, owner, name).deleted_at = utc_now()
    return len(set(names))


def trash_images_by_id(database: Database, project_id: int, image_ids: Sequence[int]) -> int:
    """Move images, by their numbers, to the trash; return how many were not there yet."""
    with database.write() as session:
        owned = select(Dataset.id).where(Dataset.project_id == project_id)
        count = 0
        for chunk in chunks(sorted(set(image_ids))):
            chosen = (Image.id.in_(chunk), Image.dataset_id.in_(owned), Image.deleted_at.is_(None))
            count += session.scalar(select(func.count(Image.id)).where(*chosen)) or 0
            session.execute(
                update(Image).where(*chosen).values(deleted_at=utc_now()),
                execution_options={"synchronize_session": False},
            )
    return count


def restore_image(database: Database, project: str | None, name: str) -> None:
    """Take an image (DATASET/PATH) out of the trash.

    Raises:
        NotFoundError: the trash holds no such image.
    """
    with database.write() as session:
        find_named_image(session, find_project(session, project), name, trashed=True).deleted_at = None


def list_trashed_images(database: Database, project: str | None) -> list[TrashedImage]:
    """Return the images in the trash, the last deleted first; those of a dataset in the trash are not named."""
    with database.read() as session:
        query = (
            select(Image.id, Dataset.name, Image.path, Image.deleted_at)
            .join(Dataset, Dataset.id == Image.dataset_id)
            .where(Dataset.project_id == find_project(session, project).id, Dataset.deleted_at.is_(None))
            .where(Image.deleted_at.is_not(None))
            .order_by(Image.deleted_at.desc(), Dataset.name, Image.path)
        )
        rows = session.execute(query, execution_options=WITH_TRASHED)
        return [TrashedImage(number, name, path, at) for number, name, path, at in rows if at is not None]


def list_trashed_datasets(database: Database, project: str | None) -> list[TrashedDataset]:
    """Return the datasets in the trash, the last deleted first."""
    with database.read() as session:
        query = (
            select(Dataset.name, func.count(Image.id), Dataset.deleted_at)
            .outerjoin(Image, Image.dataset_id == Dataset.id)
            .where(Dataset.project_id == find_project(session, project).id, Dataset.deleted_at.is_not(None))
            .group_by(Dataset.id)
            .order_by(Dataset.deleted_at.desc())
        )
        return [TrashedDataset(name, count, at) for name, count, at in session.execute(query) if at is not None]


def sweep_images(database: Database, store: Store, now: datetime | None = None) -> int:
    """Delete for good the rows of images and datasets that have been in the trash for over thirty days.

    A linked photo that a revision holds stays: its row alone says where it lies.

    Args:
        database: the database.
        store: of its manifests.
        now: the time to judge by; None is the present.

    Returns:
        How many images are gone.
    """
    limit = (now or utc_now()) - KEPT
    expired = Image.deleted_at < limit
    with database.read() as session:
        old_datasets = select(Dataset.id).where(Dataset.deleted_at < limit)
        query = select(Image.id, Image.sha256, Image.linked_path, Dataset.project_id)
        query = query.join(Dataset, Dataset.id == Image.dataset_id)
        query = query.where(expired | Image.dataset_id.in_(old_datasets)).execution_options(**WITH_TRASHED)
        rows = session.execute(query).all()
        held = {project: _held(session, store, project) for project in {row.project_id for row in rows if row[2]}}
    gone = [image_id for image_id, sha, link, project in rows if link is None or sha not in held[project]]
    with database.write() as session:
        for chunk in chunks(gone):
            # Looked at again: somebody may have restored one meanwhile.
            still = expired | Image.dataset_id.in_(old_datasets)
            session.execute(delete(Image).where(Image.id.in_(chunk), still), execution_options=_PLAINLY)
        filled = select(Image.dataset_id).execution_options(**WITH_TRASHED)
        session.execute(
            delete(Dataset).where(Dataset.deleted_at < limit, Dataset.id.not_in(filled)), execution_options=_PLAINLY
        )
    return len(gone)


_PLAINLY = {"synchronize_session": False, **WITH_TRASHED}


def _held(session: Session, store: Store, project_id: int) -> set[str]:
    digests = session.scalars(select(Revision.digest).where(Revision.project_id == project_id)).all()
    found = set[str]()
    for digest in digests:
        try:
            found |= {image.image_sha256 for image in load_manifest(store, digest).images}
        except UserError:
            continue
    return found
