"""What merging a class into another one would change, before it is done."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from db.schema import Dataset, Image, MapCount, Rendering, VersionClass
from db.session import Database
from labeling.classes import live_classes, mergeable
from labeling.datasets import live_datasets
from labeling.options import DatasetOptions
from labeling.presence import merged_below
from labeling.projects import find_project
from labeling.rendering import Scheme, scheme_for


@dataclass(frozen=True)
class MergePreview:
    """What would change.

    Attributes:
        name: the class that would be merged.
        into: the class it would be counted for.
        images: images that show it, so that their class maps change; where a dataset's unlabelled pixels become it,
            all of that dataset's labelled images.
        datasets: those images per dataset, where there are any.
        pixels: pixels that change, None where their class maps have not all been counted yet (`workbench stats`
            counts them).
    """

    name: str
    into: str
    images: int
    datasets: dict[str, int]
    pixels: int | None


def merge_preview(database: Database, project: str | None, name: str, into: str) -> MergePreview:
    """Return what `labeling.classes.merge_class` would change; nothing is.

    Raises:
        UserError: as `merge_class`.
    """
    with database.read() as session:
        owner = find_project(session, project)
        row, target = mergeable(session, owner, name, into)
        classes = live_classes(session, owner.id)
        below = merged_below(classes, row.id)
        showing = Image.head_id.in_(select(VersionClass.version_id).where(VersionClass.class_id.in_(below)))
        images: dict[str, int] = {}
        pixels: int | None = 0
        for dataset in live_datasets(session, owner):
            scheme = scheme_for(DatasetOptions.model_validate(dataset.options), classes, dataset.name)
            index = scheme.index[row.id]
            condition = true() if row.merged_into_id is None and scheme.unlabelled == index else showing
            count = _count(session, dataset, condition)
            if count:
                images[dataset.name] = count
                counted = _pixels(session, dataset, condition, scheme, index, count)
                pixels = None if pixels is None or counted is None else pixels + counted
        # Merged already, it has no pixels of its own in the class maps.
        pixels = pixels if row.merged_into_id is None else None
        return MergePreview(row.name, target.name, sum(images.values()), images, pixels)


def _count(session: Session, dataset: Dataset, condition: ColumnElement[bool]) -> int:
    query = select(func.count(Image.head_id)).where(Image.dataset_id == dataset.id, condition)
    return session.scalar(query) or 0


def _pixels(
    session: Session, dataset: Dataset, condition: ColumnElement[bool], scheme: Scheme, index: int, images: int
) -> int | None:
    """Return the pixels of a value in the class maps of some images, None where one of them was never counted."""
    query = (
        select(MapCount.counts)
        .join(Rendering, Rendering.pixels_sha256 == MapCount.pixels_sha256)
        .join(Image, Image.head_id == Rendering.version_id)
        .where(Image.dataset_id == dataset.id, condition, Rendering.key == scheme.key())
    )
    counts = session.scalars(query).all()
    if len(counts) < images:
        return None
    return sum(int(pixels) for each in counts for value, pixels in each if value == index)
