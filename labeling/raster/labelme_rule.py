"""The raster rule `labelme`: exactly the pixels that labelme's own converter gives.

labelme draws every shape with Pillow into a mask of its own and copies the class through it. Drawing the class
straight into the one map with the same Pillow calls gives the same pixels, and most of the work falls away.

labelme knows no holes. One is drawn as the polygon is, and taken out of it, its border included: so it is where holes
and inclusive borders meet (Supervisely's `Polygon`, supervisely/geometry/polygon.py, fills the exterior with 1, then
the interior with 0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from labeling.annotation import Point, Shape
from labeling.raster.center_rule import draw_disc
from labeling.raster.clip import check_points, clip_line, clip_polygon, frame, is_far

_LARGEST_RADIUS = 100_000
"""Pixels. Pillow's time for a circle grows with its radius whatever is visible; larger ones are drawn by distance."""


class LabelmeCanvas:
    """A class map being drawn on by Pillow."""

    def __init__(self, pixels: NDArray[np.uint8], line_width: int, point_radius: int) -> None:
        self._image = Image.fromarray(pixels)
        self._pen = ImageDraw.Draw(self._image)
        self._line_width = line_width
        self._point_radius = point_radius
        self._frame = frame(*pixels.shape)

    def pixels(self) -> NDArray[np.uint8]:
        """Return a copy of the map, uint8 (H, W)."""
        return np.array(self._image)

    def area(self, shapes: Sequence[Shape]) -> int:
        """Return the number of pixels that shapes cover together on a map of this size."""
        blank = np.zeros(self._image.size[::-1], np.uint8)
        canvas = LabelmeCanvas(blank, self._line_width, self._point_radius)
        for shape in shapes:
            canvas.draw(shape, 1)
        return int(np.count_nonzero(canvas.pixels()))

    def draw(self, shape: Shape, value: int) -> None:
        """Draw one shape. Raises ValueError where its points do not make one."""
        points = shape.points
        match shape.kind:
            case "polygon":
                check_points(points, 3)
                if shape.holes:
                    self._with_holes(shape, value)
                else:
                    self._polygon(self._pen, points, value)
            case "rectangle":
                check_points(points, 2, 2)
                self._rectangle(points, value)
            case "circle":
                check_points(points, 2, 2)
                self._disc(points[0], math.dist(*points), value)
            case "point":
                check_points(points, 1, 1)
                self._disc(points[0], self._point_radius, value)
            case "line" | "linestrip":
                check_points(points, 2)
                # Round joints, as in labelme 7; older versions leave a notch at the turns of a linestrip.
                self._line(points, value, joint="curve" if shape.kind == "linestrip" else None)
            case "mask":
                self._patch(shape, value)

    def _polygon(self, pen: ImageDraw.ImageDraw, points: Sequence[Point], value: int) -> None:
        if is_far(points, self._frame):
            points = clip_polygon(points, self._frame)
        if len(points) > 1:
            pen.polygon(list(points), fill=value, outline=value)

    def _with_holes(self, shape: Shape, value: int) -> None:
        cover = Image.new("1", self._image.size)
        pen = ImageDraw.Draw(cover)
        self._polygon(pen, shape.points, 1)
        for hole in shape.holes:
            check_points(hole, 3)
            self._polygon(pen, hole, 0)
        # Pasting costs what the mask has pixels, so only where the polygon is.
        xs, ys = zip(*shape.points, strict=True)
        left, top = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
        right, bottom = min(math.ceil(max(xs)) + 1, cover.width), min(math.ceil(max(ys)) + 1, cover.height)
        if left < right and top < bottom:
            self._image.paste(value, (left, top), cover.crop((left, top, right, bottom)))

    def _rectangle(self, points: Sequence[Point], value: int) -> None:
        left, top, right, bottom = self._frame
        xs, ys = zip(*points, strict=True)
        corners = (max(min(xs), left), max(min(ys), top)), (min(max(xs), right), min(max(ys), bottom))
        if corners[0][0] <= corners[1][0] and corners[0][1] <= corners[1][1]:
            self._pen.rectangle(corners, fill=value, outline=value)

    def _disc(self, center: Point, radius: float, value: int) -> None:
        x, y = center
        if radius > _LARGEST_RADIUS or is_far([center], self._frame):
            pixels = self.pixels()
            draw_disc(pixels, center, radius, value)
            self._image.paste(Image.fromarray(pixels))
        else:
            self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value, outline=value)

    def _line(self, points: Sequence[Point], value: int, *, joint: str | None) -> None:
        pieces = clip_line(points, self._frame) if is_far(points, self._frame) else [list(points)]
        for piece in pieces:
            self._pen.line(piece, fill=value, width=self._line_width, joint=joint)

    def _patch(self, shape: Shape, value: int) -> None:
        if shape.patch is None:
            raise ValueError("a mask has no pixels")
        self._image.paste(value, (shape.patch.x, shape.patch.y), Image.fromarray(shape.patch.pixels))
