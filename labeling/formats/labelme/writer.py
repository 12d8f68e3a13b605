"""Writes a labelme folder: a JSON file beside each photo, and `labels.txt` in index order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import numpy as np

from labeling.formats.base import RoleName
from labeling.formats.labelme.write import labelme_document
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.writing import Part, Picture, WriteRequest, Written

LABELS_FILE = "labels.txt"
_NO_LISTS = "Roles and lists: labelme has none"
_NO_OBJECTS = "Objects of imported masks: a class of a mask is one shape in labelme"
_NO_UNLABELLED = "Pixels that nobody labelled: labelme's converters take them for background"


def photo_path(name: str, role: RoleName | None) -> str:
    """Return the photo's own name."""
    return name


def write(picture: Picture) -> Written:
    """Write the label file of one image."""
    path = PurePosixPath(picture.name)
    document = labelme_document(
        picture.annotation,
        dict(enumerate(picture.request.classes)),
        image_path=path.name,
        base=picture.base,
        paint=picture.paint,
    )
    losses = {_NO_LISTS: 1} if picture.role or picture.subsets else {}
    if picture.objects is not None:
        losses[_NO_OBJECTS] = int(np.count_nonzero(np.bincount(picture.objects.ravel())[1:]))
    if picture.request.unlabelled != picture.request.background and picture.unlabelled.any():
        losses[_NO_UNLABELLED] = int(np.count_nonzero(picture.unlabelled))
    return Written({str(path.with_suffix(".json")): document}, losses=losses)


def finish(parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield `labels.txt` in labelme's convention: line 1 is what is ignored, line 2 the background."""
    yield LABELS_FILE, [f"{IGNORE_NAME}\n".encode(), *(f"{name}\n".encode() for name in request.classes)]
