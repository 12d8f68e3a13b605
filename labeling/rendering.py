"""Class maps of annotation versions: rendered once, stored by their pixels, found again by what decided them.

A class map is decided by the version, the dataset's options and the dense index of the classes. `Rendering` caches it
under two keys: one over the whole class table, which a freeze of unchanged data can ask for without reading any
annotation, and one over only the classes that the version shows, so that a new class elsewhere renders nothing again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select

from db.errors import UserError
from db.schema import AnnotationVersion, Class, Dataset, Image, Rendering
from db.session import Database
from db.staging import settle_all
from db.store import Store
from labeling.annotation import IGNORE
from labeling.chunks import chunks
from labeling.classes import dense_index
from labeling.options import DatasetOptions
from labeling.presence import shown_classes
from labeling.progress import Progress, silent
from labeling.render_worker import RENDERING_VERSION, LayerError, RenderOutcome, RenderTask, Scheme, render_task
from labeling.workers import map_in_order

__all__ = ["RENDERING_VERSION", "Rendered", "Scheme", "map_version", "render_versions", "scheme_for"]

_BATCH = 100


@dataclass
class Rendered:
    """Class maps by version id (sha256 of pixels), and how many of them had to be rendered."""

    maps: dict[int, str] = field(default_factory=dict)
    count: int = 0


def scheme_for(options: DatasetOptions, classes: list[Class], dataset: str) -> Scheme:
    """Return what decides the class maps of a dataset.

    Args:
        options: the dataset's options.
        classes: the project's live classes by position (`labeling.classes.live_classes`).
        dataset: its name, for the message.

    Raises:
        UserError: unlabelled pixels are to become a class that the project does not have.
    """
    index = dense_index(classes)
    return Scheme(
        rule=options.raster,
        overlap=options.overlap,
        line_width=options.line_width,
        point_radius=options.point_radius,
        unlabelled=_unlabelled(options, classes, index, dataset),
        index=index,
    )


def map_version(scheme: Scheme, version_id: int) -> str:
    """Return eight digits that change whenever the class map of an image may: for addresses of pictures of it."""
    return hashlib.sha256(f"{scheme.key()} {version_id}".encode()).hexdigest()[:8]


def render_versions(
    database: Database, store: Store, scheme: Scheme, version_ids: Sequence[int], progress: Progress = silent
) -> Rendered:
    """Return the class map of every version, rendering (in processes where many) only those that are not cached.

    Raises:
        UserError: a process died while rendering, the store cannot be written, or it has lost a map of an annotation.
    """
    rendered = Rendered(_cached(database, store, dict.fromkeys(version_ids, scheme.key())))
    missing = [version_id for version_id in version_ids if version_id not in rendered.maps]
    batches = _Batches(database, store, scheme, rendered)
    try:
        for outcome in map_in_order(render_task, batches.tasks(missing), on_death=_died):
            rendered.count += 1
            batches.keep(outcome)
            progress(rendered.count, len(missing), "class maps")
    except LayerError as error:
        raise _explained(database, error) from error
    batches.save()
    return rendered


def _unlabelled(options: DatasetOptions, classes: list[Class], index: dict[int, int], dataset: str) -> int:
    if options.unlabelled == "ignore":
        return IGNORE
    name = options.background if options.unlabelled == "background" else options.unlabelled
    for row in classes:
        if row.name == name:
            return index[row.id]
    raise UserError(
        f"Unlabelled pixels of the dataset {dataset!r} are to become {name!r}, which is not a class of this project. "
        "Add the class, or import the dataset again with --unlabelled."
    )


class _Batches:
    """Hands out what has to be rendered, and writes down what was, both some at a time."""

    def __init__(self, database: Database, store: Store, scheme: Scheme, rendered: Rendered) -> None:
        self._database, self._store, self._scheme, self._rendered = database, store, scheme, rendered
        self._unsaved: list[RenderOutcome] = []

    def tasks(self, version_ids: Sequence[int]) -> Iterator[RenderTask]:
        """Yield a task for each version that has not been rendered for the classes it shows."""
        for start in range(0, len(version_ids), _BATCH):
            chunk = version_ids[start : start + _BATCH]
            query = select(AnnotationVersion.id, AnnotationVersion.content).where(AnnotationVersion.id.in_(chunk))
            with self._database.read() as session:
                contents: dict[int, dict[str, Any]] = dict(session.execute(query).all())
            keys = {version_id: self._scheme.key(shown_classes(contents[version_id])) for version_id in chunk}
            known = _cached(self._database, self._store, keys)
            for version_id in chunk:
                if version_id in known:
                    # Another class table rendered it before, and the difference does not touch it.
                    self.keep(RenderOutcome(version_id, keys[version_id], known[version_id]))
                else:
                    content = contents[version_id]
                    yield RenderTask(self._store.root, self._scheme, version_id, keys[version_id], content)

    def keep(self, outcome: RenderOutcome) -> None:
        self._rendered.maps[outcome.version_id] = outcome.pixels_sha256
        self._unsaved.append(outcome)
        if len(self._unsaved) >= _BATCH:
            self.save()

    def save(self) -> None:
        if not self._unsaved:
            return
        settle_all(self._store, [staged for outcome in self._unsaved for staged in outcome.staged])
        rows = {
            (outcome.version_id, key): outcome.pixels_sha256
            for outcome in self._unsaved
            for key in (self._scheme.key(), outcome.key)
        }
        with self._database.write() as session:
            # Replaced, not added: another process may have rendered the same meanwhile, or a map was lost.
            versions = {version_id for version_id, _ in rows}
            keys = {key for _, key in rows}
            session.execute(delete(Rendering).where(Rendering.version_id.in_(versions), Rendering.key.in_(keys)))
            columns = ("version_id", "key", "pixels_sha256")
            session.execute(insert(Rendering), [dict(zip(columns, (*k, v), strict=True)) for k, v in rows.items()])
        self._unsaved.clear()


def _cached(database: Database, store: Store, keys: dict[int, str]) -> dict[int, str]:
    """Return the stored class map of those versions that were rendered under these keys."""
    found: dict[int, str] = {}
    wanted = list(keys)
    with database.read() as session:
        for chunk in chunks(wanted):
            query = select(Rendering.version_id, Rendering.key, Rendering.pixels_sha256).where(
                Rendering.version_id.in_(chunk), Rendering.key.in_({keys[version_id] for version_id in chunk})
            )
            rows = session.execute(query)
            found |= {version_id: pixels for version_id, key, pixels in rows if keys[version_id] == key}
    return {version_id: pixels for version_id, pixels in found.items() if store.has(pixels)}


def _explained(database: Database, error: LayerError) -> UserError:
    query = select(Dataset.name, Image.path).join(Image, Image.dataset_id == Dataset.id)
    query = query.join(AnnotationVersion, AnnotationVersion.image_id == Image.id)
    with database.read() as session:
        dataset, path = session.execute(query.where(AnnotationVersion.id == error.version_id)).one()
    return UserError(
        f"The labels of {path} in the dataset {dataset!r} are made of a map that is lost or broken: {error.path}. Put "
        "it back from a backup; if it was imported, delete what is left of it and import the dataset again."
    )


def _died(task: RenderTask) -> RenderOutcome:
    width, height = task.content["width"], task.content["height"]
    raise UserError(
        f"The process that rendered a class map of {width} x {height} pixels was ended by the system, most likely for "
        "lack of memory. Close other programs and run this again: what is rendered stays."
    )
