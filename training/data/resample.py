"""Changing the size of a photo and of its class map so that both stay aligned.

Pixel centres lie at half-integers: output pixel i of `size` looks at source coordinate (i + 0.5) * length / size.
For class maps that is the source pixel which contains this point, chosen in integer arithmetic, so that the CPU and
the GPU path agree in every pixel. cv2's linear and area filters use the same centres; its INTER_NEAREST does not
(it looks at i * length / size and so shifts a map by up to half an output pixel), hence our own rule.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def nearest(length: int, size: int) -> NDArray[np.intp]:
    """Return, for each of `size` output pixels, the one of `length` source pixels that contains its centre."""
    return (2 * np.arange(size) + 1) * length // (2 * size)


def resize_photo(photo: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize a photo (H, W, 3) to (height, width): area filter along sides that shrink, linear along those that grow.

    Each in turn, because cv2's area filter drops to a coarse one as soon as one of the sides grows.
    """
    height, width = photo.shape[:2]
    for (h, w), rule in (
        ((min(size[0], height), min(size[1], width)), cv2.INTER_AREA),
        (size, cv2.INTER_LINEAR),
    ):
        if (h, w) != photo.shape[:2]:
            photo = np.asarray(cv2.resize(photo, (w, h), interpolation=rule), np.uint8)
    return photo


def resize_class_map(class_map: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize a class map (H, W) to (height, width), every output pixel taking one source pixel's class."""
    if class_map.shape == size:
        return class_map
    height, width = class_map.shape
    return class_map.take(nearest(height, size[0]), axis=0).take(nearest(width, size[1]), axis=1)
