"""The contract every writer keeps: one image at a time, each on its own, then the files that are about all of them.

A writer is a pure module in this package: it is given what is to be written and returns bytes; it neither touches a
disk, nor prints, nor knows the database. `write` runs in worker processes; `finish` runs once, in the exporting
process, over what every image left for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import Annotation, Label
from labeling.colors import RGB
from labeling.formats.base import RoleName
from labeling.names import is_background
from labeling.options import Overlap, RasterRule
from labeling.raster import CANVASES, Canvas, render
from labeling.raster.instances import render_instances

Objects = Literal["drawn", "pixels"]
MaskKind = Literal["index", "colors"]


@dataclass(frozen=True)
class WriteRequest:
    """What all images of an export have in common.

    Attributes:
        classes: names in index order.
        colors: of the classes, each its own.
        unlabelled: what pixels that nobody labelled are in the class maps, 0..253 or 255.
        rule: which pixels a shape covers in the class maps.
        overlap: which shape lies on top in them.
        line_width: pixels.
        point_radius: pixels.
        objects: `drawn`: shapes as they were drawn, where the format has such; `pixels`: what can be seen of each.
        masks: of formats with mask files, what is in them.
    """

    classes: tuple[str, ...]
    colors: tuple[RGB, ...]
    unlabelled: int = 0
    rule: RasterRule = "labelme"
    overlap: Overlap = "order"
    line_width: int = 10
    point_radius: int = 5
    objects: Objects = "drawn"
    masks: MaskKind = "index"

    @property
    def background(self) -> int | None:
        """The index of the class that is called background, None where there is none."""
        return next((index for index, name in enumerate(self.classes) if is_background(name)), None)

    def canvas(self, pixels: NDArray[np.uint8], rule: RasterRule | None = None) -> Canvas:
        """Return a canvas that draws over a map by the request's rule, or by another one."""
        return CANVASES[rule or self.rule](pixels, self.line_width, self.point_radius)


@dataclass(frozen=True)
class Picture:
    """One image as a writer is given it, upright.

    Attributes:
        name: the photo's relative POSIX path in the export, below the folder that the format keeps photos in.
        annotation: labels are dense class indices or specials; `extra` is there only where the annotation came in
            this very format.
        class_map: uint8 (H, W), 0..253 and 255 for ignore: what the annotation gives.
        request: what it shares with all others.
        base: its stored base map, uint8 (H, W), as `annotation.base` reads it; None where it has none.
        paint: its paint map, likewise.
        objects: the objects of its base map, uint16 (H, W); None where it has none.
        role: train, val, test, or None.
        subsets: names of its lists.
    """

    name: str
    annotation: Annotation
    class_map: NDArray[np.uint8]
    request: WriteRequest
    base: NDArray[np.uint8] | None = None
    paint: NDArray[np.uint8] | None = None
    objects: NDArray[np.uint16] | None = None
    role: RoleName | None = None
    subsets: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Pixels."""
        return self.annotation.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.annotation.height

    @cached_property
    def instances(self) -> NDArray[np.int32]:
        """The map of objects, as `labeling.raster.instances.render_instances` numbers them."""
        request = self.request
        return render_instances(
            self.annotation,
            self._stored_objects,
            self._layers.__getitem__,
            rule=request.rule,
            overlap=request.overlap,
            line_width=request.line_width,
            point_radius=request.point_radius,
        )

    @cached_property
    def unlabelled(self) -> NDArray[np.bool_]:
        """The pixels (H, W) that nobody labelled."""
        return self.render(dict.fromkeys(range(len(self.request.classes)), 0), unlabelled=1) == 1

    def render(
        self, index: Mapping[Label, int], *, unlabelled: int, rule: RasterRule | None = None
    ) -> NDArray[np.uint8]:
        """Render the annotation with other values for its labels, or by another rule than the request's."""
        request = self.request
        return render(
            self.annotation,
            self._layers.__getitem__,
            index,
            rule=rule or request.rule,
            overlap=request.overlap,
            line_width=request.line_width,
            point_radius=request.point_radius,
            unlabelled=unlabelled,
        )

    def _stored_objects(self, _sha: str) -> NDArray[np.uint16]:
        assert self.objects is not None
        return self.objects

    @property
    def _layers(self) -> dict[str, NDArray[np.uint8]]:
        pairs = ((self.annotation.base, self.base), (self.annotation.paint, self.paint))
        return {layer.sha256: pixels for layer, pixels in pairs if layer is not None and pixels is not None}


@dataclass(frozen=True)
class Written:
    """What one image becomes.

    Attributes:
        files: content by path in the export.
        part: what the writer's `finish` needs of it, in a form of the writer's own.
        losses: sentences on what the format cannot say and how it was put instead, each with how many objects (or
            pixels) it is true of.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    part: bytes = b""
    losses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What `finish` is told of an image: see `Picture` and `Written`."""

    name: str
    width: int
    height: int
    role: RoleName | None
    subsets: tuple[str, ...]
    content: bytes


class Writer(Protocol):
    """A module that writes one family of annotation files."""

    # Not static methods: a module's functions match these as they are.
    def photo_path(self, name: str, role: RoleName | None) -> str:
        """Return where in the export the photo of this name lies."""

    def write(self, picture: Picture) -> Written:
        """Write one image."""

    def finish(self, parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Yield path and content of each file about all images. `parts` may be gone through several times."""
