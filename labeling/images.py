"""One image of a project, found by its number, as addresses name it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from db.errors import NotFoundError
from db.schema import Dataset, Image
from db.session import Database
from labeling.chunks import chunks
from labeling.classes import live_classes
from labeling.options import DatasetOptions
from labeling.projects import project_of_id
from labeling.rendering import Scheme, scheme_for


@dataclass(frozen=True)
class ProjectImage:
    """An image and what decides its class map.

    Attributes:
        id: its row.
        dataset: name.
        path: relative POSIX path in the dataset.
        image_sha256: of the photo's bytes.
        width: pixels, after EXIF rotation.
        height: likewise.
        head_id: its newest annotation version, None for an image that nobody labelled.
        scheme: of its dataset.
    """

    id: int
    dataset: str
    path: str
    image_sha256: str
    width: int
    height: int
    head_id: int | None
    scheme: Scheme


def find_image(database: Database, project_id: int, image_id: int) -> ProjectImage:
    """Return an image of a project.

    Raises:
        NotFoundError: the project has none of this number, or the project or the image's dataset is in the trash.
    """
    query = select(Image, Dataset).join(Dataset, Dataset.id == Image.dataset_id)
    query = query.where(Image.id == image_id, Dataset.project_id == project_id, Dataset.deleted_at.is_(None))
    with database.read() as session:
        project = project_of_id(session, project_id)
        found = session.execute(query).one_or_none()
        if found is None:
            raise NotFoundError(f"The project {project.name!r} has no image {image_id} (any more).")
        image, dataset = found
        classes = live_classes(session, project_id)
    return ProjectImage(
        id=image.id,
        dataset=dataset.name,
        path=image.path,
        image_sha256=image.sha256,
        width=image.width,
        height=image.height,
        head_id=image.head_id,
        scheme=scheme_for(DatasetOptions.model_validate(dataset.options), classes, dataset.name),
    )


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
