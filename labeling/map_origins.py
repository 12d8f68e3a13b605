"""Which annotation a class map came from, as far as that is still known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from db.schema import AnnotationVersion, Dataset, Image, Rendering
from db.session import WITH_TRASHED, Database
from labeling.chunks import chunks
from labeling.options import DatasetOptions


def dataset_options(database: Database, project_id: int, dataset: str) -> DatasetOptions | None:
    """Return the options of a dataset as they are now; None where there is none of this name."""
    with database.read() as session:
        query = select(Dataset.options).where(Dataset.project_id == project_id, Dataset.name == dataset)
        found = session.scalar(query)
    return None if found is None else DatasetOptions.model_validate(found)


def annotations_of_maps(
    database: Database, project_id: int, dataset: str, maps: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the annotations that gave some class maps, as stored, by the path of their image.

    Of several versions with the same class map it is the newest. An image without one is left out: it was renamed or
    deleted for good since, or what was rendered of it is no longer known.

    Args:
        database: of the home.
        project_id: whose dataset.
        dataset: name.
        maps: sha256 of the class map (`labeling.map_store.pixels_sha256`) by the path of its image.
    """
    found: dict[str, dict[str, Any]] = {}
    with database.read() as session:
        for paths in chunks(list(maps)):
            query = (
                select(Image.path, Rendering.pixels_sha256, AnnotationVersion.content)
                .join(AnnotationVersion, AnnotationVersion.id == Rendering.version_id)
                .join(Image, Image.id == AnnotationVersion.image_id)
                .join(Dataset, Dataset.id == Image.dataset_id)
                .where(Dataset.project_id == project_id, Dataset.name == dataset, Image.path.in_(paths))
                .where(Rendering.pixels_sha256.in_({maps[path] for path in paths}))
                .order_by(AnnotationVersion.id)
            )
            for path, sha, content in session.execute(query, execution_options=WITH_TRASHED):
                if maps[path] == sha:
                    found[path] = content
    return found
