"""Reads Label Studio's JSON export: polygons, brush masks, bit masks, boxes, ellipses and key points on photos.

The source is the exported file, a folder with it, or a folder of files of one task each. Tasks name their photos by
where a server has them (`/data/upload/1/0a1b2c3d-a.jpg`, `/data/local-files/?d=day/a.jpg`, `s3://...`); here they are
found by the end of that path, then by the bare name. Regions lie over each other in their order; what no region of an
annotated photo covers is background. Positions are continuous, so a pixel belongs to a region when its centre does.

Of its other exports JSON-MIN and the brush masks as pictures are known, and refused with what to do.
"""

from __future__ import annotations

import json

from labeling.formats.base import BadItemError, Item, ReadRequest, Record
from labeling.formats.extra import check_size
from labeling.formats.labelstudio.listing import Payload, list_source
from labeling.formats.labelstudio.shapes import ShapeReader
from labeling.formats.masks.pairs import inspect

__all__ = ["list_source", "read"]


def read(item: Item, request: ReadRequest) -> Record:
    """Read the annotation of one task with its photo. Raises `BadItemError` where photo or all regions are bad."""
    payload: Payload = item.payload
    photo = payload.photo.photo
    info = inspect(photo)
    if payload.number is None:
        return Record(photo, info.width, info.height, labelled=False)
    body = json.loads(payload.body)
    reader = ShapeReader(info)
    shapes = reader.read(body["result"])
    repairs = reader.repairs()
    if not shapes and len(reader.rest) < len(body["result"]):
        # An image whose every region is lost must not become plain background.
        raise BadItemError(f"None of its regions can be read. {' '.join(repairs)}")
    if not shapes and reader.rest:
        note = "Its annotation has no region, only choices or texts: it is taken as not labelled."
        return Record(photo, info.width, info.height, labelled=False, repairs=(note, *repairs))
    extra = {**body["extra"], **({"result": reader.rest} if reader.rest else {})}
    check_size([extra, *(shape.extra for shape in shapes)])
    return Record(photo, info.width, info.height, shapes, repairs=repairs, extra=extra)
