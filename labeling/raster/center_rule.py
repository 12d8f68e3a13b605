"""The raster rule `center`: a pixel belongs to a shape when its centre lies inside.

The centre of row i, column j is (j + 0.5, i + 0.5). Inside is even-odd. A centre exactly on an edge belongs to the
side right of and below the edge (half-open), so shapes that share an edge neither overlap nor leave a gap.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import Point, Shape
from labeling.raster.clip import check_points, clip_line, clip_polygon, frame, is_far
from labeling.raster.runs import Runs, polygon_runs


@dataclass(frozen=True)
class _Cover:
    """Pixels (bool) that lie inside, the first one at row `top` and column `left`."""

    top: int
    left: int
    pixels: NDArray[np.bool_]

    def paint(self, target: NDArray[np.uint8], value: int) -> None:
        height, width = self.pixels.shape
        target[self.top : self.top + height, self.left : self.left + width][self.pixels] = value

    def count(self) -> int:
        return int(np.count_nonzero(self.pixels))


_Covers = list[_Cover | Runs]


class CenterCanvas:
    """A class map being drawn on."""

    def __init__(self, pixels: NDArray[np.uint8], line_width: int, point_radius: int) -> None:
        self._pixels = pixels.copy()
        self._line_width = line_width
        self._point_radius = point_radius
        self._kept: dict[int, tuple[Shape, _Covers]] = {}  # by the shape's identity; what is measured is drawn next

    def pixels(self) -> NDArray[np.uint8]:
        """Return the map, uint8 (H, W)."""
        return self._pixels

    def area(self, shapes: Sequence[Shape]) -> int:
        """Return the number of pixels that shapes cover together on a map of this size."""
        for shape in shapes:
            self._kept[id(shape)] = shape, list(self._covers(shape))
        covers = [cover for shape in shapes for cover in self._kept[id(shape)][1]]
        if len(covers) == 1:
            return covers[0].count()
        together = np.zeros(self._pixels.shape, np.uint8)
        for cover in covers:
            cover.paint(together, 1)
        return int(np.count_nonzero(together))

    def draw(self, shape: Shape, value: int) -> None:
        """Draw one shape. Raises ValueError where its points do not make one."""
        _, covers = self._kept.get(id(shape)) or (shape, self._covers(shape))
        for cover in covers:
            cover.paint(self._pixels, value)

    def _covers(self, shape: Shape) -> Iterator[_Cover | Runs]:
        """Yield what a shape covers, in parts that may overlap."""
        points, size = shape.points, self._pixels.shape
        match shape.kind:
            case "polygon":
                check_points(points, 3)
                yield from _with_holes(shape, size) if shape.holes else _polygon(points, size)
            case "rectangle":
                check_points(points, 2, 2)
                (x0, y0), (x1, y1) = points
                yield from _polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], size)
            case "circle":
                check_points(points, 2, 2)
                yield from _disc(points[0], math.dist(*points), size)
            case "point":
                check_points(points, 1, 1)
                yield from _disc(points[0], self._point_radius, size)
            case "line" | "linestrip":
                check_points(points, 2)
                yield from _stroke(points, self._line_width, size)
            case "mask":
                yield from _patch(shape, size)


def draw_disc(pixels: NDArray[np.uint8], center: Point, radius: float, value: int) -> None:
    """Draw into `pixels` every pixel whose centre is at most `radius` from `center`."""
    for cover in _disc(center, radius, pixels.shape):
        cover.paint(pixels, value)


def _polygon(points: Sequence[Point], size: tuple[int, ...]) -> Iterator[Runs]:
    box = frame(*size)
    if is_far(points, box):
        points = clip_polygon(points, box)
    if points:
        yield polygon_runs(points, *size)


def _with_holes(shape: Shape, size: tuple[int, ...]) -> Iterator[_Cover]:
    for hole in shape.holes:
        check_points(hole, 3)
    drawn = np.zeros(size, np.uint8)
    for runs in _polygon(shape.points, size):
        runs.paint(drawn, 1)
    for gap in (gap for hole in shape.holes for gap in _polygon(hole, size)):
        gap.paint(drawn, 0)
    left, top, right, bottom = _box(np.array(shape.points), size)
    yield _Cover(top, left, drawn[top:bottom, left:right].astype(np.bool_))


def _disc(center: Point, radius: float, size: tuple[int, ...]) -> Iterator[_Cover]:
    corners = np.array([[center[0] - radius, center[1] - radius], [center[0] + radius, center[1] + radius]])
    left, top, right, bottom = _box(corners, size)
    if left >= right or top >= bottom:
        return
    x = np.arange(left, right) + 0.5 - center[0]
    y = np.arange(top, bottom) + 0.5 - center[1]
    yield _Cover(top, left, np.hypot(x[None, :], y[:, None]) <= radius)


def _stroke(points: Sequence[Point], width: float, size: tuple[int, ...]) -> Iterator[_Cover | Runs]:
    """A line as a rectangle a segment, with flat ends and round joints."""
    box = frame(*size)
    pieces = clip_line(points, box) if is_far(points, box) else [list(points)]
    for piece in pieces:
        for joint in piece[1:-1]:
            yield from _disc(joint, width / 2, size)
        for (x0, y0), (x1, y1) in itertools.pairwise(piece):
            length = math.hypot(x1 - x0, y1 - y0)
            if length == 0:
                continue
            dx, dy = -(y1 - y0) / length * width / 2, (x1 - x0) / length * width / 2
            corners = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]
            yield from _polygon(corners, size)


def _patch(shape: Shape, size: tuple[int, ...]) -> Iterator[_Cover]:
    if shape.patch is None:
        raise ValueError("a mask has no pixels")
    patch, (height, width) = shape.patch, size
    left, top = max(patch.x, 0), max(patch.y, 0)
    pixels = patch.pixels[top - patch.y : max(height - patch.y, 0), left - patch.x : max(width - patch.x, 0)]
    if pixels.size:
        yield _Cover(top, left, pixels)


def _box(points: NDArray[np.float64], size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Columns and rows (left, top, right, bottom; right and bottom excluded) that points span inside the photo."""
    low = np.clip(np.floor(points.min(axis=0)), 0, size[::-1])
    high = np.clip(np.ceil(points.max(axis=0)), 0, size[::-1])
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
