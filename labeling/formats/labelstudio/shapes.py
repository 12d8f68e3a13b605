"""From the results of one Label Studio annotation to shapes: each on its own, so that a bad one costs only itself.

Positions are percents of the photo's width and height. A box is turned about its top left corner, an ellipse about its
centre, clockwise. (https://labelstud.io/guide/export, "Units of image annotations"; the regions of the editor,
HumanSignal/label-studio, web/libs/editor/src/regions: PolygonRegion.jsx, RectRegion.jsx, EllipseRegion.jsx,
KeyPointRegion.jsx, BrushRegion.jsx, BitmaskRegion.jsx.) That a picture was looked at turned (`image_rotation`) changes
none of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from labeling.annotation import Point, Shape
from labeling.formats.curves import ellipse_corners, turned
from labeling.formats.extra import kept
from labeling.formats.labelstudio.brush import decode_brush
from labeling.formats.labelstudio.tasks import PACKED
from labeling.formats.patches import MaskBudget, decode_base64
from labeling.formats.turning import annotated_orientation, turn_shape
from labeling.photos import PhotoHeader

_FAR = 1e7  # percents; no photo reaches there
_SHOWN = 5
_INSIDE = 128  # of alpha, as in brush masks
_DATA_URL = "data:image/png;base64,"
_DRAWN = frozenset({"value", "original_width", "original_height", "image_rotation"})
_GEOMETRY = frozenset({"points", "rle", "x", "y", "width", "height", "radiusX", "radiusY", "rotation", "imageDataURL"})
_BARE = frozenset({"polygon", "brush", "rectangle", "ellipse", "keypoint", "bitmask", "vector"})
"""Types of results that say where a region is and not what: another result of its id does."""

Fields = Mapping[str, Any]


class ShapeReader:
    """Reads the results of one annotation and keeps account of what is left out.

    Args:
        photo: the photo that they are about.

    Attributes:
        rest: the results that outline nothing (choices, texts, relations), without the outline they repeat.
    """

    def __init__(self, photo: PhotoHeader) -> None:
        self._photo = photo
        self._budget = MaskBudget(photo.width, photo.height)
        self._notes: dict[str, list[int]] = defaultdict(list)
        self.rest: list[dict[str, Any]] = []

    def read(self, results: Sequence[Any]) -> tuple[Shape, ...]:
        """Return the shapes of all results that can be read, in their order: later ones lie over earlier ones.

        Raises:
            BadItemError: the annotation was made on a photo of another size, or its masks are too large together.
        """
        named = {str(entry.get("id")) for entry in results if isinstance(entry, dict) and label_names(entry)}
        shapes: list[Shape] = []
        for place, entry in enumerate(results):
            try:
                shape = self._shape(entry, place, named)
            except ValueError as error:
                self._notes[f"left out: {error}"].append(place)
            else:
                if shape is not None:
                    shapes.append(shape)
        return tuple(shapes)

    def repairs(self) -> tuple[str, ...]:
        """Return a sentence for everything that was left out or put right, with the results it is about."""
        return tuple(f"{_places(places)} {note}." for note, places in self._notes.items())

    def _shape(self, entry: Any, place: int, named: set[str]) -> Shape | None:
        if not isinstance(entry, dict):
            raise ValueError("it is no JSON object")
        kind, value = entry.get("type"), entry.get("value")
        if not isinstance(kind, str):
            raise ValueError("it has no type")
        if kind in _BARE and str(entry.get("id")) in named:
            return None  # its outline comes again, with its label
        if kind not in _BARE and not kind.endswith("labels"):
            self._keep(entry, place)
            return None
        if not isinstance(value, dict):
            raise ValueError("it has no value")
        names = label_names(entry)
        if not names:
            raise ValueError("it has no label")
        if len(names) > 1:
            self._notes[f"has several labels; the first of them was taken: {names[0]!r}"].append(place)
        width, height, orientation = self._frame(entry)
        drawn = self._drawn(value, width, height, place)
        shape = replace(drawn, label=names[0], extra=self._extra(entry, value, drawn, place))
        return shape if orientation == 1 else turn_shape(shape, orientation, width, height)

    def _frame(self, entry: Fields) -> tuple[int, int, int]:
        """Return width and height of the frame that a result is in, and the EXIF orientation that turns it upright."""
        photo = self._photo
        width, height = entry.get("original_width"), entry.get("original_height")
        if width is None and height is None:
            return photo.width, photo.height, 1
        if type(width) is not int or type(height) is not int:
            raise ValueError("its original_width and original_height are not two whole numbers")
        return width, height, annotated_orientation((width, height), photo)

    def _drawn(self, value: Fields, width: int, height: int, place: int) -> Shape:
        """Return the shape without its label, in pixels of the frame."""
        if "rle" in value:
            return self._brush(value, width, height)
        if "imageDataURL" in value:
            return self._bitmask(value["imageDataURL"], width, height)
        if "points" in value:
            if value.get("closed") is False:
                self._notes["is a polygon that was not closed; it is read as one that is"].append(place)
            return _polygon(value["points"], width, height)
        if "radiusX" in value:
            return _ellipse(value, width, height)
        if "height" in value:
            return _rectangle(value, width, height)
        if "x" in value:
            return Shape("point", "", (_point(value["x"], value.get("y"), width, height),))
        raise ValueError("it has no outline that is read (points, a box, an ellipse, a point, a brush or bit mask)")

    def _brush(self, value: Fields, width: int, height: int) -> Shape:
        packed = value["rle"]
        if not isinstance(packed, dict) or PACKED not in packed:
            raise ValueError("its rle is no list of bytes")
        self._budget.spend(width, height)
        pixels = decode_brush(decode_base64(packed[PACKED]), width, height)
        return Shape("mask", "", patch=self._budget.cut(pixels))

    def _bitmask(self, url: Any, width: int, height: int) -> Shape:
        if not isinstance(url, str) or not url.startswith(_DATA_URL):
            raise ValueError("its mask is no PNG in a data URL")
        opacity = self._budget.read_png(decode_base64(url[len(_DATA_URL) :]))
        if opacity.shape != (height, width):
            raise ValueError(f"its mask is {opacity.shape[1]} x {opacity.shape[0]} pixels, expected {width} x {height}")
        return Shape("mask", "", patch=self._budget.cut(opacity >= _INSIDE))

    def _extra(self, entry: Fields, value: Fields, shape: Shape, place: int) -> dict[str, Any]:
        """Return what a result says besides, and its outline where the shape is another: an ellipse, a turned box."""
        another = shape.kind == "circle" or (shape.kind == "polygon" and "points" not in value)
        told = frozenset[str]() if another else _GEOMETRY - {"width"} if shape.kind == "point" else _GEOMETRY
        labels = {key for key in value if key.endswith("labels")} if len(label_names(entry)) == 1 else set()
        extra, more = self._kept(entry, _DRAWN, place), self._kept(value, told | labels | {"format"}, place)
        return {**extra, "value": more} if more else extra

    def _keep(self, entry: Fields, place: int) -> None:
        value = entry.get("value")
        found = self._kept(entry, _DRAWN, place)
        if isinstance(value, dict):
            found["value"] = self._kept(value, _GEOMETRY, place)
        self.rest.append(found)

    def _kept(self, fields: Fields, drawn: frozenset[str], place: int) -> dict[str, Any]:
        found, lost = kept(fields, drawn)
        for key in lost:
            self._notes[f"has a number that is not finite under {key!r}, which was dropped"].append(place)
        return found


def label_names(entry: Fields) -> list[str]:
    """Return the labels of a result: under its type, `labels` where the region and its label are two tags."""
    value = entry.get("value")
    if not isinstance(value, dict):
        return []
    lists = [found for key, found in value.items() if key.endswith("labels") and isinstance(found, list)]
    return [name.strip() for names in lists[:1] for name in names if isinstance(name, str) and name.strip()]


def _polygon(found: Any, width: int, height: int) -> Shape:
    if not isinstance(found, list) or not all(isinstance(point, list) and len(point) == 2 for point in found):
        raise ValueError("its points are no list of pairs")
    points = tuple(_point(x, y, width, height) for x, y in found)
    if len(set(points)) < 3:
        raise ValueError("a polygon has fewer than three different points")
    return Shape("polygon", "", points)


def _rectangle(value: Fields, width: int, height: int) -> Shape:
    x, y = _point(value.get("x"), value.get("y"), width, height)
    across, down = _point(value.get("width"), value["height"], width, height)
    if across <= 0 or down <= 0:
        raise ValueError("a box has no area")
    degrees = _number(value.get("rotation") or 0) % 360
    if not degrees:
        return Shape("rectangle", "", ((x, y), (x + across, y + down)))
    corners = [(x, y), (x + across, y), (x + across, y + down), (x, y + down)]
    return Shape("polygon", "", turned(corners, (x, y), degrees))


def _ellipse(value: Fields, width: int, height: int) -> Shape:
    x, y = _point(value.get("x"), value.get("y"), width, height)
    across, down = _point(value["radiusX"], value.get("radiusY"), width, height)
    if across <= 0 or down <= 0:
        raise ValueError("an ellipse has no area")
    if across == down:
        return Shape("circle", "", ((x, y), (x + across, y)))
    return Shape("polygon", "", ellipse_corners((x, y), across, down, _number(value.get("rotation") or 0) % 360))


def _point(x: Any, y: Any, width: int, height: int) -> Point:
    return _number(x) / 100 * width, _number(y) / 100 * height


def _number(value: Any) -> float:
    # False for NaN, and defined for integers of any length; a bool is an int to Python, and no number here.
    if type(value) not in (int, float) or not -_FAR < value < _FAR:
        raise ValueError("a position of it is not a number of percents")
    return float(value)


def _places(places: Sequence[int]) -> str:
    places = list(dict.fromkeys(places))
    shown = ", ".join(f"result[{place}]" for place in places[:_SHOWN])
    return shown if len(places) <= _SHOWN else f"{shown} and {len(places) - _SHOWN} more:"
