"""From pixels to the outlines around them: along the borders of pixels, so that the rule `center` draws them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from labeling.annotation import Patch, Point


@dataclass(frozen=True)
class Outline:
    """A connected part of a mask: the ring around it, and those around its holes."""

    outer: tuple[Point, ...]
    holes: tuple[tuple[Point, ...], ...]


def trace(patch: Patch) -> list[Outline]:
    """Return the outline of every part of a mask; pixels that touch at a corner are one part.

    OpenCV goes through the middles of the outermost pixels. Of a mask twice as large these are, rounded up and halved,
    the corners of the pixels that were.
    """
    large = np.repeat(np.repeat(patch.pixels.astype(np.uint8), 2, axis=0), 2, axis=1)
    rings, tree = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not rings:
        return []
    found = [_corners(np.asarray(ring)[:, 0], patch) for ring in rings]
    holes: dict[int, list[tuple[Point, ...]]] = {}
    for ring, (*_, parent) in zip(found, tree[0].tolist(), strict=True):
        if parent >= 0:
            holes.setdefault(parent, []).append(ring)
    return [
        Outline(ring, tuple(holes.get(place, ())))
        for place, (ring, (*_, parent)) in enumerate(zip(found, tree[0].tolist(), strict=True))
        if parent < 0
    ]


def bridged(outline: Outline) -> tuple[Point, ...]:
    """Return an outline as one ring: to each hole and back it goes along the same line, which covers nothing."""
    ring = np.array(outline.outer)
    for hole in map(np.array, outline.holes):
        here = int(np.abs(ring - hole[0]).sum(axis=1).argmin())
        ring = np.concatenate((ring[: here + 1], hole, hole[:1], ring[here:]))
    return tuple((x, y) for x, y in ring.tolist())


def _corners(middles: NDArray[Any], patch: Patch) -> tuple[Point, ...]:
    corners = (middles + 1) // 2
    corners = corners[(corners != np.roll(corners, 1, axis=0)).any(axis=1)]
    # What lies on a straight line between its neighbours is no corner.
    before, after = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    corners = corners[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]
    return tuple((float(x + patch.x), float(y + patch.y)) for x, y in corners.tolist())
