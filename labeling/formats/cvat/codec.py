"""CVAT's XML for images, version 1.1: polygons, boxes, ellipses, lines, points and masks, drawn by `z_order`.

`annotations.xml` lies beside images/, as a task, job or project is exported as "CVAT for images 1.1". Coordinates are
pixels, (0, 0) the outer corner of the top-left one. A box or ellipse may be turned about its centre, clockwise; a mask
is a list of runs along the rows of its own box. Pixels that no shape covers are background; images without any shape
are not labelled yet. What draws nothing (source, occluded, attributes, tags) is kept beside the shapes. (Format:
https://docs.cvat.ai/docs/other/xml_format; cvat-ai/cvat, cvat/apps/dataset_manager/formats/cvat.py for ellipses, and
formats/transformations.py beside it for runs and the direction of a rotation.)

CVAT's other export for segmentation, "Segmentation mask 1.1", is a VOC folder and read as such.
"""

from __future__ import annotations

from typing import Any

from labeling.formats.base import BadItemError, Item, ReadRequest, Record
from labeling.formats.cvat.image import Element, read_elements
from labeling.formats.cvat.listing import Payload, list_source
from labeling.formats.cvat.shapes import ShapeReader
from labeling.formats.extra import check_size
from labeling.formats.masks.pairs import inspect
from labeling.formats.turning import annotated_orientation, turn_shape

__all__ = ["list_source", "read"]


def read(item: Item, request: ReadRequest) -> Record:
    """Read the shapes of one image. Raises `BadItemError` where photo, size or all shapes are bad."""
    payload: Payload = item.payload
    photo = payload.photo.photo
    info = inspect(photo)
    notes: tuple[str, ...] = (payload.note,) if payload.note else ()
    if not payload.labelled:
        return Record(photo, info.width, info.height, labelled=False, repairs=notes)
    orientation = annotated_orientation(payload.size, info)
    width, height = (info.width, info.height) if orientation == 1 else (info.raw_width, info.raw_height)
    elements = read_elements(payload.document.path, payload.place, payload.name)
    drawn = [element for element in elements if element.tag != "tag"]
    reader = ShapeReader(width, height)
    shapes = reader.read(drawn)
    if drawn and not shapes:  # an image whose every shape is lost must not become plain background
        raise BadItemError(f"None of its {len(drawn)} shapes can be read. {' '.join(reader.repairs())}")
    if orientation != 1:
        shapes = tuple(turn_shape(shape, orientation, width, height) for shape in shapes)
        notes += (f"Its shapes were drawn on the unrotated photo and turned with it (EXIF {orientation}).",)
    check_size([shape.extra for shape in shapes])
    tags = [_tag(element) for element in elements if element.tag == "tag"]
    return Record(
        photo,
        info.width,
        info.height,
        shapes,
        repairs=(*notes, *reader.repairs()),
        extra={"tags": tags} if tags else {},
    )


def _tag(element: Element) -> dict[str, Any]:
    return {**element.attributes, **({"attributes": element.values} if element.values else {})}
