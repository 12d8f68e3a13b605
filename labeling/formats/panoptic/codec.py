"""COCO panoptic: one JSON file that lists the segments of every photo, and a PNG a photo whose colours are their ids.

A format of its own rather than a kind of `coco`, although both are JSON files of the same frame: its labels are
pixels, so it has neither overlaps nor outlines to ask about, void is ignored where `coco` has background, and it needs
a second folder. Whoever has `panoptic_val2017.json` knows it by that name.

Files: https://cocodataset.org/#format-data, section 4; ids and void as in cocodataset/panopticapi, utils.py (`rgb2id`)
and evaluation.py (`VOID`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from labeling.formats.base import BadItemError, BaseMap, Item, Listing, ReadRequest, Record
from labeling.formats.coco.kinds import Categories, Entry, Kind, category_of, is_crowd
from labeling.formats.coco.listing import Payload, list_files
from labeling.formats.coco.photos import find_photo
from labeling.formats.masks.files import read_mask_file
from labeling.formats.masks.pairs import inspect
from labeling.formats.panoptic.segments import SegmentReader, segment_ids
from labeling.formats.places import Place
from labeling.formats.turning import annotated_orientation
from labeling.photos import transpose_pixels


def list_source(request: ReadRequest) -> Listing:
    """List a panoptic JSON file, or those of a folder: see `labeling.formats.coco.listing.list_files`.

    The PNGs lie in `--masks DIR`, or in a folder named like the file (`panoptic_val2017/`), beside it or one above.
    """
    return list_files(request, PANOPTIC)


def read(item: Item, request: ReadRequest) -> Record:
    """Read the segments of one image. Raises `BadItemError` where photo, PNG or all segments are bad."""
    payload: Payload = item.payload
    photo = payload.photo.photo
    info = inspect(photo)
    notes: tuple[str, ...] = (payload.note,) if payload.note else ()
    annotations, extra = json.loads(payload.annotations), json.loads(payload.extra)
    if not annotations:
        return Record(photo, info.width, info.height, labelled=False, repairs=notes, extra=extra)
    if len(annotations) > 1:
        names = " and ".join(str(annotation["file_name"]) for annotation in annotations)
        raise BadItemError(f"Expected one annotation of the image, found {len(annotations)}: {names}. Keep one.")
    mask = read_mask_file(_png(payload, annotations[0]).path)
    reader = SegmentReader(annotations[0]["segments_info"], crowd_is_ignore=request.options.crowd == "ignore")
    base = reader.read(segment_ids(mask))
    orientation = annotated_orientation(mask.size, info)
    if orientation != 1:
        base = _turned(base, orientation)
        notes += (f"The PNG was made for the unrotated photo and turned with it (EXIF {orientation}).",)
    return Record(photo, info.width, info.height, base=base, repairs=notes + reader.repairs(), extra=extra)


def _png(payload: Payload, annotation: Mapping[str, Any]) -> Place:
    assert payload.maps is not None
    found = find_photo(payload.maps, annotation["file_name"])
    if found is None:
        raise BadItemError(f"Its PNG {annotation['file_name']!r} is not in {payload.maps}.")
    return Place(payload.maps, found.name)


def _turned(base: BaseMap, orientation: int) -> BaseMap:
    assert base.instances is not None
    turned = (np.ascontiguousarray(transpose_pixels(part, orientation)) for part in (base.pixels, base.instances))
    return BaseMap(next(turned), base.legend, next(turned))


def _keep(entry: Entry, categories: Categories) -> dict[str, Any]:
    """Keep a photo's `file_name` (of its PNG) and `segments_info`, each with the `label` of its category."""
    segments = entry.get("segments_info")
    return {
        "file_name": entry.get("file_name"),
        "segments_info": [_segment(one, categories) for one in segments] if isinstance(segments, list) else [],
    }


def _segment(entry: Any, categories: Categories) -> dict[str, Any]:
    entry = entry if isinstance(entry, dict) else {}
    category = category_of(entry, categories)
    return {
        "id": entry.get("id"),
        "label": None if category is None else category.name,
        "category_id": entry.get("category_id"),
        "is_thing": category is not None and category.is_thing,
        "iscrowd": is_crowd(entry),
    }


PANOPTIC = Kind(
    title="COCO panoptic",
    prefix="panoptic",
    content="segments_info",
    keep=_keep,
    bare="images without labels",
    other="Objects with a segmentation each are imported as `coco`.",
    background=lambda files: None,
    has_maps=True,
)
