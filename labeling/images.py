"""One image of a project, found by its number, as addresses name it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.schema import Dataset, Image, Project
from db.session import Database
from labeling.chunks import chunks
from labeling.classes import live_classes
from labeling.options import DatasetOptions
from labeling.projects import project_of_id
from labeling.rendering import Scheme, scheme_for


@dataclass(frozen=True)
class ProjectPhoto:
    """What names a photo: its dataset, its relative POSIX path there, the sha256 of its bytes."""

    dataset: str
    path: str
    image_sha256: str


@dataclass(frozen=True)
class ProjectImage(ProjectPhoto):
    """An image and what decides its class map.

    Attributes:
        id: its row.
        width: pixels, after EXIF rotation.
        height: likewise.
        head_id: its newest annotation version, None for an image that nobody labelled.
        scheme: of its dataset.
    """

    id: int
    width: int
    height: int
    head_id: int | None
    scheme: Scheme


def find_photo(database: Database, project_id: int, image_id: int) -> ProjectPhoto:
    """Return the photo of an image of a project: what a page of pictures asks for dozens of times.

    Raises:
        NotFoundError: the project has none of this number, or the project or the image's dataset is in the trash.
    """
    query = select(Dataset.name, Image.path, Image.sha256).where(_is_there(project_id, image_id))
    with database.read() as session:
        found = session.execute(query).one_or_none() or _refuse(session, project_id, image_id)
    return ProjectPhoto(*found)


def find_image(database: Database, project_id: int, image_id: int) -> ProjectImage:
    """Return an image of a project.

    Raises:
        NotFoundError: the project has none of this number, or the project or the image's dataset is in the trash.
    """
    columns = (Image.path, Image.sha256, Image.width, Image.height, Image.head_id)
    query = select(Dataset.name, Dataset.options, *columns).where(_is_there(project_id, image_id))
    with database.read() as session:
        found = session.execute(query).one_or_none() or _refuse(session, project_id, image_id)
        classes = live_classes(session, project_id)
    return ProjectImage(
        id=image_id,
        dataset=found.name,
        path=found.path,
        image_sha256=found.sha256,
        width=found.width,
        height=found.height,
        head_id=found.head_id,
        scheme=scheme_for(DatasetOptions.model_validate(found.options), classes, found.name),
    )


def _is_there(project_id: int, image_id: int) -> ColumnElement[bool]:
    """Return what joins an image with its dataset and project, where none of the two is in the trash."""
    return and_(
        Image.id == image_id,
        Dataset.id == Image.dataset_id,
        Project.id == Dataset.project_id,
        Project.id == project_id,
        Dataset.deleted_at.is_(None),
        Project.deleted_at.is_(None),
    )


def _refuse(session: Session, project_id: int, image_id: int) -> NoReturn:
    name = project_of_id(session, project_id).name
    raise NotFoundError(f"The project {name!r} has no image {image_id} (any more).")


def paths_of(database: Database, project_id: int, image_ids: Sequence[int]) -> dict[str, list[str]]:
    """Return the paths of images by their dataset's name, as functions take images that change them.

    Raises:
        NotFoundError: the project has none of one of these numbers, or the project or a dataset is in the trash.
    """
    wanted = sorted(set(image_ids))
    found: dict[str, list[str]] = {}
    with database.read() as session:
        project = project_of_id(session, project_id)
        query = select(Dataset.name, Image.path).join(Dataset, Dataset.id == Image.dataset_id)
        query = query.where(Dataset.project_id == project_id, Dataset.deleted_at.is_(None))
        for chunk in chunks(wanted):
            for dataset, path in session.execute(query.where(Image.id.in_(chunk))):
                found.setdefault(dataset, []).append(path)
    missing = len(wanted) - sum(map(len, found.values()))
    if missing:
        raise NotFoundError(f"{missing} of these images are no longer in the project {project.name!r}. Choose again.")
    return found
