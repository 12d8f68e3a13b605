"""How much of each class a dataset holds, counted on its class maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from db.home import Home
from db.schema import Class, Dataset, Image, MapCount, Rendering
from db.session import Database
from db.store import Store
from labeling.annotation import IGNORE
from labeling.classes import live_classes
from labeling.datasets import find_dataset, live_datasets
from labeling.map_counts import Counts, count_maps
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.rendering import render_versions, scheme_for


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
        datasets: the same per class for each dataset by itself.
    """

    images: int
    labelled: int
    classes: tuple[ClassStatistics, ...]
    ignored_pixels: int
    pixels: int
    sizes: tuple[tuple[int, int, int], ...]
    datasets: dict[str, tuple[ClassStatistics, ...]]


def class_statistics(
    home: Home,
    database: Database,
    *,
    project: str | None = None,
    datasets: Sequence[str] = (),
    progress: Progress = silent,
) -> Statistics:
    """Count images and pixels per class, rendering class maps that are not there yet; each is counted once, ever.

    Args:
        home: holds the content store.
        database: its database.
        project: name; None is the current one, or the only one.
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
    maps: dict[str, list[str]] = {}
    for dataset in chosen:
        versions = [head for head in heads[dataset.id] if head is not None]
        maps[dataset.name] = []
        if versions:
            scheme = scheme_for(DatasetOptions.model_validate(dataset.options), classes, dataset.name)
            rendered = render_versions(database, store, scheme, versions, progress)
            maps[dataset.name] = [rendered.maps[version] for version in versions]
    counts = count_maps(database, store, [sha for shas in maps.values() for sha in shas], progress)
    sums = {name: _sum(counts, shas) for name, shas in maps.items()}
    names = [row.name for row in classes if row.merged_into_id is None]
    whole = _Sums.of(sums.values())
    return Statistics(
        images=sum(len(rows) for rows in heads.values()),
        labelled=sum(len(shas) for shas in maps.values()),
        classes=_per_class(names, whole),
        ignored_pixels=whole.pixels[IGNORE],
        pixels=sum(whole.pixels),
        sizes=tuple(sorted(sizes, key=lambda size: (-size[2], size))),
        datasets={name: _per_class(names, each) for name, each in sums.items()},
    )


def uncounted_images(database: Database, project: str | None = None) -> int:
    """Return how many labelled images `class_statistics` would have to render or count first: with 0 it is quick.

    Raises:
        UserError: there is no such project.
    """
    with database.read() as session:
        owner = find_project(session, project)
        classes = live_classes(session, owner.id)
        return sum(_uncounted(session, dataset, classes) for dataset in live_datasets(session, owner))


def _uncounted(session: Session, dataset: Dataset, classes: list[Class]) -> int:
    key = scheme_for(DatasetOptions.model_validate(dataset.options), classes, dataset.name).key()
    counted = exists().where(
        Rendering.version_id == Image.head_id,
        Rendering.key == key,
        MapCount.pixels_sha256 == Rendering.pixels_sha256,
    )
    query = select(func.count(Image.head_id)).where(Image.dataset_id == dataset.id, ~counted)
    return session.scalar(query) or 0


@dataclass(frozen=True)
class _Sums:
    """Pixels and images of every value, 0 to 255."""

    pixels: list[int]
    images: list[int]

    @classmethod
    def of(cls, parts: Iterable[_Sums]) -> _Sums:
        whole = cls([0] * 256, [0] * 256)
        for part in parts:
            for value in range(256):
                whole.pixels[value] += part.pixels[value]
                whole.images[value] += part.images[value]
        return whole


def _sum(counts: Mapping[str, Counts], maps: Sequence[str]) -> _Sums:
    sums = _Sums.of(())
    for sha in maps:
        for value, pixels in counts[sha]:
            sums.pixels[value] += pixels
            sums.images[value] += 1
    return sums


def _per_class(names: Sequence[str], sums: _Sums) -> tuple[ClassStatistics, ...]:
    valid = sum(sums.pixels[: len(names)])
    return tuple(
        ClassStatistics(name, sums.images[index], sums.pixels[index], sums.pixels[index] / valid if valid else None)
        for index, name in enumerate(names)
    )
