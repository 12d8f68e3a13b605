"""COCO instances: polygons and both run-length encodings, classes by category name.

Pixels that no object covers are background. COCO gives objects no order, so smaller ones lie over larger ones unless
the dataset's options say otherwise. (0, 0) is the outer corner of the top-left pixel there as here.
"""

from __future__ import annotations

import json

from labeling.formats.base import BadItemError, Item, Listing, ReadRequest, Record
from labeling.formats.coco.kinds import INSTANCES
from labeling.formats.coco.listing import Payload, list_files
from labeling.formats.coco.shapes import ShapeReader
from labeling.formats.masks.pairs import inspect
from labeling.formats.turning import annotated_orientation, turn_shape


def list_source(request: ReadRequest) -> Listing:
    """List a COCO file, or the COCO files of a folder: see `labeling.formats.coco.listing.list_files`."""
    return list_files(request, INSTANCES)


def read(item: Item, request: ReadRequest) -> Record:
    """Read the annotations of one image. Raises `BadItemError` where photo, size or all annotations are bad."""
    payload: Payload = item.payload
    photo = payload.photo.photo
    info = inspect(photo)
    orientation = annotated_orientation(payload.size, info)
    width, height = (info.width, info.height) if orientation == 1 else (info.raw_width, info.raw_height)
    reader = ShapeReader(width, height, crowd_is_ignore=request.options.crowd == "ignore")
    annotations = json.loads(payload.annotations)
    shapes = reader.read(annotations)
    if annotations and not shapes:  # an image whose every object is lost must not become plain background
        raise BadItemError(f"None of its {len(annotations)} annotations can be read. {' '.join(reader.repairs())}")
    repairs: tuple[str, ...] = (payload.note,) if payload.note else ()
    if orientation != 1:
        shapes = tuple(turn_shape(shape, orientation, width, height) for shape in shapes)
        repairs += (f"The annotations were made on the unrotated photo and turned with it (EXIF {orientation}).",)
    repairs += reader.repairs()
    return Record(photo, info.width, info.height, shapes, repairs=repairs, extra=json.loads(payload.extra))
