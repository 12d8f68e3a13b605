"""Whether annotations were made on a photo as it is stored, and shapes that were, turned with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labeling.annotation import Patch, Shape
from labeling.formats.base import BadItemError
from labeling.photos import PhotoHeader, transpose_pixels, transpose_points


def annotated_orientation(size: tuple[int, int] | None, photo: PhotoHeader) -> int:
    """Return the EXIF orientation that turns the frame of annotations upright: 1 where it is upright already.

    Args:
        size: width and height of the photo as the annotations' file says; None: it says nothing.
        photo: the photo as it is.

    Raises:
        BadItemError: the photo is of another size.
    """
    if size is None or size == (photo.width, photo.height):
        return 1
    if size == (photo.raw_width, photo.raw_height):
        return photo.orientation
    raise BadItemError(
        f"It was annotated at {size[0]} x {size[1]} pixels, the photo has {photo.width} x {photo.height}. "
        "Bring the photo that was annotated."
    )


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
