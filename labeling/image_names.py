"""Images by the name people give them: DATASET/PATH."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.schema import Dataset, Image, Project


def find_named_image(session: Session, project: Project, name: str, *, trashed: bool = False) -> Image:
    """Return the image of this name.

    Args:
        session: any session.
        project: the project.
        name: the dataset, a slash, the path in the dataset. Both may hold slashes; what fits is found.
        trashed: look in the trash instead.

    Raises:
        NotFoundError: there is no such image.
    """
    owned = select(Dataset).where(Dataset.project_id == project.id, Dataset.deleted_at.is_(None))
    for dataset in session.scalars(owned.order_by(Dataset.name)):
        if not name.startswith(f"{dataset.name}/"):
            continue
        query = select(Image).where(Image.dataset_id == dataset.id, Image.path == name[len(dataset.name) + 1 :])
        query = query.where(Image.deleted_at.is_not(None) if trashed else Image.deleted_at.is_(None))
        found = session.scalar(query, execution_options={"with_trashed": trashed})
        if found is not None:
            return found
    if trashed:
        raise NotFoundError(f"The trash holds no image {name!r}; `workbench trash` lists what it holds.")
    raise NotFoundError(
        f"The project {project.name!r} has no image {name!r}. Expected DATASET/PATH, as day/photos/1.jpg; `workbench "
        "images` lists them."
    )
