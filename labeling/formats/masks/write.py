"""Writes a tree of photos and masks: `images/`, `masks/`, the classes' names and colours, the lists.

`labels.txt` names the classes in index order, `labelmap.txt` gives their colours. Index masks are palette PNGs in these
colours, 255 is ignore; colour masks are RGB PNGs.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labeling.annotation import MAX_CLASSES
from labeling.colors import RGB
from labeling.formats.base import RoleName
from labeling.formats.class_names import fits_table
from labeling.formats.lists import list_names
from labeling.formats.writing import MaskKind, Part, Picture, WriteRequest, Written
from labeling.maps import VOC_VOID, map_palette, write_map_png

LABELS_FILE = "labels.txt"
COLORS_FILE = "labelmap.txt"
NO_OBJECTS = "Its masks tell classes, not which object a pixel belongs to"


def photo_path(name: str, role: RoleName | None) -> str:
    """Return `images/NAME`."""
    return f"images/{name}"


def write(picture: Picture) -> Written:
    """Write the mask of one image."""
    request = picture.request
    objects = int(np.count_nonzero(np.bincount(picture.instances.ravel())[1:]))
    return Written(
        files={f"masks/{mask_name(picture.name)}": mask_png(picture.class_map, request.colors, request.masks)},
        losses={NO_OBJECTS: objects} if objects else {},
    )


def finish(parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the files of classes, and a list of photos for each role and list."""
    void = {"ignore": VOC_VOID} if len(request.classes) < MAX_CLASSES else {}
    yield from class_files(request, void)
    for name, photos in lists_of(parts).items():
        yield f"lists/{name}.txt", [f"{photo}\n".encode() for photo in photos]


def mask_name(photo: str) -> str:
    """Return the name of a photo's mask."""
    return str(PurePosixPath(photo).with_suffix(".png"))


def mask_png(pixels: NDArray[np.uint8], colors: tuple[RGB, ...], kind: MaskKind) -> bytes:
    """Return a map as a PNG: of indices with a palette, or of the colours themselves."""
    palette = map_palette(colors)
    if kind == "index":
        return write_map_png(pixels, palette)
    buffer = io.BytesIO()
    Image.fromarray(np.array(palette, np.uint8)[pixels]).save(buffer, "PNG")
    return buffer.getvalue()


def class_files(request: WriteRequest, further: Mapping[str, RGB]) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the names in index order, and CVAT's table of colours, `name:r,g,b::`, with some further ones.

    There is no table where it cannot name a class: then there are no masks of colours.
    """
    yield LABELS_FILE, ["".join(f"{name}\n" for name in request.classes).encode()]
    if not all(map(fits_table, request.classes)):
        return
    table = {**dict(zip(request.classes, request.colors, strict=True)), **further}
    lines = [f"{name}:{red},{green},{blue}::\n" for name, (red, green, blue) in table.items()]
    yield COLORS_FILE, [b"# label:color_rgb:parts:actions\n", "".join(lines).encode()]


def lists_of(parts: Iterable[Part]) -> dict[str, list[str]]:
    """Return the photos of every role and list, by the name that `list_names` gives it."""
    lists: dict[str, list[str]] = {}
    names = list_names((part.role, part.subsets) for part in parts)
    for part in parts:
        for name in dict.fromkeys((*([part.role] if part.role else []), *map(names.__getitem__, part.subsets))):
            lists.setdefault(name, []).append(part.name)
    return dict(sorted(lists.items()))
