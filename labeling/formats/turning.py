"""Shapes that were drawn on a photo as it is stored, turned with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labeling.annotation import Patch, Shape
from labeling.photos import transpose_pixels, transpose_points


def turn_shape(shape: Shape, orientation: int, width: float, height: float) -> Shape:
    """Move a shape from the stored frame of a photo (`width` x `height`) to its upright frame.

    Args:
        shape: in the stored frame.
        orientation: EXIF orientation, 1 to 8.
        width: of the stored frame, pixels.
        height: likewise.
    """
    points = transpose_points(shape.points, orientation, width, height)
    holes = tuple(transpose_points(hole, orientation, width, height) for hole in shape.holes)
    patch = shape.patch
    if patch is not None:
        rows, columns = patch.pixels.shape
        corners = [(patch.x, patch.y), (patch.x + columns, patch.y + rows)]
        turned = transpose_points(corners, orientation, width, height)
        x, y = (int(min(values)) for values in zip(*turned, strict=True))
        patch = Patch(x, y, np.ascontiguousarray(transpose_pixels(patch.pixels, orientation)))
    return replace(shape, points=points, patch=patch, holes=holes)
