"""Writes an annotation as a labelme JSON file, with everything that its source said besides.

The file is as labelme 5.5 writes it, which later versions read as well: a mask is a PNG of zeros and ones between its
first and its last pixel. What was read as something else (a leaning rectangle as a polygon) is given back as it came,
as long as that still is what the annotation says.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE, SEE_THROUGH, Annotation, Label, Layer, Patch, Shape, Special
from labeling.formats.labelme.extra import DOCUMENT_KEYS, SHAPE_KEYS
from labeling.formats.labelme.shapes import bounds, mask_corners, points_of
from labeling.formats.labels import BACKGROUND_NAME, IGNORE_NAME, PLAIN_BACKGROUND
from labeling.maps import write_map_png
from labeling.raster.center_rule import CenterCanvas

VERSION = "5.5.0"

_READ_AS = {
    "polygon": {"oriented_rectangle", "rotation", "quadrilateral", "rectangle"},
    "linestrip": {"line"},
}


def labelme_document(
    annotation: Annotation,
    names: Mapping[int, str],
    *,
    image_path: str,
    base: NDArray[np.uint8] | None,
    paint: NDArray[np.uint8] | None,
) -> bytes:
    """Return a stored annotation as the bytes of a labelme JSON file.

    A map becomes one mask a class: those of the base map lie under all other shapes, those of the paint map over
    them. A polygon with holes, which labelme has not, becomes a mask of the pixels whose centres it covers. Shapes
    that the reader could not draw stand where they stood.

    Args:
        annotation: labels are class ids or specials.
        names: name of every class id that occurs.
        image_path: the photo, relative to where the file will lie.
        base: the annotation's base map, uint8 (H, W); None where it has none.
        paint: its paint map, likewise.
    """
    shapes = [_entry(shape, names, (annotation.height, annotation.width)) for shape in annotation.shapes]
    for position, entry in annotation.extra.get("shapes", ()):
        shapes.insert(position, entry)
    shapes[:0] = _masks(annotation.base, base, names, blank=Special.UNLABELLED)
    shapes += _masks(annotation.paint, paint, names, blank=None)
    document = {
        "version": VERSION,
        "flags": annotation.extra.get("flags") or {},
        "shapes": shapes,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": annotation.height,
        "imageWidth": annotation.width,
    }
    document |= {key: value for key, value in annotation.extra.items() if key not in DOCUMENT_KEYS}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a character, which JSON can name and UTF-8 cannot
        return json.dumps(document, indent=2).encode()


def _entry(shape: Shape, names: Mapping[int, str], size: tuple[int, int]) -> dict[str, Any]:
    patch = _filled(shape, size) if shape.holes else shape.patch
    points, kind = (_points(shape), _shape_type(shape)) if patch is None else (_corners(shape, patch), "mask")
    extra = shape.extra
    entry = _mask_entry(_label(shape, names), points, patch) | {"shape_type": kind}
    entry["group_id"] = extra.get("group_id") if shape.group is None else shape.group
    return entry | {key: value for key, value in extra.items() if key not in SHAPE_KEYS}


def _mask_entry(label: Any, points: Any, patch: Patch | None) -> dict[str, Any]:
    png = None if patch is None else write_map_png(patch.pixels.astype(np.uint8))
    return {
        "label": label,
        "points": [list(point) for point in points],
        "group_id": None,
        "description": "",
        "shape_type": "mask",
        "flags": {},
        "mask": None if png is None else base64.b64encode(png).decode(),
    }


def _label(shape: Shape, names: Mapping[int, str]) -> Any:
    """Return the label as it came, where that is still what it says; else the class's name."""
    own, given = _name(shape.label, names), shape.extra.get("label")
    meant = {own, BACKGROUND_NAME if own == PLAIN_BACKGROUND else own}
    if isinstance(shape.label, Special):
        meant.add(shape.label.value)
    return given if str(given).strip() in meant else own


def _name(label: Label, names: Mapping[int, str]) -> str:
    if isinstance(label, Special):
        return IGNORE_NAME if label is Special.IGNORE else label.value
    return names[int(label)]


def _shape_type(shape: Shape) -> str:
    given = shape.extra.get("shape_type")
    return given if isinstance(given, str) and given in _READ_AS.get(shape.kind, ()) else shape.kind


def _points(shape: Shape) -> Any:
    given = points_of(shape.extra)
    return given if given and shape.kind == "rectangle" and bounds(given) == bounds(shape.points) else shape.points


def _corners(shape: Shape, patch: Patch) -> Any:
    given = points_of(shape.extra)
    return given if given and tuple(map(round, bounds(given)[0])) == (patch.x, patch.y) else mask_corners(patch)


def _filled(shape: Shape, size: tuple[int, int]) -> Patch | None:
    """Return the pixels of a polygon with holes; None where it covers none, so that its outline stands for it."""
    canvas = CenterCanvas(np.zeros(size, np.uint8), 0, 0)
    canvas.draw(shape, 1)
    pixels = canvas.pixels() == 1
    return _tight(pixels) if pixels.any() else None


def base_masks(annotation: Annotation, base: NDArray[np.uint8] | None) -> int:
    """Return how many of the first shapes of an annotation's file are its base map."""
    return len(_values(annotation.base, base, blank=Special.UNLABELLED))


def _masks(
    layer: Layer | None, pixels: NDArray[np.uint8] | None, names: Mapping[int, str], *, blank: Special | None
) -> Iterator[dict[str, Any]]:
    """Yield a mask for every label of a map in the order of their values, but for `blank`, and for what is ignored."""
    for label, own in _values(layer, pixels, blank=blank).items():
        assert pixels is not None
        patch = _tight(pixels == own[0] if len(own) == 1 else np.isin(pixels, own))
        yield _mask_entry(_name(label, names), mask_corners(patch), patch)


def _values(layer: Layer | None, pixels: NDArray[np.uint8] | None, *, blank: Special | None) -> dict[Label, list[int]]:
    """Return the values of every label that a map shows."""
    values: dict[Label, list[int]] = defaultdict(list)
    if layer is None or pixels is None:
        return values
    for value in np.flatnonzero(np.bincount(pixels.ravel(), minlength=256)).tolist():
        if value != SEE_THROUGH and (label := Special.IGNORE if value == IGNORE else layer.legend[value]) != blank:
            values[label].append(value)
    return values


def _tight(pixels: NDArray[np.bool_]) -> Patch:
    """Cut a map down to the box of its pixels."""
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Patch(int(columns[0]), int(rows[0]), np.ascontiguousarray(cut))
