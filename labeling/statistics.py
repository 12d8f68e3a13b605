"""How much of each class a dataset holds, counted on its class maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from db.errors import UserError
from db.home import Home
from db.schema import Image
from db.session import Database
from db.store import Store
from labeling.annotation import IGNORE
from labeling.classes import live_classes
from labeling.datasets import find_dataset, live_datasets
from labeling.map_store import load_map
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.rendering import render_versions, scheme_for
from labeling.workers import map_in_order


@dataclass(frozen=True)
class ClassStatistics:
    """One class in some datasets.

    Attributes:
        name: its name.
        images: labelled images that show it.
        pixels: its pixels.
        share: its pixels over all pixels that are not ignored, 0 to 1; None where there are none.
    """

    name: str
    images: int
    pixels: int
    share: float | None


@dataclass(frozen=True)
class Statistics:
    """What some datasets hold.

    Attributes:
        images: count of images.
        labelled: those of them with an annotation; the rest of the figures are over these.
        classes: per class, in index order.
        ignored_pixels: pixels that count for no class.
        pixels: all pixels.
        sizes: images per (width, height), the most frequent first.
    """

    images: int
    labelled: int
    classes: tuple[ClassStatistics, ...]
    ignored_pixels: int
    pixels: int
    sizes: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class _CountTask:
    store: Path
    pixels_sha256: str


def class_statistics(
    home: Home,
    database: Database,
    *,
    project: str | None = None,
    datasets: Sequence[str] = (),
    progress: Progress = silent,
) -> Statistics:
    """Count images and pixels per class, rendering class maps that are not there yet.

    Args:
        home: holds the content store.
        database: its database.
        project: name; None is the current one.
        datasets: names; empty means all that are not in the trash.
        progress: told the class maps rendered and counted.

    Raises:
        UserError: there is no such project or dataset.
    """
    store = Store(home.store)
    with database.read() as session:
        owner = find_project(session, project)
        chosen = [find_dataset(session, owner, name) for name in datasets] or live_datasets(session, owner)
        classes = live_classes(session, owner.id)
        ids = [dataset.id for dataset in chosen]
        heads = {
            dataset.id: list(
                session.scalars(select(Image.head_id).where(Image.dataset_id == dataset.id).order_by(Image.path))
            )
            for dataset in chosen
        }
        size = (Image.width, Image.height)
        query = select(*size, func.count()).where(Image.dataset_id.in_(ids)).group_by(*size)
        sizes = [(width, height, count) for width, height, count in session.execute(query)]
    maps: list[str] = []
    for dataset in chosen:
        versions = [head for head in heads[dataset.id] if head is not None]
        if versions:
            scheme = scheme_for(DatasetOptions.model_validate(dataset.options), classes, dataset.name)
            rendered = render_versions(database, store, scheme, versions, progress)
            maps += [rendered.maps[version] for version in versions]
    pixels, images = _count(store, maps, progress)
    names = [row.name for row in classes if row.merged_into_id is None]
    return Statistics(
        images=sum(len(rows) for rows in heads.values()),
        labelled=len(maps),
        classes=_per_class(names, pixels, images),
        ignored_pixels=int(pixels[IGNORE]),
        pixels=int(pixels.sum()),
        sizes=tuple(sorted(sizes, key=lambda size: (-size[2], size))),
    )


def _per_class(
    names: Sequence[str], pixels: NDArray[np.int64], images: NDArray[np.int64]
) -> tuple[ClassStatistics, ...]:
    valid = int(pixels[: len(names)].sum())
    return tuple(
        ClassStatistics(name, int(images[index]), int(pixels[index]), int(pixels[index]) / valid if valid else None)
        for index, name in enumerate(names)
    )


def _count(store: Store, maps: Sequence[str], progress: Progress) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (256,) pixels and (256,) images of every value."""
    pixels, images = np.zeros(256, np.int64), np.zeros(256, np.int64)
    tasks = (_CountTask(store.root, sha) for sha in maps)
    for done, counts in enumerate(map_in_order(_histogram, tasks, on_death=_died), start=1):
        pixels += counts
        images += counts > 0
        progress(done, len(maps), "class maps counted")
    return pixels, images


def _histogram(task: _CountTask) -> NDArray[np.int64]:
    return np.bincount(load_map(Store(task.store), task.pixels_sha256).ravel(), minlength=256)


def _died(task: _CountTask) -> NDArray[np.int64]:
    raise UserError(f"The process that counted the class map {task.pixels_sha256[:12]} was ended by the system.")
