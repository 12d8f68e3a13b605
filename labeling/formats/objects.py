"""The objects of an image for formats without an order of drawing: where small ones lie over large ones.

An object is given as it was drawn where whoever lays smaller objects over larger ones sees what the class map shows;
else as the pixels that can be seen of it. What belongs to no object (base and paint maps, classes that unlabelled
pixels become) is one region a class; the background is nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from labeling.annotation import IGNORE, Patch, Point, Shape
from labeling.formats.writing import Picture, WriteRequest
from labeling.options import RasterRule
from labeling.raster.center_rule import CenterCanvas
from labeling.raster.instances import object_numbers


@dataclass(frozen=True)
class Region:
    """An object, or all of a class that belongs to none.

    Attributes:
        label: dense class index, or 255 for what is ignored.
        patch: its pixels.
        area: how many it has for those who read it: of polygons by the rule `center`.
        shapes: what it was drawn as, where that says the same; empty where only pixels do.
        is_object: whether it is an object.
        extra: what its source says of it besides.
    """

    label: int
    patch: Patch
    area: int
    shapes: tuple[Shape, ...] = ()
    is_object: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)


def regions(picture: Picture) -> tuple[list[Region], int]:
    """Return the regions of an image, the largest first, and how many objects others cover altogether.

    Nothing of the latter is written: what cannot be seen has no pixels.
    """
    seen = _seen(picture.instances)
    objects = _drawn(picture)
    hidden = 0
    found: list[Region] = []
    for number, drawn in objects.items():
        patch = seen.pop(number, None)
        region = _shown(drawn, number, objects, picture)
        if region is not None:
            found.append(region)
        elif patch is not None:
            found.append(_of_pixels(drawn.label, patch, extra=drawn.extra))
        else:
            hidden += 1
    for patch in seen.values():
        found += _by_class(patch, picture.class_map, is_object=True)
    found += _by_class(Patch(0, 0, picture.instances == 0), picture.class_map, is_object=False)
    found = [region for region in found if region.label != picture.request.background]
    return sorted(found, key=lambda region: -region.area), hidden


def _of_pixels(
    label: int, patch: Patch, *, is_object: bool = True, extra: Mapping[str, Any] = MappingProxyType({})
) -> Region:
    return Region(label, patch, int(np.count_nonzero(patch.pixels)), is_object=is_object, extra=extra)


def outlines(region: Region) -> list[tuple[Point, ...]] | None:
    """Return the polygons that a region was drawn as, None where it is none of polygons alone."""
    return _polygons(region.shapes)


def _polygons(shapes: Sequence[Shape]) -> list[tuple[Point, ...]] | None:
    found = [_corners(shape) for shape in shapes]
    return found if found and all(found) else None


def read_back(found: Sequence[Region], picture: Picture) -> NDArray[np.uint8]:
    """Return the class map as it is read where regions are drawn by the rule `center`, one after the other."""
    background = picture.request.background
    canvas = CenterCanvas(
        np.full(picture.class_map.shape, IGNORE if background is None else background, np.uint8), 0, 0
    )
    for region in found:
        drawn = region.shapes if outlines(region) else (Shape("mask", region.label, patch=region.patch),)
        for shape in drawn:
            canvas.draw(shape, region.label)
    return canvas.pixels()


def without_holes(picture: Picture) -> Picture:
    """Return an image whose polygons with holes are masks, for formats that have no holes."""

    def put(shape: Shape) -> Iterator[Shape]:
        if not shape.holes:
            yield shape
        elif (patch := cover([shape], picture.request, picture.height, picture.width)) is not None:
            yield replace(shape, kind="mask", points=(), holes=(), patch=patch)

    shapes = tuple(kept for shape in picture.annotation.shapes for kept in put(shape))
    return replace(picture, annotation=replace(picture.annotation, shapes=shapes))


def _corners(shape: Shape) -> tuple[Point, ...]:
    if shape.kind == "rectangle":
        (x0, y0), (x1, y1) = shape.points
        return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return shape.points if shape.kind == "polygon" and not shape.holes else ()


@dataclass(frozen=True)
class _Drawn:
    """An object of shapes: all that it covers, seen or not; `area` as of a region."""

    label: int
    shapes: tuple[Shape, ...]
    patch: Patch
    area: int

    @property
    def extra(self) -> Mapping[str, Any]:
        return self.shapes[0].extra


def _drawn(picture: Picture) -> dict[int, _Drawn]:
    """Return the objects of shapes by number, without the background and what lies outside of the photo."""
    first = 1 + (0 if picture.objects is None else int(picture.objects.max(initial=0)))
    shapes: dict[int, list[Shape]] = defaultdict(list)
    for shape, number in zip(picture.annotation.shapes, object_numbers(picture.annotation.shapes, first), strict=True):
        if number and shape.label != picture.request.background:
            shapes[number].append(shape)
    found = {}
    for number, own in shapes.items():
        patch = cover(own, picture.request, picture.height, picture.width)
        if patch is not None:
            read = cover(own, picture.request, picture.height, picture.width, "center") if _polygons(own) else patch
            area = 0 if read is None else int(np.count_nonzero(read.pixels))
            found[number] = _Drawn(int(own[0].label), tuple(own), patch, area)
    return found


def _shown(drawn: _Drawn, number: int, objects: Mapping[int, _Drawn], picture: Picture) -> Region | None:
    """Return an object as it was drawn, None where what covers it would not, being larger or no object."""
    if picture.request.objects == "pixels":
        return None
    patch = drawn.patch
    here = picture.instances[patch.y : patch.y + patch.pixels.shape[0], patch.x : patch.x + patch.pixels.shape[1]]
    for other in np.unique(here[patch.pixels]).tolist():
        above = objects.get(other)
        if other != number and (above is None or (above.area, -other) >= (drawn.area, -number)):
            return None
    return Region(drawn.label, patch, drawn.area, drawn.shapes, extra=drawn.extra)


def _seen(instances: NDArray[np.int32]) -> dict[int, Patch]:
    """Return the pixels of every object by number."""
    found = {}
    for number, box in enumerate(ndimage.find_objects(instances), start=1):
        if box is not None:
            rows, columns = box
            found[number] = Patch(columns.start, rows.start, instances[box] == number)
    return found


def _by_class(patch: Patch, class_map: NDArray[np.uint8], *, is_object: bool) -> Iterator[Region]:
    """Yield a region for every class that the pixels of a patch have."""
    height, width = patch.pixels.shape
    here = class_map[patch.y : patch.y + height, patch.x : patch.x + width]
    for label in np.flatnonzero(np.bincount(here[patch.pixels], minlength=IGNORE + 1)).tolist():
        yield _of_pixels(label, Patch.cut(patch.pixels & (here == label), patch.x, patch.y), is_object=is_object)


def cover(
    shapes: Sequence[Shape], request: WriteRequest, height: int, width: int, rule: RasterRule | None = None
) -> Patch | None:
    """Return what shapes cover together, drawn in a window of their size; None where that is nothing."""
    boxes = [_box(shape, request) for shape in shapes]
    # Not below zero, where the rule of labelme rounds to the other side.
    left, top = (max(0, math.floor(min(box[axis] for box in boxes))) for axis in (0, 1))
    right, bottom = (
        min(size, math.ceil(max(box[axis] for box in boxes)) + 2) for axis, size in ((2, width), (3, height))
    )
    if left >= right or top >= bottom:
        return None
    canvas = request.canvas(np.zeros((bottom - top, right - left), np.uint8), rule)
    for shape in shapes:
        canvas.draw(_moved(shape, -left, -top), 1)
    pixels = canvas.pixels() == 1
    return Patch.cut(pixels, left, top) if pixels.any() else None


def _box(shape: Shape, request: WriteRequest) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a shape, with room for its width."""
    if shape.patch is not None:
        height, width = shape.patch.pixels.shape
        return shape.patch.x, shape.patch.y, shape.patch.x + width, shape.patch.y + height
    room = 0.0
    if shape.kind == "circle":
        room = math.dist(*shape.points)
    elif shape.kind in ("line", "linestrip"):
        room = request.line_width
    elif shape.kind == "point":
        room = request.point_radius
    points = [*shape.points, *(point for hole in shape.holes for point in hole)]
    (left, right), (top, bottom) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
    return left - room, top - room, right + room, bottom + room


def _moved(shape: Shape, x: int, y: int) -> Shape:
    def moved(points: Sequence[Point]) -> tuple[Point, ...]:
        return tuple((point[0] + x, point[1] + y) for point in points)

    patch = shape.patch
    return replace(
        shape,
        points=moved(shape.points),
        holes=tuple(moved(hole) for hole in shape.holes),
        patch=None if patch is None else Patch(patch.x + x, patch.y + y, patch.pixels),
    )
