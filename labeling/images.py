"""One image of a project, found by its number, as addresses name it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, get_args

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.schema import Dataset, Image, Project, Role, Subset, SubsetImage
from db.session import Database
from labeling.chunks import chunks
from labeling.classes import live_classes
from labeling.datasets import UNASSIGNED, find_dataset, role_counts, subset_counts
from labeling.formats.base import RoleName
from labeling.options import DatasetOptions
from labeling.parts import ALL, UNLABELLED
from labeling.projects import find_project, project_of_id
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


@dataclass(frozen=True)
class DatasetPhoto(ProjectPhoto):
    """A photo of a dataset, whether anybody labelled it or not; width and height in pixels, after EXIF rotation."""

    id: int
    width: int
    height: int
    labelled: bool


def find_photo(database: Database, project_id: int, image_id: int) -> ProjectPhoto:
    """Return the photo of an image of a project: what a page of pictures asks for dozens of times.

    Raises:
        NotFoundError: the project has none of this number, or the project or the image's dataset is in the trash.
    """
    query = select(Dataset.name, Image.path, Image.sha256).where(Image.id == image_id, _is_in(project_id))
    with database.read() as session:
        found = session.execute(query).one_or_none() or _refuse(session, project_id, image_id)
    return ProjectPhoto(*found)


def find_image(database: Database, project_id: int, image_id: int) -> ProjectImage:
    """Return an image of a project.

    Raises:
        NotFoundError: the project has none of this number, or the project or the image's dataset is in the trash.
    """
    found = find_images(database, project_id, [image_id])
    if image_id not in found:
        with database.read() as session:
            _refuse(session, project_id, image_id)
    return found[image_id]


def find_images(database: Database, project_id: int, image_ids: Sequence[int]) -> dict[int, ProjectImage]:
    """Return images of a project by their numbers, without those that `find_image` refuses; a few hundred at most."""
    columns = (Image.id, Image.path, Image.sha256, Image.width, Image.height, Image.head_id)
    query = select(Dataset.name, Dataset.options, *columns).where(Image.id.in_(image_ids), _is_in(project_id))
    with database.read() as session:
        rows = session.execute(query).all()
        classes = live_classes(session, project_id)
    options = {row.name: row.options for row in rows}
    schemes = {name: scheme_for(DatasetOptions.model_validate(each), classes, name) for name, each in options.items()}
    return {
        row.id: ProjectImage(
            id=row.id,
            dataset=row.name,
            path=row.path,
            image_sha256=row.sha256,
            width=row.width,
            height=row.height,
            head_id=row.head_id,
            scheme=schemes[row.name],
        )
        for row in rows
    }


def _is_in(project_id: int) -> ColumnElement[bool]:
    """Return what joins an image with its dataset and project, where none of the two is in the trash."""
    return and_(
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


def photos_of(database: Database, project: str | None, dataset: str, on: str = ALL) -> list[DatasetPhoto]:
    """Return photos of a dataset as it is now, labelled or not, by path.

    Args:
        database: the database.
        project: name; None is the current one, or the only one.
        dataset: name.
        on: `all`, `unlabelled`, a role, or a subset's name. A role goes before a subset of its name, as in evaluations.

    Raises:
        UserError: there is no such dataset, or nothing in it is meant; the message lists what there is.
    """
    with database.read() as session:
        row = find_dataset(session, find_project(session, project), dataset)
        columns = (Image.id, Image.path, Image.sha256, Image.width, Image.height, Image.head_id.is_not(None))
        query = select(*columns).where(Image.dataset_id == row.id).order_by(Image.path)
        if on == UNLABELLED:
            query = query.where(Image.head_id.is_(None))
        elif on in get_args(RoleName) and on in role_counts(session, row.id):
            query = query.join(Role, Role.image_id == Image.id).where(Role.role == on)
        elif on != ALL:
            query = query.join(SubsetImage, SubsetImage.image_id == Image.id)
            query = query.join(Subset, Subset.id == SubsetImage.subset_id).where(
                Subset.dataset_id == row.id, Subset.name == on
            )
        found = [
            DatasetPhoto(
                dataset=row.name, path=path, image_sha256=sha256, id=number, width=w, height=h, labelled=labelled
            )
            for number, path, sha256, w, h, labelled in session.execute(query)
        ]
        if not found:
            known = [name for name in role_counts(session, row.id) if name != UNASSIGNED]
            names = ", ".join(dict.fromkeys([ALL, UNLABELLED, *known, *subset_counts(session, row.id)]))
            raise UserError(f"No image of {row.name} is meant by {on!r}. There are: {names}.")
    return found
