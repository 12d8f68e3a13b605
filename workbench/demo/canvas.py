"""A picture under construction and, beside it, the polygons of what is painted, in painting order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Polygon = Sequence[tuple[float, float]]
SUBPIXEL_BITS = 4


@dataclass
class Canvas:
    """An RGB picture, float32 (H, W, 3) in 0..1, and the labelled polygons painted so far.

    `solid`, (H, W, 1) in 0..1, says how much of a pixel is not sky.

    A polygon that is a detail of its object (a window, a wheel) is painted without a label of its own.
    """

    width: int
    height: int
    rng: np.random.Generator
    picture: Picture = field(init=False)
    solid: Picture = field(init=False)
    shapes: list[tuple[str, list[tuple[float, float]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.picture = np.zeros((self.height, self.width, 3), np.float32)
        self.solid = np.zeros((self.height, self.width, 1), np.float32)

    def texture(self, scale: float, strength: float) -> Picture:
        """Return smooth noise (H, W, 1) around 1: `scale` is the size of its features in pixels."""
        shape = (max(2, round(self.height / scale)), max(2, round(self.width / scale)))
        noise = self.rng.standard_normal(shape).astype(np.float32)
        smooth = cv2.resize(noise, (self.width, self.height), interpolation=cv2.INTER_CUBIC)
        return (1 + strength * smooth[..., None]).astype(np.float32)

    def coverage(self, polygon: Polygon) -> Picture:
        """Return the share of each pixel that the polygon covers, (H, W, 1) in 0..1."""
        mask = np.zeros((self.height, self.width), np.uint8)
        # A photo's pixel i spans [i, i + 1); OpenCV's pixel i is centred on i.
        points = np.round((np.asarray(polygon, np.float64) - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return np.asarray(mask[..., None] / np.float32(255), np.float32)

    def window(self, polygon: Polygon) -> tuple[slice, slice]:
        """Return the rows and columns that the polygon can touch."""
        low, high = np.floor(np.min(polygon, axis=0)) - 1, np.ceil(np.max(polygon, axis=0)) + 2
        (left, top), (right, bottom) = np.maximum(low, 0).astype(int), np.maximum(high, 0).astype(int)
        return slice(top, bottom), slice(left, right)

    def fill(self, polygon: Polygon, paint: Picture | NDArray[np.float32], label: str | None = None) -> None:
        """Paint a polygon with a colour (3,) or a picture (H, W, 3); one that has a label and shows becomes a shape."""
        window = self.window(polygon)
        cover = self.coverage(polygon)[window]
        paint = paint[window] if paint.ndim == 3 else paint
        self.picture[window] = self.picture[window] * (1 - cover) + cover * paint
        if label is not None and cover.any():  # a wheel beyond the photo's edge is nothing a person would outline
            self.shapes.append((label, [(round(float(x), 2), round(float(y), 2)) for x, y in polygon]))
            self.solid[window] = self.solid[window] * (1 - cover) + cover * (label != "sky")

    def shade(self, polygon: Polygon, amount: float, blur: float) -> None:
        """Darken what lies under a soft-edged polygon, but never the sky; a shadow has no label."""
        cover = cv2.GaussianBlur(self.coverage(polygon)[..., 0], (0, 0), blur)[..., None]
        self.picture *= 1 - amount * cover * self.solid

    def glow(self, x: float, y: float, radius: float, color: NDArray[np.float32]) -> None:
        """Add a soft lamp light."""
        yy, xx = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        fall = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * radius**2))[..., None]
        self.picture = self.picture + fall * color


def ellipse(x: float, y: float, rx: float, ry: float, points: int = 20) -> list[tuple[float, float]]:
    """Return an ellipse around (x, y) as a polygon."""
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles]


def box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    """Return an upright rectangle as a polygon."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
