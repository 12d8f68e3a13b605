"""Looking at the photos of a domain: how they look, and what their labels hold, in processes where they are many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from db.schema import AnnotationVersion, Image
from db.session import Database
from db.store import Store
from labeling.chunks import chunks
from labeling.classes import live_classes
from labeling.datasets import find_dataset
from labeling.images import DatasetPhoto, photos_of
from labeling.linked import photo_path
from labeling.options import DatasetOptions
from labeling.progress import Progress
from labeling.projects import find_project
from labeling.rendering import Scheme, render_versions, scheme_for
from labeling.workers import map_in_order
from training.evaluation.derived.work import Drawing
from training.shift.frequencies import Counted
from training.shift.sizes import Objects
from training.shift.subject import Domain, read_domains
from training.shift.work import Labels, Outcome, Task, died, look_at


@dataclass(frozen=True)
class Chosen:
    """The photos of a domain."""

    domain: Domain
    photos: tuple[DatasetPhoto, ...]


@dataclass(frozen=True)
class Seen:
    """What was found of a domain: the looks of each photo, (N, 5), its classes and its objects."""

    looks: NDArray[np.float32]
    counted: Counted
    objects: Objects


def choose(database: Database, project: str, texts: Iterable[str]) -> list[Chosen]:
    """Find the photos of domains, each written `DATASET` or `DATASET:ON`; ON is a role, a subset or `unlabelled`.

    Raises:
        UserError: there is no such dataset, or nothing in it is meant.
    """
    domains = read_domains(database, project, texts)
    return [Chosen(each, tuple(photos_of(database, project, each.dataset, each.on))) for each in domains]


def class_names(database: Database, project: str) -> tuple[str, ...]:
    """Return the classes of a project in the order of class maps."""
    with database.read() as session:
        classes = live_classes(session, find_project(session, project).id)
    return tuple(row.name for row in classes if row.merged_into_id is None)


def look_through(
    database: Database, store: Store, project: str, chosen: Chosen, classes: int, progress: Progress
) -> Seen:
    """Look at the photos of a domain; memory is bounded by a few of them, and by their figures.

    Raises:
        UserError: one of them, or its labels, cannot be read.
    """
    found: list[Outcome] = []
    for outcome in map_in_order(look_at, _tasks(database, store, project, chosen, classes, progress), on_death=died):
        found.append(outcome)
        progress(len(found), len(chosen.photos), f"photos of {chosen.domain.title} looked at")
    pixels = [outcome.pixels for outcome in found if outcome.pixels is not None]
    table = np.array(pixels, np.int64).reshape(-1, classes)
    return Seen(
        looks=np.stack([outcome.looks for outcome in found]),
        counted=Counted(table.sum(axis=0), (table > 0).sum(axis=0), len(table)),
        objects=Objects.join([outcome.objects for outcome in found]),
    )


def _tasks(
    database: Database, store: Store, project: str, chosen: Chosen, classes: int, progress: Progress
) -> Iterator[Task]:
    scheme, heads = _labels(database, project, chosen)
    maps = render_versions(database, store, scheme, list(heads.values()), progress).maps if scheme else {}
    for photos in chunks(chosen.photos):
        versions = [heads[photo.id] for photo in photos if photo.id in heads]
        query = select(AnnotationVersion.id, AnnotationVersion.content).where(AnnotationVersion.id.in_(versions))
        with database.read() as session:
            contents: dict[int, dict[str, Any]] = dict(session.execute(query).all())
        for photo in photos:
            head = heads.get(photo.id)
            labels = None
            if scheme is not None and head is not None and head in contents:
                drawing = Drawing(scheme.rule, scheme.overlap, scheme.line_width, scheme.point_radius)
                labels = Labels(maps[head], contents[head], drawing)
            yield Task(
                name=f"{photo.dataset}/{photo.path}",
                photo=photo_path(database, store, photo),
                store=store.root,
                labels=labels,
                classes=classes,
            )


def _labels(database: Database, project: str, chosen: Chosen) -> tuple[Scheme | None, dict[int, int]]:
    """Return what decides the dataset's class maps, None where nobody labelled a photo, and the versions by image."""
    numbers = [photo.id for photo in chosen.photos if photo.labelled]
    if not numbers:
        return None, {}
    heads: dict[int, int] = {}
    with database.read() as session:
        owner = find_project(session, project)
        row = find_dataset(session, owner, chosen.domain.dataset)
        options = DatasetOptions.model_validate(row.options)
        scheme = scheme_for(options, live_classes(session, owner.id), row.name)
        for part in chunks(numbers):
            query = select(Image.id, Image.head_id).where(Image.id.in_(part), Image.head_id.is_not(None))
            heads |= {number: head for number, head in session.execute(query) if head is not None}
    return scheme, heads
