"""Writes YOLO segmentation as Ultralytics reads it: `images/`, `labels/` with a line an outline, `data.yaml`, lists.

A line is a class id and the corners of a polygon as shares of the photo's size. Class ids are those of the classes in
index order, without the background. Polygons are written as they were drawn, cut at the photo's edge; everything else
is traced along its pixels: parts as lines of their own, holes joined to the outline around them by a line to and fro.
`train.txt` and its like name the photos of each role, so that photos keep their paths.
(https://docs.ultralytics.com/datasets/segment/.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE, Label, Point, Shape
from labeling.formats.base import RoleName
from labeling.formats.objects import outlines, regions
from labeling.formats.writing import Part, Picture, WriteRequest, Written
from labeling.raster import largest_first
from labeling.raster.center_rule import CenterCanvas
from labeling.raster.clip import clip_polygon
from labeling.raster.trace import bridged, trace

_NO_LISTS = "Lists: YOLO has none, only roles"
_NO_ROLE = "Images without a role: data.yaml names them for nothing, give them roles first"
_IGNORED = "Pixels that are ignored here: whoever reads YOLO takes them for background"
_HIDDEN = "Objects that others cover altogether: left out, as nothing can be seen of them"
_PARTS = "Objects of several parts: each part is a line, which YOLO takes for an object"
_HOLES = "Holes: joined to the outline around them by a line to and fro"
_TRACED = "Objects and regions that are no polygons: traced along their pixels"
_BORDER = "Pixels along polygons that are read as another class; --objects pixels traces every object"


def photo_path(name: str, role: RoleName | None) -> str:
    """Return `images/NAME`."""
    return f"images/{name}"


def write(picture: Picture) -> Written:
    """Write the label file of one image."""
    found, hidden = regions(picture)
    named = [region for region in found if region.label != IGNORE]
    drawn: list[Shape] = []
    losses = dict.fromkeys((_PARTS, _HOLES, _TRACED), 0)
    for region in named:
        polygons = outlines(region)
        if polygons is None:
            traced = trace(region.patch)
            polygons = [bridged(outline) for outline in traced]
            losses[_TRACED] += 1
            losses[_HOLES] += sum(len(outline.holes) for outline in traced)
        losses[_PARTS] += region.is_object and len(polygons) > 1
        inside = (clip_polygon(points, (0.0, 0.0, float(picture.width), float(picture.height))) for points in polygons)
        drawn += [Shape("polygon", region.label, tuple(points)) for points in inside if len(set(points)) > 2]
    read, drawn = _read(drawn, picture)
    ignored = picture.class_map == IGNORE
    losses |= {
        _NO_LISTS: len(picture.subsets),
        _NO_ROLE: picture.role is None,
        _IGNORED: int(np.count_nonzero(ignored)),
        _HIDDEN: hidden,
        _BORDER: int(np.count_nonzero((read != picture.class_map) & ~ignored)),
    }
    ids: dict[Label, int] = {index: number for number, index in enumerate(_written(picture.request))}
    lines = "".join(f"{_line(ids[shape.label], shape.points, picture)}\n" for shape in drawn)
    path = PurePosixPath(picture.name).with_suffix(".txt")
    counted = {what: int(count) for what, count in losses.items() if count}
    return Written({f"labels/{path}": lines.encode()}, losses=counted)


def _read(drawn: list[Shape], picture: Picture) -> tuple[NDArray[np.uint8], list[Shape]]:
    """Return the class map as it is read, each line an object and small ones on top, and the shapes in that order."""
    background = picture.request.background
    blank = np.full(picture.class_map.shape, IGNORE if background is None else background, np.uint8)
    canvas = CenterCanvas(blank, 0, 0)
    ordered = [drawn[place] for place in largest_first(drawn, canvas)]
    for shape in ordered:
        canvas.draw(shape, int(shape.label))
    return canvas.pixels(), ordered


def finish(parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield `data.yaml` and a list of photos for each role."""
    roles = sorted({part.role for part in parts if part.role}, key=("train", "val", "test").index)
    names = (f"  {id}: {_quoted(request.classes[index])}\n" for id, index in enumerate(_written(request)))
    splits = (f"{role}: {role}.txt\n" for role in roles)
    yield "data.yaml", ["".join((*splits, "names:\n", *names)).encode()]
    for role in roles:
        yield f"{role}.txt", (f"./images/{part.name}\n".encode() for part in parts if part.role == role)


def _written(request: WriteRequest) -> list[int]:
    """Return the class indices that have an id, in the order of the ids."""
    return [index for index in range(len(request.classes)) if index != request.background]


def _line(id: int, points: Sequence[Point], picture: Picture) -> str:
    corners = (f"{x / picture.width:.9g} {y / picture.height:.9g}" for x, y in points)
    return " ".join((str(id), *corners))


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)  # which is YAML as well
