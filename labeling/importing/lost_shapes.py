"""Shapes that are valid and yet label nothing: off the photo, or as small as coordinates from 0 to 1 make them."""

from __future__ import annotations

from collections.abc import Sequence
from math import dist

from labeling.annotation import Label, Shape
from labeling.formats.base import Record

_SHOWN = 3


def notes_on_lost(record: Record) -> tuple[str, ...]:
    """Return a sentence each for the shapes off the photo, and for those in its first pixel."""
    off = [shape.label for shape in record.shapes if _is_off(shape, record.width, record.height)]
    small = [shape.label for shape in record.shapes if _in_first_pixel(shape)]
    notes = []
    if off:
        notes.append(
            f"{_shapes(off)} off the photo of {record.width} x {record.height} pixels; kept, but without effect"
        )
    if small:
        notes.append(
            f"{_shapes(small)} in the first pixel, as shares of the photo's size do; the points must be pixels"
        )
    return tuple(notes)


def _is_off(shape: Shape, width: int, height: int) -> bool:
    # Nearly every shape has its first point on the photo.
    if any(0 <= x <= width and 0 <= y <= height for x, y in shape.points):
        return False
    left, top, right, bottom = _box(shape)
    return right <= 0 or bottom <= 0 or left >= width or top >= height


def _box(shape: Shape) -> tuple[float, float, float, float]:
    if shape.patch is not None:
        rows, columns = shape.patch.pixels.shape
        return shape.patch.x, shape.patch.y, shape.patch.x + columns, shape.patch.y + rows
    if shape.kind == "circle":
        (x, y), radius = shape.points[0], dist(*shape.points)
        return x - radius, y - radius, x + radius, y + radius
    xs, ys = zip(*shape.points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _in_first_pixel(shape: Shape) -> bool:
    return len(shape.points) > 1 and all(0 <= x <= 1 and 0 <= y <= 1 for x, y in shape.points)


def _shapes(labels: Sequence[Label]) -> str:
    names = ", ".join(dict.fromkeys(repr(str(label)) for label in labels[:_SHOWN]))
    return f"1 shape ({names}) lies" if len(labels) == 1 else f"{len(labels)} shapes ({names}) lie"
