"""Writes a labelme folder: a JSON file beside each photo, and `labels.txt` in index order.

Shapes lie in the file as they lie over each other. A polygon with holes, which labelme has not, is a mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from labeling.annotation import Label
from labeling.formats.base import RoleName
from labeling.formats.labelme.write import labelme_document
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.objects import without_holes
from labeling.formats.writing import Part, Picture, WriteRequest, Written
from labeling.raster import largest_first

LABELS_FILE = "labels.txt"
_NO_LISTS = "Images with a role or lists: labelme has neither"
_NO_OBJECTS = "Objects of imported masks: in labelme a class of a mask is one shape"
_NO_UNLABELLED = "Pixels that nobody labelled and that are no background here: labelme takes them for background"
_BORDER = "Pixels along shapes that are read as another class: labelme counts both borders of a shape in"


def photo_path(name: str, role: RoleName | None) -> str:
    """Return the photo's own name."""
    return name


def write(picture: Picture) -> Written:
    """Write the label file of one image."""
    picture = without_holes(_ordered(picture))
    path, request = PurePosixPath(picture.name), picture.request
    document = labelme_document(
        picture.annotation,
        dict(enumerate(request.classes)),
        image_path=path.name,
        base=picture.base,
        paint=picture.paint,
    )
    index: dict[Label, int] = {value: value for value in range(len(request.classes))}
    read = picture.render(index, unlabelled=request.unlabelled, rule="labelme")
    elsewhere = request.unlabelled != request.background
    losses = {
        _NO_LISTS: bool(picture.role or picture.subsets),
        _NO_OBJECTS: 0 if picture.objects is None else int(np.count_nonzero(np.bincount(picture.objects.ravel())[1:])),
        _NO_UNLABELLED: int(np.count_nonzero(picture.unlabelled)) if elsewhere else 0,
        _BORDER: int(np.count_nonzero(read != picture.class_map)),
    }
    files = {str(path.with_suffix(".json")): document}
    return Written(files, losses={what: int(count) for what, count in losses.items() if count})


def finish(parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield `labels.txt` as labelme has it: what is ignored in its first line, then the classes in index order."""
    yield LABELS_FILE, ["".join(f"{name}\n" for name in (IGNORE_NAME, *request.classes)).encode()]


def _ordered(picture: Picture) -> Picture:
    """Return an image with its shapes as they lie over each other."""
    annotation, request = picture.annotation, picture.request
    if request.overlap == "order":
        return picture
    order = largest_first(annotation.shapes, request.canvas(np.zeros(picture.class_map.shape, np.uint8)))
    shapes = tuple(annotation.shapes[place] for place in order)
    return replace(picture, annotation=replace(annotation, shapes=shapes), request=replace(request, overlap="order"))
