"""Writes COCO: `images/` and a file a role, `annotations/instances_train.json`; images without one in `_default`.

Polygons are written as they were drawn, everything else (holes, circles, masks, maps, what is seen of an object under
larger ones) as packed RLE. Category ids are those of the classes in index order, from 1 on, without the background;
what is ignored is a crowd region of the category `__ignore__`. Within an image the largest objects come first, so that
who draws them in order sees the same as who lays small ones over large ones. Ids and further keys that a COCO file
brought are given back; ids that are taken, or are no numbers, are given anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from labeling.annotation import IGNORE, Patch
from labeling.formats.base import RoleName
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.objects import Region, outlines, read_back, regions
from labeling.formats.writing import Part, Picture, WriteRequest, Written

_NO_ROLE = "default"
_OWN = {"id", "image_id", "category_id", "segmentation", "area", "bbox"}
_OWN_OF_IMAGE = {"id", "file_name", "width", "height"}

_NO_LISTS = "Lists: COCO has none, only a file for each role"
_HIDDEN = "Objects that others cover altogether are left out: nothing can be seen of them"
_IGNORED = f"Ignored regions are crowd regions (iscrowd) of the category {IGNORE_NAME}"
_BORDER = (
    "Pixels along polygons that are read as another class, as COCO's readers leave out the right and lower border; "
    "--objects pixels writes every pixel"
)


def photo_path(name: str, role: RoleName | None) -> str:
    """Return `images/NAME`."""
    return f"images/{name}"


def write(picture: Picture) -> Written:
    """Write the annotations of one image, as lines that lack only the ids."""
    found, hidden = regions(picture)
    categories = category_ids(picture.request)
    extra = picture.annotation.extra
    head = {
        "extra": {key: value for key, value in extra.items() if key not in _OWN_OF_IMAGE},
        "id": extra.get("id"),
        "ids": [region.extra.get("id") for region in found],
        "ignored": any(region.label == IGNORE for region in found),
    }
    lines = [
        json.dumps(each, separators=(",", ":")) for each in (head, *(_entry(r, picture, categories) for r in found))
    ]
    losses = {
        _NO_LISTS: len(picture.subsets),
        _HIDDEN: hidden,
        _IGNORED: sum(region.label == IGNORE for region in found),
        _BORDER: int(np.count_nonzero(read_back(found, picture) != picture.class_map)),
    }
    return Written(part="\n".join(lines).encode(), losses={what: count for what, count in losses.items() if count})


def finish(parts: Iterable[Part], request: WriteRequest) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield a file for each role."""
    for role in sorted({part.role or _NO_ROLE for part in parts}):
        yield f"annotations/instances_{role}.json", _document(_Split(parts, role), request)


def category_ids(request: WriteRequest) -> dict[int, int]:
    """Return the category id of every class index but the background's, and of 255."""
    named = [index for index in range(len(request.classes)) if index != request.background]
    return {index: number for number, index in enumerate((*named, IGNORE), start=1)}


def _entry(region: Region, picture: Picture, categories: Mapping[int, int]) -> dict[str, Any]:
    polygons = outlines(region)
    if polygons is None:
        height, width = region.patch.pixels.shape
        box: list[float] = [region.patch.x, region.patch.y, width, height]
        segmentation: Any = _packed(region.patch, picture)
    else:
        segmentation = [[number for point in points for number in point] for points in polygons]
        (left, right), (top, bottom) = (
            (min(axis), max(axis)) for axis in zip(*(point for points in polygons for point in points), strict=True)
        )
        box = [left, top, right - left, bottom - top]
    entry = {
        "category_id": categories[region.label],
        "iscrowd": int(region.label == IGNORE),
        "segmentation": segmentation,
        "area": region.area,
        "bbox": box,
    }
    return entry | {key: value for key, value in region.extra.items() if key not in _OWN}


def _packed(patch: Patch, picture: Picture) -> dict[str, Any]:
    whole = np.zeros((picture.height, picture.width), np.uint8, order="F")
    height, width = patch.pixels.shape
    whole[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
    return {"size": [picture.height, picture.width], "counts": coco_mask.encode(whole)["counts"].decode()}


@dataclass(frozen=True)
class _Split:
    """The parts of one role. It may be gone through several times."""

    parts: Iterable[Part]
    role: str

    def __iter__(self) -> Iterator[tuple[Part, dict[str, Any], list[bytes]]]:
        for part in self.parts:
            if (part.role or _NO_ROLE) == self.role:
                head, *entries = part.content.split(b"\n")
                yield part, json.loads(head), entries


class _Ids:
    """Gives ids: those that are wished for, once; others anew."""

    def __init__(self, wished: Iterable[Any]) -> None:
        self._free = {id for id in wished if _is_id(id)}
        self._next = 1 + max(self._free, default=0)

    def give(self, wished: Any) -> int:
        if _is_id(wished) and wished in self._free:
            self._free.remove(wished)
            return int(wished)
        self._next += 1
        return self._next - 1


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**53  # beyond, JavaScript's numbers are not exact


def _document(split: _Split, request: WriteRequest) -> Iterator[bytes]:
    heads = [head for _, head, _ in split]
    categories = category_ids(request)
    if not any(head["ignored"] for head in heads):
        del categories[IGNORE]
    named = [
        {"id": number, "name": IGNORE_NAME if index == IGNORE else request.classes[index], "supercategory": ""}
        for index, number in categories.items()
    ]
    given = _Ids(head["id"] for head in heads)
    ids = [given.give(head["id"]) for head in heads]
    yield b'{"info":{"description":"Exported by segmentation-workbench"},"licenses":[],"categories":'
    yield _json(named) + b',"images":['
    for place, ((part, head, _), number) in enumerate(zip(split, ids, strict=True)):
        entry = {"id": number, "file_name": part.name, "width": part.width, "height": part.height} | head["extra"]
        yield (b",\n" if place else b"\n") + _json(entry)
    yield b'],"annotations":['
    given, place = _Ids(id for head in heads for id in head["ids"]), 0
    for (_, head, entries), image in zip(split, ids, strict=True):
        for wished, entry in zip(head["ids"], entries, strict=True):
            begin = b'{"id":%d,"image_id":%d,' % (given.give(wished), image)
            yield (b",\n" if place else b"\n") + begin + entry[1:]
            place += 1
    yield b"]}\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
