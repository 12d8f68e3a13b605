"""The shapes of a labelme JSON file, of every version since 2016 and of X-AnyLabeling: validated one by one.

What cannot be drawn is left out and said, shape by shape; the others of its file are kept. Whatever a shape says
besides, and how it said what was read as something else, goes into its `extra` under the file's own keys.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image

from labeling.annotation import Label, Patch, Point, Shape, ShapeKind, Special
from labeling.formats.base import BadItemError
from labeling.formats.extra import is_plain
from labeling.formats.labelme.extra import SHAPE_KEYS, kept
from labeling.formats.labels import IGNORE_NAME
from labeling.names import is_reserved
from labeling.photos import transpose_points

MASK_BUDGET = 2**28
"""Pixels of all masks of one file together: their PNGs may be tiny, what is in them is not."""

_POLYGONS = frozenset({"polygon", "oriented_rectangle", "rotation", "quadrilateral"})
_POINTS_NEEDED: dict[str, tuple[ShapeKind, int, int | None]] = {
    "circle": ("circle", 2, 2),
    "line": ("line", 2, None),
    "linestrip": ("linestrip", 2, None),
    "point": ("point", 1, 1),
}
_NOT_FINITE = "a coordinate of it is not a finite number"
_INSTANCE = re.compile(r".+-\d+")


class _UnusableError(Exception):
    """A shape that is left out; the message says why."""


class ShapeReader:
    """Reads the shapes of one file and remembers what it repaired and left out.

    Args:
        meanings: labels that are not simply class names.
        photo_pixels: width x height of the photo; a single mask may have four times as many.
        mask_budget: pixels of all masks together.

    Attributes:
        left_out: the shapes that cannot be drawn, each with its place in the file.
    """

    def __init__(self, meanings: Mapping[str, Label], photo_pixels: int, mask_budget: int | None = None) -> None:
        self._meanings = meanings
        self._largest_mask = 4 * photo_pixels
        self._mask_budget = self._budget = MASK_BUDGET if mask_budget is None else mask_budget
        self._notes: dict[str, list[int]] = defaultdict(list)
        self.left_out: list[tuple[int, Any]] = []

    def read(self, entries: list[Any]) -> tuple[Shape, ...]:
        """Return the usable shapes in file order, in the frame they were drawn in."""
        shapes = []
        for position, entry in enumerate(entries):
            try:
                shapes.append(self._shape(entry, position))
            except _UnusableError as error:
                self._notes[f"left out: {error}"].append(position)
                if is_plain(entry):
                    self.left_out.append((position, entry))
        return tuple(shapes)

    def repairs(self) -> tuple[str, ...]:
        """Return a sentence for everything that was repaired or left out, with the shapes it is about."""
        return tuple(f"{_positions(positions)} {note}" for note, positions in self._notes.items())

    def _shape(self, entry: Any, position: int) -> Shape:
        if not isinstance(entry, dict):
            raise _UnusableError(f"expected an object, found {type(entry).__name__}")
        label = self._label(entry, position)
        group = self._group(entry, position)
        points = _points(entry)
        kind = entry.get("shape_type") or "polygon"
        if not isinstance(kind, str):
            raise _UnusableError(f"its type {kind!r} is not one of labelme's")
        patch, corners = None, points
        drawn: ShapeKind = "mask"
        if kind == "mask":
            patch, corners = self._patch(entry, points, position), ()
        else:
            drawn, corners = self._vector(kind, points, position)
        extra = self._extra(entry, label, group, position)
        if kind != drawn:
            extra["shape_type"] = kind
        if points != (corners if patch is None else mask_corners(patch)):
            extra["points"] = entry["points"]
        return Shape(drawn, label, corners, patch, group, extra=extra)

    def _extra(self, entry: dict[str, Any], label: Label, group: int | None, position: int) -> dict[str, Any]:
        """Return what an entry says besides its shape, and what it says in other words."""
        found, lost = kept(entry, SHAPE_KEYS)
        for key in lost:
            self._notes[f"has a number that is not finite under {key!r}, which was dropped"].append(position)
        written = IGNORE_NAME if isinstance(label, Special) else str(label)
        if entry["label"] != written or is_reserved(written):
            found["label"] = entry["label"]
        if group is None and (given := entry.get("group_id")) is not None and is_plain(given):
            found["group_id"] = given
        return found

    def _label(self, entry: dict[str, Any], position: int) -> Label:
        found = entry.get("label")
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
            self._notes[f"has the number {found} as its label; it was read as a name"].append(position)
        if not isinstance(found, str):
            raise _UnusableError(f"its label is {found!r}, not text")
        label = found.strip()
        if not label:
            raise _UnusableError("its label is empty")
        if label != found:
            self._notes[f"has blanks around its label {label!r}; they were removed"].append(position)
        if "group_id" not in entry and _INSTANCE.fullmatch(label):
            self._notes[
                f"is called {label!r}, perhaps one object of a class as before labelme 4; kept as it is"
            ].append(position)
        return self._meanings.get(label, label)

    def _group(self, entry: dict[str, Any], position: int) -> int | None:
        group = entry.get("group_id")
        if group is None:
            return None
        if isinstance(group, float) and group.is_integer():
            group = int(group)
        if isinstance(group, bool) or not isinstance(group, int) or abs(group) >= 2**63:
            self._notes["has a group_id that is no whole number; it was dropped"].append(position)
            return None
        return group

    def _vector(self, kind: str, points: tuple[Point, ...], position: int) -> tuple[ShapeKind, tuple[Point, ...]]:
        if kind == "rectangle":
            return self._rectangle(points, position)
        if kind in _POLYGONS:
            if len(set(points)) < 3:
                raise _UnusableError(f"a polygon needs 3 different points, found {len(set(points))}")
            return "polygon", points
        if kind == "points":
            raise _UnusableError("its type is 'points', prompts for an AI model that cover no pixels")
        if kind not in _POINTS_NEEDED:
            raise _UnusableError(f"its type {kind!r} is not one of labelme's")
        drawn, least, most = _POINTS_NEEDED[kind]
        if len(points) < least or (most is not None and len(points) > most):
            raise _UnusableError(f"a {kind} has {least}{'' if most else ' or more'} points, found {len(points)}")
        if drawn == "line" and len(points) > 2:
            self._notes["is a line of more than two points; it was read as a linestrip"].append(position)
            drawn = "linestrip"
        return drawn, points

    def _rectangle(self, points: tuple[Point, ...], position: int) -> tuple[ShapeKind, tuple[Point, ...]]:
        """Two corners in any order, or four (X-AnyLabeling 2.2 and later)."""
        if len(points) == 2:
            return "rectangle", points
        if len(points) != 4:
            raise _UnusableError(f"a rectangle has 2 or 4 points, found {len(points)}")
        xs, ys = {x for x, _ in points}, {y for _, y in points}
        if len(xs) > 2 or len(ys) > 2:
            self._notes["is a rectangle whose sides are not upright; it was read as a polygon"].append(position)
            return self._vector("polygon", points, position)
        return "rectangle", bounds(points)

    def _patch(self, entry: dict[str, Any], points: tuple[Point, ...], position: int) -> Patch:
        if len(points) != 2:
            raise _UnusableError(f"a mask has 2 points, its first and last pixel, found {len(points)}")
        pixels = self._mask_pixels(entry.get("mask"))
        (x0, y0), (x1, y1) = points
        x, y = round(min(x0, x1)), round(min(y0, y1))
        if all(value.is_integer() for point in points for value in point):
            # Whole corners give the extent, as labelme reads them; fractional ones (7.1) leave it to the picture.
            extent = (int(abs(y1 - y0)) + 1, int(abs(x1 - x0)) + 1)
            if pixels.shape != extent:
                self._notes["is a mask of another size than its corners say; it was cut to both"].append(position)
                pixels = pixels[: extent[0], : extent[1]]
        return Patch(x, y, pixels)

    def _mask_pixels(self, encoded: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
        if not isinstance(encoded, str):
            raise _UnusableError("a mask without its picture")
        try:
            data = base64.b64decode(encoded)
            with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                self._budget -= image.width * image.height
                if image.width * image.height > self._largest_mask:
                    raise _UnusableError(f"a mask of {image.width} x {image.height} pixels, far larger than the photo")
                if self._budget < 0:
                    raise BadItemError(f"its masks have more than {self._mask_budget:,} pixels together")
                values = np.asarray(image)
        except (_UnusableError, BadItemError):
            raise
        except binascii.Error as error:
            raise _UnusableError("a mask that is not base64 text") from error
        except Exception as error:  # on broken bytes Pillow raises OSError, SyntaxError, ValueError, struct.error, ...
            raise _UnusableError(f"a mask that is not a readable PNG ({error})") from error
        if values.ndim != 2:
            raise _UnusableError("a mask whose picture is coloured; expected one value a pixel")
        return values.astype(np.bool_)


def points_of(entry: Any) -> tuple[Point, ...] | None:
    """Return the points of a JSON object, None where it has none that are pairs of finite numbers."""
    try:
        return _points(entry) or None
    except (_UnusableError, AttributeError):
        return None


def turn_points(entry: Any, orientation: int, width: float, height: float) -> Any:
    """Turn the points of a JSON object, where it has such, as `labeling.formats.turning.turn_shape` does a shape's."""
    if (points := points_of(entry)) is None:
        return entry
    return {**entry, "points": [list(point) for point in transpose_points(points, orientation, width, height)]}


