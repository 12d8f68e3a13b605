"""From an annotation to its class map, by one of two explicit rules for which pixels a shape covers.

`labelme`: Pillow's, hence labelme's own: corners are truncated to whole pixels and both borders belong to the shape.
`center`: a pixel belongs to a shape when its centre lies inside; areas are unbiased and neighbours share no pixel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE, SEE_THROUGH, Annotation, Label, Layer, Shape, Special
from labeling.options import Overlap, RasterRule
from labeling.raster.center_rule import CenterCanvas
from labeling.raster.labelme_rule import LabelmeCanvas

__all__ = ["CANVASES", "Canvas", "largest_first", "object_key", "render"]


class Canvas(Protocol):
    """Draws shapes by one rule over a uint8 (H, W) map."""

    def draw(self, shape: Shape, value: int) -> None:
        """Give the pixels of a shape a value, 0..255."""

    def pixels(self) -> NDArray[np.uint8]:
        """Return the map as drawn."""

    def area(self, shapes: Sequence[Shape]) -> int:
        """Return the number of pixels that shapes cover together."""


CANVASES: dict[RasterRule, Callable[[NDArray[np.uint8], int, int], Canvas]] = {
    "labelme": LabelmeCanvas,
    "center": CenterCanvas,
}


def render(
    annotation: Annotation,
    layers: Callable[[str], NDArray[np.uint8]],
    index: Mapping[Label, int],
    *,
    rule: RasterRule = "labelme",
    overlap: Overlap = "order",
    line_width: int = 10,
    point_radius: int = 5,
    unlabelled: int,
) -> NDArray[np.uint8]:
    """Render an annotation: base map, then shapes, then paint map.

    Args:
        annotation: what to draw.
        layers: gives the stored map of a sha256, uint8 (H, W).
        index: value of every label that occurs, 0..253 or 255. Specials need no entry: `ignore` is 255 and
            `unlabelled` is `unlabelled`.
        rule: which pixels a shape covers.
        overlap: `order`: later shapes lie over earlier ones; `area`: objects (shapes of one label and group) of fewer
            pixels lie over larger ones, equal ones in order.
        line_width: width of lines, pixels.
        point_radius: radius of points, pixels.
        unlabelled: value of pixels that nothing covers, 0..253 or 255.

    Returns:
        uint8 (H, W): 0..253 and 255.

    Raises:
        ValueError: a shape that cannot be drawn (NaN, too few points), a layer of another size than the annotation
            or with a value that its legend lacks, a label without a value.
    """
    values = _Values(index, unlabelled)
    size = (annotation.height, annotation.width)
    below = np.full(size, unlabelled, np.uint8)
    if annotation.base is not None:
        below = _lay(below, annotation.base, layers, values)

    if annotation.shapes:
        canvas = CANVASES[rule](below, line_width, point_radius)
        every = range(len(annotation.shapes))
        for position in largest_first(annotation.shapes, canvas) if overlap == "area" else every:
            shape = annotation.shapes[position]
            canvas.draw(shape, values(shape.label))
        below = canvas.pixels()
    if annotation.paint is not None:
        below = _lay(below, annotation.paint, layers, values)
    return below


class _Values:
    """From a label to its value in the class map."""

    def __init__(self, index: Mapping[Label, int], unlabelled: int) -> None:
        wrong = [value for value in (*index.values(), unlabelled) if not 0 <= value <= IGNORE or value == SEE_THROUGH]
        if wrong:
            raise ValueError(f"class map values are 0..{SEE_THROUGH - 1} or {IGNORE}, got {wrong[0]}")
        self._index = index
        self._special = {Special.IGNORE: IGNORE, Special.UNLABELLED: unlabelled}

    def __call__(self, label: Label) -> int:
        # Specials first: a class may be called "ignore", and a StrEnum equals its string.
        if isinstance(label, Special):
            return self._special[label]
        try:
            return self._index[label]
        except KeyError:
            raise ValueError(f"no class map value is given for the label {label!r}") from None


def _lay(
    below: NDArray[np.uint8], layer: Layer, layers: Callable[[str], NDArray[np.uint8]], values: _Values
) -> NDArray[np.uint8]:
    """Return `below` with a stored map over it."""
    stored = layers(layer.sha256)
    if stored.shape != below.shape:
        raise ValueError(f"a layer of {stored.shape} pixels (height, width) on a photo of {below.shape}")
    table = np.zeros(256, np.uint8)
    table[: len(layer.legend)] = [values(label) for label in layer.legend]
    table[IGNORE] = IGNORE
    known = np.zeros(256, np.uint8)
    known[: len(layer.legend)] = known[[SEE_THROUGH, IGNORE]] = 1
    is_known = cv2.LUT(stored, known)
    if not is_known.all():
        raise ValueError(f"a layer holds the value {stored[is_known == 0][0]}, which its legend lacks")
    above = np.asarray(cv2.LUT(stored, table), np.uint8)
    np.copyto(above, below, where=stored == SEE_THROUGH)
    return above


def object_key(position: int, shape: Shape) -> tuple[object, ...]:
    """Return what the shapes of one object have in common: label and group, or nothing but itself."""
    return (position,) if shape.group is None else (type(shape.label), shape.label, shape.group)


def largest_first(shapes: Sequence[Shape], canvas: Canvas) -> list[int]:
    """Return the places of shapes by the number of pixels their object covers, largest first, else as they were."""
    objects: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for position, shape in enumerate(shapes):
        objects[object_key(position, shape)].append(position)
    area = [0] * len(shapes)
    for positions in objects.values():
        covered = canvas.area([shapes[position] for position in positions])
        for position in positions:
            area[position] = covered
    return sorted(range(len(shapes)), key=lambda position: -area[position])
