"""Class maps of annotation versions: rendered once, stored by their pixels, found again by what decided them.

A class map is decided by the version, the dataset's options and the dense index of the classes. `Rendering` caches it
under two keys: one over the whole class table, which a freeze of unchanged data can ask for without reading any
annotation, and one over only the classes that the version shows, so that a new class elsewhere renders nothing again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from db.errors import UserError
from db.schema import AnnotationVersion, Class, Rendering
from db.session import Database
from db.store import Store
from labeling.annotation import IGNORE, Annotation, Label
from labeling.classes import dense_index
from labeling.map_store import load_map, store_map
from labeling.options import DatasetOptions, Overlap, RasterRule
from labeling.progress import Progress, silent
from labeling.raster import render
from labeling.workers import map_in_order

RENDERING_VERSION = 1
"""Raised when the raster rules change, so that no class map of older rules is found again."""

_BATCH = 100


@dataclass(frozen=True)
class Scheme:
    """What decides a dataset's class maps besides the annotations.

    Attributes:
        rule: which pixels a polygon covers.
        overlap: which shape lies on top.
        line_width: pixels.
        point_radius: pixels.
        unlabelled: value of pixels without a label, 0..253 or 255.
        index: value of every class id, 0..253, merged classes resolved.
    """

    rule: RasterRule
    overlap: Overlap
    line_width: int
    point_radius: int
    unlabelled: int
    index: dict[int, int]

    def key(self, shown: frozenset[int] | None = None) -> str:
        """Return the cache key (sha256); over only the classes `shown` where given."""
        table = sorted((row, value) for row, value in self.index.items() if shown is None or row in shown)
        parts: list[Any] = [RENDERING_VERSION, self.rule, self.overlap, self.line_width, self.point_radius]
        parts += [self.unlabelled, shown is None, table]
        return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class RenderTask:
    """One annotation to render; `content` is its JSON as stored."""

    store: Path
    scheme: Scheme
    version_id: int
    key: str
    content: dict[str, Any]


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


def render_versions(
    database: Database, store: Store, scheme: Scheme, version_ids: Sequence[int], progress: Progress = silent
) -> Rendered:
    """Return the class map of every version, rendering (in processes where many) only those that are not cached.

    Raises:
        UserError: a process died while rendering, or the store cannot be written.
    """
    rendered = Rendered(_cached(database, store, scheme.key(), version_ids))
    missing = [version_id for version_id in version_ids if version_id not in rendered.maps]
    fresh: list[Rendering] = []

    def keep(version_id: int, own_key: str, pixels: str) -> None:
        rendered.maps[version_id] = pixels
        fresh.extend(Rendering(version_id=version_id, key=key, pixels_sha256=pixels) for key in (scheme.key(), own_key))
        if len(fresh) >= 2 * _BATCH:
            _save(database, fresh)

    def tasks() -> Iterator[RenderTask]:
        for task in _tasks(database, store, scheme, missing):
            # Another class table rendered it before, and the difference does not touch it.
            known = _cached(database, store, task.key, [task.version_id])
            if known:
                keep(task.version_id, task.key, known[task.version_id])
            else:
                yield task

    for task_key, version_id, pixels in map_in_order(_render, tasks(), on_death=_died):
        rendered.count += 1
        keep(version_id, task_key, pixels)
        progress(rendered.count, len(missing), "class maps")
    _save(database, fresh)
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


def _tasks(database: Database, store: Store, scheme: Scheme, version_ids: Sequence[int]) -> Iterator[RenderTask]:
    for start in range(0, len(version_ids), _BATCH):
        chunk = version_ids[start : start + _BATCH]
        query = select(AnnotationVersion.id, AnnotationVersion.content).where(AnnotationVersion.id.in_(chunk))
        with database.read() as session:
            contents: dict[int, dict[str, Any]] = dict(session.execute(query).all())
        for version_id in chunk:
            content = contents[version_id]
            yield RenderTask(store.root, scheme, version_id, scheme.key(shown_classes(content)), content)


def shown_classes(content: dict[str, Any]) -> frozenset[int]:
    """Return the class ids that an annotation, as stored, names in shapes and maps."""
    labels = [shape["label"] for shape in content["shapes"]]
    for layer in (content["base"], content["paint"]):
        labels += layer["legend"] if layer else []
    return frozenset(label for label in labels if isinstance(label, int))


def _cached(database: Database, store: Store, key: str, version_ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    with database.read() as session:
        for start in range(0, len(version_ids), 500):  # SQLite takes at least 999 parameters
            query = select(Rendering.version_id, Rendering.pixels_sha256).where(
                Rendering.key == key, Rendering.version_id.in_(version_ids[start : start + 500])
            )
            found.update((version_id, pixels) for version_id, pixels in session.execute(query))
    return {version_id: pixels for version_id, pixels in found.items() if store.has(pixels)}


def _save(database: Database, fresh: list[Rendering]) -> None:
    if fresh:
        with database.write() as session:
            for row in fresh:
                session.merge(row)  # another process may have rendered the same meanwhile
        fresh.clear()


def _render(task: RenderTask) -> tuple[str, int, str]:
    store, scheme = Store(task.store), task.scheme
    index = dict[Label, int](scheme.index.items())
    pixels = render(
        Annotation.from_json(task.content),
        lambda sha: load_map(store, sha),
        index,
        rule=scheme.rule,
        overlap=scheme.overlap,
        line_width=scheme.line_width,
        point_radius=scheme.point_radius,
        unlabelled=scheme.unlabelled,
    )
    return task.key, task.version_id, store_map(store, pixels)


def _died(task: RenderTask) -> tuple[str, int, str]:
    width, height = task.content["width"], task.content["height"]
    raise UserError(
        f"The process that rendered a class map of {width} x {height} pixels was ended by the system, most likely for "
        "lack of memory. Close other programs and run this again: what is rendered stays."
    )
