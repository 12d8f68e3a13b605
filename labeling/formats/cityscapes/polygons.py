"""Cityscapes' `*_gtFine_polygons.json`: what the masks are made of, and all that there is where nobody made them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labeling.annotation import IGNORE, Point, Shape, Special
from labeling.formats.base import BadItemError, BaseMap, Record
from labeling.formats.cityscapes.labels import GROUP, LABELS, NOT_DRAWN
from labeling.formats.json_file import read_json
from labeling.formats.masks.pairs import inspect
from labeling.formats.places import Place
from labeling.formats.turning import annotated_orientation, turn_shape

_NAMES = frozenset(label.name for label in LABELS)


@dataclass(frozen=True)
class Polygons:
    """A photo, its JSON file, and the labels that become classes."""

    photo: Place
    file: Place
    classes: tuple[str, ...]

    @property
    def labelled(self) -> bool:
        """Whether there are labels."""
        return True

    def read(self) -> Record:
        """Return the record: the polygons in drawing order over `unlabeled`, as json2labelImg.py draws them.

        Raises:
            BadItemError: the photo or the file cannot be used, or it names a label that Cityscapes has not.
        """
        photo = self.photo.photo
        info = inspect(photo)
        document = _read(self.file.path)
        width, height = (_pixels(document, key) for key in ("imgWidth", "imgHeight"))
        orientation = annotated_orientation((width, height), info)
        shapes, repairs = list[Shape](), list[str]()
        for place, entry in enumerate(document["objects"]):
            shape = self._shape(entry, place, repairs)
            if shape is not None:
                shapes.append(turn_shape(shape, orientation, width, height))
        if orientation != 1:
            repairs.append(f"The polygons were drawn on the unrotated photo and turned with it (EXIF {orientation}).")
        unlabeled = LABELS[0].name
        value = self.classes.index(unlabeled) if unlabeled in self.classes else IGNORE
        base = BaseMap(np.full((info.height, info.width), value, np.uint8), self.classes)
        return Record(photo, info.width, info.height, shapes=tuple(shapes), base=base, repairs=tuple(repairs))

    def _shape(self, entry: Any, place: int, repairs: list[str]) -> Shape | None:
        """Return the shape of an object, None where it is not drawn."""
        if not isinstance(entry, dict) or not isinstance(entry.get("label"), str):
            raise BadItemError(f"Object {place} has no label: expected `label` and `polygon` in each of `objects`.")
        if entry.get("deleted"):
            return None
        written = entry["label"]
        name = written.removesuffix(GROUP) if written not in _NAMES else written
        if name == NOT_DRAWN:
            return None
        if name not in _NAMES:
            raise BadItemError(f"Object {place} is labelled {written!r}, which Cityscapes has not. Correct its label.")
        points = _points(entry.get("polygon"), place)
        if len(set(points)) < 3:
            repairs.append(f"Object {place} ({written}) has fewer than three different points; it was left out.")
            return None
        label = name if name in self.classes else Special.IGNORE
        return Shape("polygon", label, points, extra={} if label == written else {"label": written})


def _read(path: Path) -> dict[str, Any]:
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("objects"), list):
        raise BadItemError("The polygons' file is not Cityscapes': expected imgWidth, imgHeight and a list `objects`.")
    return document


def _pixels(document: dict[str, Any], key: str) -> int:
    value = document.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadItemError(f"Expected a number of pixels in {key}, found {value!r}.")
    return value


def _points(polygon: Any, place: int) -> tuple[Point, ...]:
    points: list[Any] = polygon if isinstance(polygon, list) else [polygon]
    if not all(isinstance(point, list) and len(point) == 2 and all(map(_finite, point)) for point in points):
        raise BadItemError(f"Object {place}: expected a list of points [x, y] in `polygon`.")
    return tuple((float(x), float(y)) for x, y in points)


def _finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False
