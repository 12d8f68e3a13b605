"""From the elements of one image to shapes: each on its own, so that a bad one costs only itself."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from labeling.annotation import Label, Patch, Point, Shape, Special
from labeling.formats.curves import ellipse_corners, turned
from labeling.formats.cvat.image import Element
from labeling.formats.cvat.runs import decode_runs
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.patches import MaskBudget

_FAR = 1e9  # pixels; no photo reaches there
_SHOWN = 5
_POSITION = {"points", "rle", "left", "top", "width", "height", "xtl", "ytl", "xbr", "ybr", "cx", "cy", "rx", "ry"}
_READ = _POSITION | {"label", "group_id", "rotation"}
"""Attributes that a shape holds itself; all others are kept beside it."""


class ShapeReader:
    """Reads the shapes of one image and keeps account of what is left out.

    Args:
        width: of the frame that they are in, pixels.
        height: likewise.
    """

    def __init__(self, width: int, height: int) -> None:
        self._budget = MaskBudget(width, height)
        self._left_out: dict[str, list[str]] = defaultdict(list)
        self._next_group = 0

    def read(self, elements: Sequence[Element]) -> tuple[Shape, ...]:
        """Return the shapes that can be read, those of the lowest `z_order` first, else in their order.

        Raises:
            BadItemError: the masks are too large together.
        """
        self._next_group = 1 + max((_group(element) or 0 for element in elements), default=0)
        found: list[tuple[int, list[Shape]]] = []
        for position, element in enumerate(elements, start=1):
            try:
                found.append((_z_order(element), self._shapes(element)))
            except ValueError as error:
                self._left_out[str(error)].append(f"{element.tag} {position}")
        found.sort(key=lambda entry: entry[0])
        return tuple(shape for _, shapes in found for shape in shapes)

    def repairs(self) -> tuple[str, ...]:
        """Return a sentence for each reason why shapes were left out."""
        return tuple(f"Shapes left out, {reason}: {_listed(which)}." for reason, which in self._left_out.items())

    def _shapes(self, element: Element) -> list[Shape]:
        if element.attributes.get("outside") == "1":
            raise ValueError("they lie outside of the image (outside=1)")
        common = Shape("polygon", _label(element), group=_group(element), extra=_extra(element))
        match element.tag:
            case "polygon":
                return [replace(common, points=_corners(element))]
            case "box":
                return [_box(element, common)]
            case "polyline":
                points = _points(element)
                if len(points) < 2:
                    raise ValueError("a polyline has fewer than two points")
                return [replace(common, kind="line" if len(points) == 2 else "linestrip", points=points)]
            case "points":
                return self._single_points(_points(element), common)
            case "ellipse":
                return [_ellipse(element, common)]
            case "mask":
                return [replace(common, kind="mask", patch=self._patch(element))]
        raise ValueError(f"a {element.tag[:40]} covers no pixels that could be told")

    def _single_points(self, points: tuple[Point, ...], common: Shape) -> list[Shape]:
        if len(points) > 1 and common.group is None:  # one element is one object
            common = replace(common, group=self._next_group)
            self._next_group += 1
        return [replace(common, kind="point", points=(point,)) for point in points]

    def _patch(self, element: Element) -> Patch:
        left, top, width, height = (round(_number(element, key)) for key in ("left", "top", "width", "height"))
        if width < 1 or height < 1:
            raise ValueError("a mask has no size")
        self._budget.spend(width, height)
        return self._budget.cut(decode_runs(element.attributes.get("rle", ""), width, height), left, top)


def _label(element: Element) -> Label:
    name = element.attributes.get("label", "").strip()
    if not name:
        raise ValueError("they have no label")
    return Special.IGNORE if name == IGNORE_NAME else name


def _group(element: Element) -> int | None:
    """Return the group, None for 0 and for what is no number: CVAT writes none where there is none."""
    return _whole(element, "group_id") or None


def _z_order(element: Element) -> int:
    return _whole(element, "z_order")


def _whole(element: Element, key: str) -> int:
    text = element.attributes.get(key, "0").strip()
    return int(text) if len(text) < 10 and text.removeprefix("-").isdecimal() else 0


def _extra(element: Element) -> Mapping[str, Any]:
    extra: dict[str, Any] = {key: value for key, value in element.attributes.items() if key not in _READ}
    return {**extra, "attributes": element.values} if element.values else extra


def _number(element: Element, key: str) -> float:
    return _finite(element.attributes.get(key, ""))


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -_FAR < value < _FAR:  # false for NaN
        raise ValueError("a coordinate is no number, or lies far off")
    return value


def _points(element: Element) -> tuple[Point, ...]:
    text = element.attributes.get("points", "")
    if any(pair.count(",") != 1 for pair in text.split(";")):
        raise ValueError("their points are not written x,y;x,y")
    values = [_finite(word) for word in text.replace(";", ",").split(",")]
    return tuple(zip(values[0::2], values[1::2], strict=True))


def _corners(element: Element) -> tuple[Point, ...]:
    points = _points(element)
    if len(set(points)) < 3:
        raise ValueError("a polygon has fewer than three different points")
    return points


def _box(element: Element, common: Shape) -> Shape:
    left, top, right, bottom = (_number(element, key) for key in ("xtl", "ytl", "xbr", "ybr"))
    if left == right or top == bottom:
        raise ValueError("a box has no area")
    angle = _angle(element)
    if not angle:
        return replace(common, kind="rectangle", points=((left, top), (right, bottom)))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return replace(common, points=turned(corners, ((left + right) / 2, (top + bottom) / 2), angle))


def _ellipse(element: Element, common: Shape) -> Shape:
    x, y, across, down = (_number(element, key) for key in ("cx", "cy", "rx", "ry"))
    if across <= 0 or down <= 0:
        raise ValueError("an ellipse has no area")
    if across == down:
        return replace(common, kind="circle", points=((x, y), (x + across, y)))
    return replace(common, points=ellipse_corners((x, y), across, down, _angle(element)))


def _angle(element: Element) -> float:
    """Return the rotation in degrees, clockwise as the photo is seen."""
    return _finite(element.attributes.get("rotation", "0")) % 360


def _listed(which: Sequence[str]) -> str:
    rest = len(which) - _SHOWN
    return ", ".join(which[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