def bounds(points: Sequence[Point]) -> tuple[Point, Point]:
    """Return the corners of least and of greatest coordinates."""
    xs, ys = zip(*points, strict=True)
    return (min(xs), min(ys)), (max(xs), max(ys))


def mask_corners(patch: Patch) -> tuple[Point, Point]:
    """Return the first and the last pixel of a mask, as labelme names them."""
    rows, columns = patch.pixels.shape
    return (float(patch.x), float(patch.y)), (float(patch.x + columns - 1), float(patch.y + rows - 1))


def _points(entry: dict[str, Any]) -> tuple[Point, ...]:
    found = entry.get("points")
    if not isinstance(found, list):
        raise _UnusableError("it has no list of points")
    # Checked as a whole: files with thousands of points are common.
    try:
        points = tuple([(float(x), float(y)) for x, y in found])
        is_numeric = set(map(type, chain.from_iterable(found))) <= {int, float}
    except OverflowError:
        raise _UnusableError(_NOT_FINITE) from None
    except (TypeError, ValueError):
        is_numeric = False
    if not is_numeric:
        raise _UnusableError("a point of it is not a pair of numbers")
    if not all(map(math.isfinite, chain.from_iterable(points))):
        raise _UnusableError(_NOT_FINITE)
    return points


def _positions(positions: list[int]) -> str:
    shown = ", ".join(f"shapes[{position}]" for position in positions[:3])
    return shown if len(positions) <= 3 else f"{shown} and {len(positions) - 3} more:"
