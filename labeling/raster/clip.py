"""Far-away coordinates made harmless: shapes are cut at a frame far outside the photo, pixels inside stay as they are.

Pillow truncates coordinates to 32-bit integers, walks thin lines pixel by pixel and needs minutes for huge circles.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from labeling.annotation import Point

FAR = 1_000_000.0
"""Pixels outside the photo from which on shapes are cut; nobody labels there, so the usual shape is not touched."""

_LARGEST = 1e15  # differences and products of such numbers are still exact enough in float64

Box = tuple[float, float, float, float]


def check_points(points: Sequence[Point], least: int, most: int | None = None) -> None:
    """Make sure that a shape has the number of points it needs, all finite.

    Raises:
        ValueError: otherwise.
    """
    if len(points) < least or (most is not None and len(points) > most):
        expected = str(least) if least == most else f"{least} or more"
        raise ValueError(f"expected {expected} points, found {len(points)}")
    if not all(map(math.isfinite, itertools.chain.from_iterable(points))):
        raise ValueError("a coordinate is not a finite number")


def frame(height: int, width: int) -> Box:
    """Return the frame (x0, y0, x1, y1) at which shapes on a photo are cut."""
    return -FAR, -FAR, width + FAR, height + FAR


def is_far(points: Sequence[Point], box: Box) -> bool:
    """Whether any point lies outside the frame."""
    x0, y0, x1, y1 = box
    flat = list(itertools.chain.from_iterable(points))
    if min(flat) >= max(x0, y0) and max(flat) <= min(x1, y1):
        return False
    return any(not (x0 <= x <= x1 and y0 <= y <= y1) for x, y in points)


def clip_polygon(points: Sequence[Point], box: Box) -> list[Point]:
    """Cut a polygon at the frame, one side after the other (Sutherland and Hodgman, 1974).

    Parts that fall apart stay joined by edges along the frame, which cover nothing under the even-odd rule.
    """
    result = _bounded(points)
    for axis, limit, sign in ((0, box[0], 1), (0, box[2], -1), (1, box[1], 1), (1, box[3], -1)):
        source, result = result, []
        for a, b in zip(source[-1:] + source[:-1], source, strict=True):
            a_inside, b_inside = (sign * (p[axis] - limit) >= 0 for p in (a, b))
            if a_inside != b_inside:
                result.append(_at(a, b, (limit - a[axis]) / (b[axis] - a[axis])))
            if b_inside:
                result.append(b)
    return result


def clip_line(points: Sequence[Point], box: Box) -> list[list[Point]]:
    """Cut a line of many segments at the frame (Liang and Barsky, 1984); returns its pieces."""
    pieces: list[list[Point]] = []
    bounded = _bounded(points)
    for a, b in itertools.pairwise(bounded):
        segment = _clip_segment(a, b, box)
        if segment is None:
            continue
        if pieces and pieces[-1][-1] == segment[0]:
            pieces[-1].append(segment[1])
        else:
            pieces.append(list(segment))
    return pieces


def _clip_segment(a: Point, b: Point, box: Box) -> tuple[Point, Point] | None:
    start, end = 0.0, 1.0
    for axis, low, high in ((0, box[0], box[2]), (1, box[1], box[3])):
        step = b[axis] - a[axis]
        if step == 0:
            if not low <= a[axis] <= high:
                return None
            continue
        first, last = sorted(((low - a[axis]) / step, (high - a[axis]) / step))
        start, end = max(start, first), min(end, last)
    if start > end:
        return None
    return _at(a, b, start) if start > 0 else a, _at(a, b, end) if end < 1 else b


def _at(a: Point, b: Point, part: float) -> Point:
    return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])


def _bounded(points: Sequence[Point]) -> list[Point]:
    return [(min(max(x, -_LARGEST), _LARGEST), min(max(y, -_LARGEST), _LARGEST)) for x, y in points]
