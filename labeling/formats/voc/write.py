"""Writes a VOC folder: JPEGImages, SegmentationClass, SegmentationObject, ImageSets/Segmentation, the classes' files.

Masks are palette PNGs in the classes' colours, 255 is void. Objects are numbered from 1 in VOC's colour map; beyond 254
of them the file has 16 bits and 255 still is void. Colour masks are RGB, objects too, as CVAT and Datumaro write them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labeling.annotation import IGNORE
from labeling.colors import RGB
from labeling.formats.base import RoleName
from labeling.formats.masks.write import class_files, lists_of, mask_name, mask_png
from labeling.formats.writing import Part, Picture, WriteRequest, Written
from labeling.maps import voc_colormap

_COLORS: tuple[RGB, ...] = tuple((red, green, blue) for red, green, blue in voc_colormap(IGNORE).tolist())

_WIDE = "Objects beyond 254 in one image: their file has 16 bits, which not every program reads"
_NO_COLORS = "Objects beyond 254 in one image have no colour left: they are left out of SegmentationObject"


def photo_path(name: str, role: RoleName | None) -> str:
    """Return `JPEGImages/NAME`, whatever the photo's format."""
    return f"JPEGImages/{name}"


def write(picture: Picture) -> Written:
    """Write the masks of one image; that of its objects only where there are some."""
    request, mask = picture.request, mask_name(picture.name)
    files = {f"SegmentationClass/{mask}": mask_png(picture.class_map, request.colors, request.masks)}
    losses = {}
    objects, count = _numbered(picture)
    if count:
        if count < IGNORE or request.masks == "colors":
            small = np.where(objects > IGNORE, 0, objects).astype(np.uint8)
            png = mask_png(small, _COLORS, request.masks)
        else:
            png = _wide(objects)
        files[f"SegmentationObject/{mask}"] = png
    if count >= IGNORE:
        losses[_NO_COLORS if request.masks == "colors" else _WIDE] = count - IGNORE + 1
    return Written(files, losses=losses)


def finish(parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the files of classes, and a list of stems for each role and list."""
    yield from class_files(request, {})
    for name, photos in lists_of(parts).items():
        yield (
            f"ImageSets/Segmentation/{name}.txt",
            (f"{PurePosixPath(photo).with_suffix('')}\n".encode() for photo in photos),
        )


def _numbered(picture: Picture) -> tuple[NDArray[np.uint16], int]:
    """Return the map of objects, numbered from 1 on without 255, which stays what is ignored; and how many they are."""
    found = np.flatnonzero(np.bincount(picture.instances.ravel()))
    found = found[found > 0]
    numbers = np.zeros(picture.instances.max(initial=0) + 1, np.uint16)
    places = np.arange(1, len(found) + 1)
    numbers[found] = places + (places >= IGNORE)
    objects = numbers[picture.instances]
    objects[picture.class_map == IGNORE] = IGNORE
    return objects, len(found)


def _wide(objects: NDArray[np.uint16]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(objects).save(buffer, "PNG")
    return buffer.getvalue()
