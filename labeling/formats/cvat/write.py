"""Writes CVAT's XML for images, version 1.1: `images/` and a file a role, `train.xml`; `annotations.xml` without one.

Shapes are written as they were drawn, one above the other by `z_order`: polygons, boxes, ellipses, polylines, points,
masks. Below them lie the objects and classes of the base map, above them the paint map, as masks. Pixels that nobody
labelled are nothing, unless they are something else than background here. What is ignored has the label `__ignore__`.
What a CVAT file said besides is given back. (Format: https://docs.cvat.ai/docs/other/xml_format.)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE, SEE_THROUGH, Label, Layer, Patch, Point, Shape, Special
from labeling.colors import RGB, to_hex
from labeling.formats.base import RoleName
from labeling.formats.cvat.runs import encode_runs
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.objects import regions, without_holes
from labeling.formats.writing import Part, Picture, WriteRequest, Written
from labeling.maps import VOC_VOID
from labeling.raster import largest_first

_NO_ROLE = "annotations"
_OWN = {"label", "z_order", "group_id", "rotation", "attributes", "points", "rle", "left", "top", "width", "height"}
_OWN |= {"xtl", "ytl", "xbr", "ybr", "cx", "cy", "rx", "ry"}
_IGNORED = f' label="{IGNORE_NAME}"'.encode()
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NO_LISTS = "Lists: CVAT has none, only a file for each role"
_HIDDEN = "Objects that others cover altogether: left out, as nothing can be seen of them"
_HOLES = "Polygons with holes: written as masks, CVAT's polygons have none"
_THIN = "Lines and points: CVAT gives them no width, here they have one"
_BORDER = (
    "Pixels along shapes that are read as another class where the right and lower border is left out; "
    "--objects pixels writes every object as a mask"
)


def photo_path(name: str, role: RoleName | None) -> str:
    """Return `images/NAME`."""
    return f"images/{name}"


def write(picture: Picture) -> Written:
    """Write the element of one image, which lacks only its id."""
    background = picture.request.background or 0
    losses: dict[str, int] = {_NO_LISTS: len(picture.subsets)}
    if picture.request.objects == "pixels":
        found, losses[_HIDDEN] = regions(picture)
        elements = [_mask(region.patch, _name(region.label, picture.request), 0, region.extra) for region in found]
        if not elements:  # nothing but background; an image without any shape is one that is not labelled yet
            elements = [_mask(Patch(0, 0, picture.class_map != IGNORE), _name(background, picture.request), 0, {})]
    else:
        losses[_HOLES] = sum(bool(shape.holes) for shape in picture.annotation.shapes)
        picture = without_holes(picture)
        elements = [*_map(picture.base, picture.annotation.base, picture, 0), *_drawn(picture, losses)]
        elements += _map(picture.paint, picture.annotation.paint, picture, len(picture.annotation.shapes) + 1)
        losses[_BORDER] = _read_otherwise(picture)
        elements[:0] = _rest(picture, alone=not elements)
    head = _tag("image", {"name": picture.name, "width": picture.width, "height": picture.height})
    tags = [_element("tag", tag.get("label", ""), {}, tag) for tag in picture.annotation.extra.get("tags", ())]
    content = "\n".join((head.removeprefix("<image"), *elements, *tags, "</image>\n"))
    return Written(part=content.encode(), losses={what: count for what, count in losses.items() if count})


def finish(parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield a file for each role."""
    labels = list(zip(request.classes, request.colors, strict=True))
    if any(_IGNORED in part.content for part in parts):
        labels.append((IGNORE_NAME, VOC_VOID))
    for role in sorted({part.role or _NO_ROLE for part in parts}):
        yield f"{role}.xml", _document((part for part in parts if (part.role or _NO_ROLE) == role), labels)


def _document(parts: Iterable[Part], labels: Iterable[tuple[str, RGB]]) -> Iterator[bytes]:
    entries = "".join(
        f"<label><name>{_clean(escape(name))}</name><color>{to_hex(color)}</color><type>any</type>"
        "<attributes></attributes></label>\n"
        for name, color in labels
    )
    yield (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><task><labels>\n'
        f"{entries}</labels></task></meta>\n"
    ).encode()
    for number, part in enumerate(parts):
        yield f'<image id="{number}"'.encode() + part.content
    yield b"</annotations>\n"


def _name(label: int, request: WriteRequest) -> str:
    return IGNORE_NAME if label == IGNORE else request.classes[label]


def _label(label: Label, request: WriteRequest) -> str:
    if isinstance(label, Special):
        return _name(IGNORE if label is Special.IGNORE else request.unlabelled, request)
    return _name(int(label), request)


