"""From the objects of one Supervisely image to shapes: each on its own, so that a bad one costs only itself.

Format: https://developer.supervisely.com/getting-started/supervisely-annotation-format/objects
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from labeling.annotation import Point, Shape
from labeling.formats.extra import kept
from labeling.formats.patches import MaskBudget
from labeling.formats.supervisely.bitmap import decode_bitmap

_DRAWN = frozenset({"classTitle", "points", "parts", "bitmap"})
_FAR = 1e9  # pixels; no photo reaches there
_SHOWN = 5
_LEAST_POINTS = {"polygon": 3, "line": 2, "rectangle": 2, "point": 1}
_NO_AREA = {
    "graph": "a structure of key points",
    "cuboid": "a cuboid",
    "cuboid_2d": "a cuboid",
    "alpha_mask": "a mask of soft borders",
    "oriented_bbox": "a turned box",
}


class ShapeReader:
    """Reads the objects of one image and keeps account of what is left out.

    Args:
        class_shapes: by class name, what its objects are drawn as; for old files, whose objects do not say it.
        width: of the photo that was annotated, pixels.
        height: likewise.
    """

    def __init__(self, class_shapes: Mapping[str, str], width: int, height: int) -> None:
        self._class_shapes = class_shapes
        self._budget = MaskBudget(width, height)
        self._notes: dict[str, list[int]] = defaultdict(list)

    def read(self, objects: Sequence[Any]) -> tuple[Shape, ...]:
        """Return the shapes of all objects that can be read, in their order: later ones lie over earlier ones."""
        shapes: list[Shape] = []
        for place, entry in enumerate(objects):
            try:
                shapes += self._shapes(entry, place)
            except ValueError as error:
                self._notes[f"left out: {error}"].append(place)
        return tuple(shapes)

    def repairs(self) -> tuple[str, ...]:
        """Return a sentence for everything that was left out or put right, with the objects it is about."""
        return tuple(f"{_places(places)} {note}." for note, places in self._notes.items())

    def _shapes(self, entry: Any, place: int) -> list[Shape]:
        if not isinstance(entry, dict):
            raise ValueError("it is no JSON object")
        title = entry.get("classTitle")
        if not isinstance(title, str) or not title.strip():
            raise ValueError("it has no classTitle")
        label = title.strip()
        extra, lost = kept(entry, _DRAWN)
        for key in lost:
            self._notes[f"has a number that is not finite under {key!r}, which was dropped"].append(place)
        return [replace(shape, extra=extra) for shape in self._drawn(entry, label, place)]

    def _drawn(self, entry: Mapping[str, Any], label: str, place: int) -> list[Shape]:
        kind = self._kind(entry, label)
        if kind == "bitmap":
            return [self._bitmap(entry["bitmap"], label)]
        if kind == "multipolygon":
            parts = entry.get("parts")
            if not isinstance(parts, list) or not parts:
                raise ValueError("a multipolygon has no parts")
            return [self._polygon(part, label, place, group=place) for part in parts]
        if kind == "polygon":
            return [self._polygon(entry.get("points"), label, place)]
        if kind not in _LEAST_POINTS:
            raise ValueError(f"it is {_NO_AREA.get(kind, f'of the type {kind!r}')}, which is not read")
        points = _exterior(entry.get("points"), kind)
        if kind == "rectangle" and len(points) != 2:
            raise ValueError(f"a rectangle has 2 points, found {len(points)}")
        if kind == "rectangle":
            return [Shape("rectangle", label, points)]
        if kind == "point":
            return [Shape("point", label, points[:1])]
        return [Shape("line" if len(points) == 2 else "linestrip", label, points)]

    def _kind(self, entry: Mapping[str, Any], label: str) -> str:
        for found in (entry.get("geometryType"), self._class_shapes.get(label)):
            if isinstance(found, str) and found not in ("", "any"):
                return found
        if isinstance(entry.get("bitmap"), dict):
            return "bitmap"
        raise ValueError("neither it nor its class in meta.json says what it is drawn as")

    def _polygon(self, rings: Any, label: str, place: int, group: int | None = None) -> Shape:
        points = _exterior(rings, "polygon")
        holes = rings.get("interior") or []
        if not isinstance(holes, list):
            raise ValueError("the holes of a polygon are no list")
        usable: list[tuple[Point, ...]] = []
        for hole in holes:
            corners = _points(hole)
            if len(set(corners)) < _LEAST_POINTS["polygon"]:
                self._notes["has a hole of fewer than three different points, which covers nothing"].append(place)
            else:
                usable.append(corners)
        return Shape("polygon", label, points, group=group, holes=tuple(usable))

    def _bitmap(self, bitmap: Any, label: str) -> Shape:
        if not isinstance(bitmap, dict):
            raise ValueError("a bitmap has no data")
        origin = bitmap.get("origin")
        if not isinstance(origin, list) or len(origin) != 2:
            raise ValueError("a bitmap has no origin")
        ((x, y),) = _points([origin])
        if not x.is_integer() or not y.is_integer():
            raise ValueError(f"a bitmap's origin is {origin!r}, which is no pixel")
        pixels = decode_bitmap(bitmap.get("data"), self._budget)
        return Shape("mask", label, patch=self._budget.cut(pixels, int(x), int(y)))


def _exterior(rings: Any, kind: str) -> tuple[Point, ...]:
    if not isinstance(rings, dict):
        raise ValueError("it has no points")
    points = _points(rings.get("exterior"))
    least = _LEAST_POINTS[kind]
    found = len(set(points)) if kind == "polygon" else len(points)
    if found < least:
        raise ValueError(f"a {kind} needs {least} {'different ' if kind == 'polygon' else ''}points, found {found}")
    return points


def _points(found: Any) -> tuple[Point, ...]:
    if not isinstance(found, list):
        raise ValueError("it has no list of points")
    if not all(isinstance(point, list) and len(point) == 2 for point in found):
        raise ValueError("a point of it is not a pair")
    # False for NaN, and defined for integers of any length; a bool is an int to Python, and no number here.
    if not all(type(number) in (int, float) and -_FAR < number < _FAR for number in chain.from_iterable(found)):
        raise ValueError("a coordinate of it is not a number of pixels")
    return tuple((float(x), float(y)) for x, y in found)


def _places(places: Sequence[int]) -> str:
    places = list(dict.fromkeys(places))
    shown = ", ".join(f"objects[{place}]" for place in places[:_SHOWN])
    return shown if len(places) <= _SHOWN else f"{shown} and {len(places) - _SHOWN} more:"
