"""What happens to one annotation in a worker process: it becomes a class map, staged for the content store.

Apart from `labeling.rendering`, so that a worker starts without loading a database.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.staging import Staged
from db.store import Store
from labeling.annotation import Annotation, Label
from labeling.map_store import load_map, stage_map
from labeling.maps import MapError
from labeling.options import Overlap, RasterRule
from labeling.raster import render

RENDERING_VERSION = 1
"""Raised when the raster rules change, so that no class map of older rules is found again."""


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
        return self._whole_key if shown is None else self._key(shown)

    @cached_property
    def _whole_key(self) -> str:
        return self._key(None)  # a page of the gallery asks a hundred times

    def _key(self, shown: frozenset[int] | None) -> str:
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


@dataclass(frozen=True)
class RenderOutcome:
    """The class map of a version under the key over the classes it shows; staged where it is new."""

    version_id: int
    key: str
    pixels_sha256: str
    staged: tuple[Staged, ...] = ()


class LayerError(Exception):
    """A map that an annotation is made of is lost or broken.

    Attributes:
        version_id: of the annotation.
        path: where the map lies, or would lie.
    """

    def __init__(self, version_id: int, path: Path) -> None:
        super().__init__(version_id, path)  # all of it, so that it can be pickled
        self.version_id, self.path = version_id, path


def render_task(task: RenderTask) -> RenderOutcome:
    """Render one annotation.

    Raises:
        LayerError: the store has lost one of its maps.
        UserError: the store cannot be written.
    """
    store, scheme = Store(task.store), task.scheme
    index = dict[Label, int](scheme.index.items())
    pixels = render(
        Annotation.from_json(task.content),
        lambda sha: _layer(task, store, sha),
        index,
        rule=scheme.rule,
        overlap=scheme.overlap,
        line_width=scheme.line_width,
        point_radius=scheme.point_radius,
        unlabelled=scheme.unlabelled,
    )
    sha, staged = stage_map(store, pixels)
    return RenderOutcome(task.version_id, task.key, sha, staged)


def _layer(task: RenderTask, store: Store, sha: str) -> NDArray[np.uint8]:
    try:
        return load_map(store, sha)
    except (FileNotFoundError, MapError):
        raise LayerError(task.version_id, store.path(sha)) from None