def _drawn(picture: Picture, losses: dict[str, int]) -> Iterator[str]:
    shapes, request = picture.annotation.shapes, picture.request
    order = list(range(len(shapes)))
    if request.overlap == "area":
        order = largest_first(shapes, request.canvas(np.zeros(picture.class_map.shape, np.uint8)))
    groups = _groups(shapes)
    losses[_THIN] = sum(shape.kind in ("line", "linestrip", "point") for shape in shapes)
    for z_order, place in enumerate(order, start=1):
        shape = shapes[place]
        tag, attributes = _position(shape)
        group = {} if shape.group is None else {"group_id": groups[shape.group]}
        name = _label(shape.label, request)
        yield _element(tag, name, attributes | {"z_order": z_order} | group, shape.extra)


def _groups(shapes: Iterable[Shape]) -> dict[int, int]:
    """Return the number of each group: its own where that is positive, as 0 is none to CVAT."""
    there = {shape.group for shape in shapes if shape.group is not None}
    fresh = 1 + max(there, default=0)
    odd = sorted(group for group in there if group <= 0)
    return {group: group for group in there} | {group: max(fresh, 1) + place for place, group in enumerate(odd)}


def _position(shape: Shape) -> tuple[str, dict[str, Any]]:
    """Return an element's name, and where it lies."""
    points = shape.points
    if shape.patch is not None:
        return "mask", _box(shape.patch)
    match shape.kind:
        case "rectangle":
            (left, right), (top, bottom) = (sorted(axis) for axis in zip(*points, strict=True))
            return "box", {"xtl": _number(left), "ytl": _number(top), "xbr": _number(right), "ybr": _number(bottom)}
        case "circle":
            radius = _number(math.dist(*points))
            return "ellipse", {"cx": _number(points[0][0]), "cy": _number(points[0][1]), "rx": radius, "ry": radius}
        case "line" | "linestrip":
            return "polyline", {"points": _joined(points)}
        case "point":
            return "points", {"points": _joined(points)}
    return "polygon", {"points": _joined(points)}


def _map(pixels: NDArray[np.uint8] | None, layer: Layer | None, picture: Picture, z_order: int) -> Iterator[str]:
    """Yield a mask for every object of a map, and for what of each label belongs to none."""
    if pixels is None or layer is None:
        return
    objects = picture.objects if picture.objects is not None and pixels is picture.base else np.zeros_like(pixels)
    numbers = objects.astype(np.int64) << 8 | pixels
    for number in np.unique(numbers).tolist():
        value = number & 255
        if value == SEE_THROUGH:
            continue
        label: Label = Special.IGNORE if value == IGNORE else layer.legend[value]
        if label is Special.UNLABELLED and pixels is picture.base:
            continue
        yield _mask(Patch.cut(numbers == number), _label(label, picture.request), z_order, {})


def _read_otherwise(picture: Picture) -> int:
    """Return how many pixels are of another class where shapes are drawn by the rule `center`."""
    request = picture.request
    index: dict[Label, int] = {value: value for value in range(len(request.classes))}
    read = picture.render(index, unlabelled=request.unlabelled, rule="center")
    covered = picture.render(dict.fromkeys(index, 0), unlabelled=1, rule="center") != 1
    if (
        request.unlabelled != request.background
    ):  # what the shapes leave open at their borders, the mask below does, too
        read[~covered & ~picture.unlabelled] = SEE_THROUGH if request.background is None else request.background
    return int(np.count_nonzero(read != picture.class_map))


def _rest(picture: Picture, *, alone: bool) -> Iterator[str]:
    """Yield a mask of what nobody labelled, where it would be read as something else than it is here."""
    request = picture.request
    if (alone or request.unlabelled != request.background) and picture.unlabelled.any():
        yield _mask(Patch.cut(picture.unlabelled), _name(request.unlabelled, request), -1, {})


def _mask(patch: Patch, name: str, z_order: int, extra: Mapping[str, Any]) -> str:
    return _element("mask", name, _box(patch) | {"z_order": z_order}, extra)


def _box(patch: Patch) -> dict[str, Any]:
    height, width = patch.pixels.shape
    rle = encode_runs(patch.pixels)
    return {"rle": rle, "left": patch.x, "top": patch.y, "width": width, "height": height}


def _element(tag: str, label: str, attributes: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in extra.items() if key not in _OWN and isinstance(value, str)}
    values = extra.get("attributes")
    inside = [
        f"{_tag('attribute', {'name': name})}{_clean(escape(str(value)))}</attribute>"
        for name, value in (values.items() if isinstance(values, Mapping) else ())
    ]
    head = _tag(tag, {"label": label, "source": "manual", "occluded": "0"} | kept | dict(attributes))
    return f"{head}{''.join(inside)}</{tag}>"


def _tag(tag: str, attributes: Mapping[str, Any]) -> str:
    words = "".join(f" {key}={_clean(quoteattr(str(value)))}" for key, value in attributes.items())
    return f"<{tag}{words}>"


def _clean(text: str) -> str:
    """Return a text without the characters that no XML can hold."""
    return _NO_XML.sub("\ufffd", text)


def _joined(points: Iterable[Point]) -> str:
    return ";".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.10g}"
