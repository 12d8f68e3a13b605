"""From an annotation to the map of its objects, by the same rules as its class map."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import SEE_THROUGH, Annotation, Shape, Special
from labeling.options import Overlap, RasterRule
from labeling.raster import CANVASES, largest_first, object_key


def object_numbers(shapes: Sequence[Shape], first: int = 1) -> list[int]:
    """Return the number of the object that each shape belongs to, from `first` on; 0 for what is no object."""
    numbers: dict[tuple[object, ...], int] = {}
    for position, shape in enumerate(shapes):
        if not isinstance(shape.label, Special):
            numbers.setdefault(object_key(position, shape), first + len(numbers))
    return [
        0 if isinstance(shape.label, Special) else numbers[object_key(position, shape)]
        for position, shape in enumerate(shapes)
    ]


def render_instances(
    annotation: Annotation,
    maps: Callable[[str], NDArray[np.uint16]],
    paint: Callable[[str], NDArray[np.uint8]],
    *,
    rule: RasterRule = "labelme",
    overlap: Overlap = "order",
    line_width: int = 10,
    point_radius: int = 5,
) -> NDArray[np.int32]:
    """Number the objects of an annotation, pixel by pixel.

    A shape is an object, shapes of one label and group are one together. The objects of the base map keep their
    numbers, those of shapes follow in drawing order. What is ignored, unlabelled or painted belongs to no object.

    Args:
        annotation: whose objects.
        maps: gives the stored map of objects of a sha256, uint16 (H, W).
        paint: gives the stored paint map of a sha256, uint8 (H, W).
        rule: as `labeling.raster.render` has it, like the three after it.
        overlap: which shape lies on top.
        line_width: pixels.
        point_radius: pixels.

    Returns:
        int32 (H, W), 0 where no object is.
    """
    found = np.zeros((annotation.height, annotation.width), np.int32)
    if annotation.instances is not None:
        found[:] = maps(annotation.instances)
    numbers = object_numbers(annotation.shapes, 1 + int(found.max(initial=0)))
    ordered = list(enumerate(annotation.shapes))
    if overlap == "area":
        canvas = CANVASES[rule](np.zeros(found.shape, np.uint8), line_width, point_radius)
        ordered = [(place, annotation.shapes[place]) for place in largest_first(annotation.shapes, canvas)]
    for start in range(0, len(ordered), SEE_THROUGH):  # a canvas tells so many shapes apart
        part = ordered[start : start + SEE_THROUGH]
        canvas = CANVASES[rule](np.full(found.shape, SEE_THROUGH, np.uint8), line_width, point_radius)
        table = np.zeros(256, np.int32)
        for value, (position, shape) in enumerate(part):
            canvas.draw(shape, value)
            table[value] = numbers[position]
        drawn = canvas.pixels()
        np.copyto(found, table[drawn], where=drawn != SEE_THROUGH)
    if annotation.paint is not None:
        found[paint(annotation.paint.sha256) != SEE_THROUGH] = 0
    return found
