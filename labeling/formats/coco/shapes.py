"""From the annotations of one COCO image to shapes: each on its own, so that a bad one costs only itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from labeling.annotation import Label, Patch, Point, Shape, Special
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.patches import MaskBudget
from labeling.formats.rle import decode_rle

_IDS_SHOWN = 5
_FAR = 1e9  # pixels; no photo reaches there


class ShapeReader:
    """Reads the annotations of one image and keeps account of what is left out.

    Args:
        width: of the frame that the annotations are in, pixels.
        height: likewise.
        crowd_is_ignore: whether a crowd region becomes ignore instead of its class.
    """

    def __init__(self, width: int, height: int, *, crowd_is_ignore: bool) -> None:
        self._width, self._height = width, height
        self._crowd_is_ignore = crowd_is_ignore
        self._masks = MaskBudget(width, height)
        self._left_out: dict[str, list[str]] = defaultdict(list)
        self._parts_left_out: dict[str, list[str]] = defaultdict(list)

    def read(self, annotations: Sequence[Mapping[str, Any]]) -> tuple[Shape, ...]:
        """Return the shapes of all annotations that can be read, in their order; parts of one share a group.

        Raises:
            BadItemError: the masks cover too much together.
        """
        shapes: list[Shape] = []
        for group, annotation in enumerate(annotations):
            try:
                shapes += self._shapes(annotation, group)
            except ValueError as error:
                self._left_out[str(error)].append(_id(annotation))
        return tuple(shapes)

    def repairs(self) -> tuple[str, ...]:
        """Return a sentence for each reason why annotations, or parts of them, were left out."""
        return tuple(
            f"{what} left out, {reason}: {_listed(ids)}."
            for what, reasons in (("Annotations", self._left_out), ("Parts of annotations", self._parts_left_out))
            for reason, ids in reasons.items()
        )

    def _shapes(self, annotation: Mapping[str, Any], group: int) -> list[Shape]:
        label, extra = self._label(annotation), _extra(annotation)
        segmentation = annotation["segmentation"]
        if isinstance(segmentation, dict):
            return [Shape("mask", label, patch=self._patch(segmentation), extra=extra)]
        if segmentation is None or segmentation == []:
            raise ValueError("they have no segmentation (only a box)")
        if not isinstance(segmentation, list):
            raise ValueError("their segmentation is neither polygons nor run lengths")
        polygons: list[tuple[Point, ...]] = []
        for polygon in segmentation:
            try:
                polygons.append(_polygon(polygon))
            except ValueError as error:
                if len(segmentation) == 1:
                    raise
                self._parts_left_out[str(error)].append(_id(annotation))
        if not polygons:
            raise ValueError("none of their polygons can be used")
        shared = group if len(polygons) > 1 else None
        return [Shape("polygon", label, points, group=shared, extra=extra) for points in polygons]

    def _label(self, annotation: Mapping[str, Any]) -> Label:
        name = annotation["label"]
        if name is None:
            raise ValueError(f"no category has their category_id {annotation['category_id']!r}")
        if name == IGNORE_NAME or (annotation["iscrowd"] and self._crowd_is_ignore):
            return Special.IGNORE
        return str(name)

    def _patch(self, segmentation: Mapping[str, Any]) -> Patch:
        if segmentation.get("size") != [self._height, self._width]:
            raise ValueError(
                f"the size of a mask is {segmentation.get('size')!r}, expected [{self._height}, {self._width}]"
            )
        return self._masks.cut(decode_rle(segmentation.get("counts"), self._width, self._height))


def _extra(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an annotation says besides its label and its pixels, under its own keys."""
    extra: dict[str, Any] = {} if annotation["id"] is None else {"id": annotation["id"]}
    if annotation["iscrowd"]:  # and the category, which an ignored crowd's label does not tell
        extra |= {"iscrowd": 1, "category_id": annotation["category_id"]}
    return extra | annotation["extra"]


def _polygon(numbers: Any) -> tuple[Point, ...]:
    if not isinstance(numbers, list) or not set(map(type, numbers)) <= {int, float}:
        raise ValueError("a polygon is no list of numbers")
    if numbers and not -_FAR < min(numbers) <= max(numbers) < _FAR:
        raise ValueError("a polygon reaches more than a thousand million pixels away")
    if len(numbers) % 2:
        raise ValueError("a polygon has an odd count of numbers")
    points = tuple(zip(map(float, numbers[0::2]), map(float, numbers[1::2]), strict=True))
    if len(set(points)) < 3:
        raise ValueError("a polygon has fewer than three different points")
    return points


def _id(annotation: Mapping[str, Any]) -> str:
    return str(annotation["id"]) if annotation["id"] is not None else "one without an id"


def _listed(ids: Sequence[str]) -> str:
    rest = len(ids) - _IDS_SHOWN
    return f"{'ids' if len(ids) > 1 else 'id'} {', '.join(ids[:_IDS_SHOWN])}" + (
        f" and {rest} more" if rest > 0 else ""
    )
