"""Shapes that are none of ours, as the outlines they have: ellipses, and boxes that are turned."""

from __future__ import annotations

import math
from collections.abc import Sequence

from labeling.annotation import Point

_SAGITTA = 0.05  # pixels that a polygon may lie inside the ellipse that it stands for
_MIN_CORNERS, _MAX_CORNERS = 16, 720


def ellipse_corners(center: Point, across: float, down: float, degrees: float = 0) -> tuple[Point, ...]:
    """Return the corners of a polygon that lies in an ellipse, at most a twentieth of a pixel from it.

    Args:
        center: of the ellipse.
        across: half its width, more than 0.
        down: half its height, more than 0.
        degrees: by which it is turned about its centre, clockwise as the photo is seen.
    """
    # The sagitta of a chord of n is r (1 - cos(pi / n)), about r (pi / n)^2 / 2.
    count = math.ceil(math.pi / math.sqrt(2 * _SAGITTA / max(across, down)))
    count = min(max(count, _MIN_CORNERS), _MAX_CORNERS)
    steps = [2 * math.pi * step / count for step in range(count)]
    corners = [(center[0] + across * math.cos(step), center[1] + down * math.sin(step)) for step in steps]
    return turned(corners, center, degrees)


def turned(points: Sequence[Point], center: Point, degrees: float) -> tuple[Point, ...]:
    """Return points turned about a centre, clockwise as the photo is seen."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return tuple(
        (
            center[0] + cosine * (x - center[0]) - sine * (y - center[1]),
            center[1] + sine * (x - center[0]) + cosine * (y - center[1]),
        )
        for x, y in points
    )
