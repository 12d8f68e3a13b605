"""Reads a project folder in Supervisely's format: meta.json, and datasets with their photos in img/, labels in ann/.

A label file is named after its whole photo (`ann/a.jpg.json`), in old projects after its stem (`ann/a.json`). Datasets
may lie in each other. Every dataset becomes a list, one named after a split gives the role. Objects lie over each other
in their order; what no object covers is background. Pixels have whole coordinates and a polygon covers its border
there (its SDK draws by OpenCV's fillPoly), which is the raster rule `labelme`.

Format: https://developer.supervisely.com/getting-started/supervisely-annotation-format (project structure, project
meta, images, objects). Written against those pages, not against the SDK's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.errors import UserError
from labeling.annotation import Shape
from labeling.formats.base import BadItemError, Item, Listing, Problem, ReadRequest, Record
from labeling.formats.extra import check_size, kept
from labeling.formats.json_file import read_json
from labeling.formats.labels import BACKGROUND_NAME, read_labels
from labeling.formats.masks.pairs import inspect
from labeling.formats.matching import match
from labeling.formats.places import Place
from labeling.formats.splits import role_of
from labeling.formats.supervisely.files import find_datasets, find_meta
from labeling.formats.supervisely.meta import Meta, read_meta
from labeling.formats.supervisely.shapes import ShapeReader
from labeling.formats.turning import annotated_orientation, turn_shape

_DRAWN = frozenset({"objects", "size"})


@dataclass(frozen=True)
class Payload:
    """What reading an image needs: its photo, its label file (None: not labelled), what classes are drawn as."""

    photo: Place
    labels: Place | None
    class_shapes: Mapping[str, str]


def list_source(request: ReadRequest) -> Listing:
    """List the photos of all datasets of a project; `--images DIR` where they were exported without.

    Raises:
        UserError: there is no dataset, no photo, or meta.json is none.
    """
    datasets = find_datasets(request)
    found = find_meta(request.source)
    note = "There is no meta.json: the classes are those of the objects."
    meta = Meta(notes=(note,)) if found is None else read_meta(found)
    items: list[Item] = []
    problems: list[Problem] = []
    bare: set[str] = set()
    for dataset in datasets:
        subsets = (dataset.list_name,) if dataset.name and (len(datasets) > 1 or role_of(dataset.split)) else ()
        matches = match(dataset.photos(), dataset.label_files(), what="label file")
        problems += (Problem(dataset.shown_photo(problem.file), problem.reason) for problem in matches.photo_problems)
        problems += (Problem(dataset.shown_labels(problem.file), problem.reason) for problem in matches.mask_problems)
        for pair in matches.matches:
            if pair.mask is None and dataset.shares_images:
                bare.add(pair.photo.name)
                continue
            labels = Place(dataset.labels, pair.mask.name) if pair.mask else None
            payload = Payload(Place(dataset.images, pair.photo.name), labels, meta.shapes)
            file = dataset.shown_labels(pair.mask.name) if pair.mask else dataset.shown_photo(pair.photo.name)
            items.append(Item(dataset.path(pair.photo.name), file, payload, subsets, role_of(dataset.split)))
    if not items:
        raise UserError(f"{request.source}: found no photo in the img/ of its datasets. Give --images DIR.")
    items.sort(key=lambda item: item.path)
    left = len(bare - {item.payload.photo.name for item in items})
    notes = (*meta.notes, f"{left} photos without a label file in any dataset: left out.") if left else meta.notes
    names = dict.fromkeys((*(read_labels(request.classes_file) if request.classes_file else ()), *meta.shapes))
    return Listing(
        items=items,
        classes=tuple(names),
        colors=meta.colors,
        background=BACKGROUND_NAME if BACKGROUND_NAME in names else "background",
        raster="labelme",
        overlap="order",
        subsets=tuple(sorted({subset for item in items for subset in item.subsets})),
        notes=notes,
        skipped=tuple(problems),
        folders=tuple(sorted({dataset.images for dataset in datasets})),
    )


def read(item: Item, request: ReadRequest) -> Record:
    """Read one label file with its photo. Raises `BadItemError` where photo, size or all objects are bad."""
    payload: Payload = item.payload
    photo = payload.photo.photo
    info = inspect(photo)
    if payload.labels is None:
        return Record(photo, info.width, info.height, labelled=False)
    document = read_json(payload.labels.path)
    objects = document.get("objects") if isinstance(document, dict) else None
    if not isinstance(objects, list):
        raise BadItemError(f"{payload.labels.path.name}: expected a JSON object with a list `objects`.")
    size, repairs = _size(document)
    orientation = annotated_orientation(size, info)
    raw = (info.raw_width, info.raw_height)
    reader = ShapeReader(payload.class_shapes, *raw)
    shapes = reader.read(objects)
    if objects and not shapes:  # an image whose every object is lost must not become plain background
        raise BadItemError(f"None of its {len(objects)} objects can be read. {' '.join(reader.repairs())}")
    if orientation != 1:
        shapes = tuple(_turned(shape, orientation, *raw) for shape in shapes)
        repairs += (f"The objects were drawn on the unrotated photo and turned with it (EXIF {orientation}).",)
    extra, lost = kept(document, _DRAWN)
    check_size([extra, *(shape.extra for shape in shapes)])
    repairs += tuple(f"It has a number that is not finite under {key!r}, which was dropped." for key in lost)
    return Record(photo, info.width, info.height, shapes, repairs=(*repairs, *reader.repairs()), extra=extra)


def _size(document: Mapping[str, Any]) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    found = document.get("size")
    if found is None:
        return None, ()
    width, height = (found.get("width"), found.get("height")) if isinstance(found, dict) else (None, None)
    if type(width) is int and type(height) is int and 0 < width < 1 << 31 and 0 < height < 1 << 31:
        return (width, height), ()
    return None, (f"Its size {str(found)[:60]} is not two whole numbers; the photo's own was taken.",)


def _turned(shape: Shape, orientation: int, width: int, height: int) -> Shape:
    """Turn a shape whose coordinates number pixels: the last one is at `width - 1`, and stays in the photo."""
    less = 0 if shape.kind == "mask" else 1
    return turn_shape(shape, orientation, width - less, height - less)
