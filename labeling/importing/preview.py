"""The first images of a source as they would be imported, drawn but not stored: what the import's options do.

The request is read as for a new dataset. Listing a source of masks without a label file looks at every mask, as the
import itself does.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from db.errors import UserError
from labeling.annotation import IGNORE, MAX_CLASSES, Annotation, Label, Layer, Shape, Special
from labeling.classes import default_color
from labeling.colors import to_hex
from labeling.formats.base import BadItemError, Item, ReadRequest, Record
from labeling.formats.codecs import CODECS
from labeling.importing.request import ImportRequest, read_request, settled_options
from labeling.importing.source_listing import Lister, list_as_new, list_source
from labeling.importing.target import resolved_name
from labeling.maps import write_map_png
from labeling.names import is_reserved
from labeling.options import DatasetOptions
from labeling.photos import PhotoError, fit_size, read_reduced
from labeling.raster import render
from labeling.workers import map_in_order

SIZE = 512
MAX_IMAGES = 24
_QUALITY = 85


@dataclass(frozen=True)
class PreviewClass:
    """A class that the import would use, at its index in the previewed class maps; colour `#rrggbb`."""

    name: str
    color: str


@dataclass(frozen=True)
class PreviewImage:
    """One image.

    Attributes:
        path: relative path that it would have in the dataset.
        photo: JPEG, upright, longer side at most 512; empty where it cannot be read.
        class_map: greyscale PNG of the same size: indices of the preview's classes, 255 ignore; empty for an image
            without labels or one that cannot be read.
        shares: share of the pixels per class name that has any, 0 to 1, and `ignore`.
        repairs: sentences on what was put right while reading.
        problem: why the import would skip it, empty where it would not.
    """

    path: str
    photo: bytes
    class_map: bytes
    shares: dict[str, float]
    repairs: tuple[str, ...]
    problem: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, the pictures as data URLs, null where there is none."""
        return {
            "path": self.path,
            "photo": _data_url("image/jpeg", self.photo),
            "map": _data_url("image/png", self.class_map),
            "shares": self.shares,
            "repairs": list(self.repairs),
            "problem": self.problem,
        }


@dataclass(frozen=True)
class ImportPreview:
    """What an import would give.

    Attributes:
        total: images that it would import.
        skipped: files that it would skip while listing.
        classes: in the order of their indices in the previewed maps.
        images: a few of them, spread over the source, those with labels first.
        options: of the dataset.
        notes: what the import would say about the whole source.
    """

    total: int
    skipped: int
    classes: tuple[PreviewClass, ...]
    images: tuple[PreviewImage, ...]
    options: DatasetOptions
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    format: str
    request: ReadRequest
    item: Item


@dataclass(frozen=True)
class _Drawn:
    """An image with a class map whose values are places in `names`."""

    image: PreviewImage
    pixels: NDArray[np.uint8] | None = None
    names: tuple[str, ...] = ()


def preview_import(request: ImportRequest, count: int = 6, lister: Lister = list_source) -> ImportPreview:
    """Return the first images as an import would read and draw them. Nothing is written.

    Args:
        request: as for `labeling.importing.run.import_dataset`; project, dataset, lists and role do not matter.
        count: images, 1 to 24.
        lister: lists the source.

    Raises:
        UserError: the source as a whole cannot be read, or holds no image; too many are asked for.
    """
    if not 1 <= count <= MAX_IMAGES:
        raise UserError(f"A preview shows 1 to {MAX_IMAGES} images, found {count}.")
    asked, listing = list_as_new(request, lister)
    location = request.location
    if not listing.items:
        raise UserError(f"{location} holds no image that can be imported as {request.format}.")
    options = settled_options(asked, request, location, listing, None)
    reading = read_request(location, options)
    step = max(1.0, len(listing.items) / count)
    chosen = [listing.items[int(place * step)] for place in range(min(count, len(listing.items)))]
    tasks = (_Task(request.format, reading, item) for item in chosen)
    drawn = list(map_in_order(_draw, tasks, on_death=_died, isolated=True))
    names = _names(listing.classes, options, drawn)
    colors = {name: to_hex(color) for name, color in listing.colors.items()}
    images = [_finished(each, names, options) for each in drawn]
    return ImportPreview(
        total=len(listing.items),
        skipped=len(listing.skipped),
        classes=_classes(names, colors),
        images=tuple(sorted(images, key=lambda image: not image.class_map)),
        options=options,
        notes=listing.notes,
    )


def _draw(task: _Task) -> _Drawn:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PillowImage.DecompressionBombWarning)  # refused with a reason anyway
            record = CODECS[task.format].read(task.item, task.request)
            rgb = read_reduced(record.photo, SIZE)
    except (BadItemError, PhotoError) as error:
        return _problem(task, str(error))
    except Exception as error:  # as the import: one bad file never stops a folder, whatever it does to the parsers
        return _problem(task, f"it cannot be read ({type(error).__name__}: {error})")
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    image = PreviewImage(task.item.path, jpeg, b"", {}, record.repairs, "")
    if not record.labelled:
        return _Drawn(image)
    try:
        pixels, names = _render(record, task.request.options)
    except ValueError as error:
        return _problem(task, f"it cannot be drawn: {error}")
    size = fit_size(record.width, record.height, SIZE)
    return _Drawn(image, np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8), names)


def _render(record: Record, options: DatasetOptions) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the class map of a record, and the names that its values are places of; the first is unlabelled's."""
    first = options.background if options.unlabelled == "background" else options.unlabelled
    names = {first: 0}

    def meaning(label: Label) -> Label | None:
        if isinstance(label, Special):
            return label
        target = resolved_name(str(label), options)
        if target is None:
            return None
        if is_reserved(target):
            return Special(target)
        names.setdefault(target, len(names))
        return target

    shapes: list[Shape] = []
    for shape in record.shapes:
        label = meaning(shape.label)
        if label is not None:  # dropped, as the import drops it
            shapes.append(replace(shape, label=label))
    base = None
    if record.base is not None:
        legend = [meaning(label) for label in record.base.legend]
        base = Layer("0" * 64, tuple(Special.UNLABELLED if label is None else label for label in legend))
    if len(names) > MAX_CLASSES:
        raise ValueError(f"it has {len(names)} classes, at most {MAX_CLASSES} are allowed")
    pixels = render(
        Annotation(record.width, record.height, shapes=tuple(shapes), base=base),
        lambda _: record.base.pixels if record.base is not None else np.zeros((0, 0), np.uint8),
        dict[Label, int](names.items()),
        rule=options.raster,
        overlap=options.overlap,
        line_width=options.line_width,
        point_radius=options.point_radius,
        unlabelled=IGNORE if options.unlabelled == "ignore" else 0,
    )
    return pixels, tuple(names)


def _names(listed: Sequence[str], options: DatasetOptions, drawn: Sequence[_Drawn]) -> list[str]:
    """Return the classes in the order in which the import would make them, as far as the drawn images tell."""
    first = {"background": options.background, "ignore": None}.get(options.unlabelled, options.unlabelled)
    names = dict.fromkeys([first] if first is not None else [])
    for name in listed:
        target = resolved_name(name, options)
        if target is not None and not is_reserved(target):
            names.setdefault(target)
    for each in drawn:
        names |= dict.fromkeys(name for name in each.names if not is_reserved(name))
    if len(names) > MAX_CLASSES:
        raise UserError(f"The source has {len(names)} classes, at most {MAX_CLASSES} are allowed. Merge or drop some.")
    return list(names)


def _finished(drawn: _Drawn, names: Sequence[str], options: DatasetOptions) -> PreviewImage:
    """Return an image with its map in the indices that all images share."""
    if drawn.pixels is None:
        return drawn.image
    table = np.full(256, IGNORE, np.uint8)
    for place, name in enumerate(drawn.names):
        table[place] = names.index(name) if name in names else IGNORE
    pixels = table[drawn.pixels]
    counts = np.bincount(pixels.ravel(), minlength=256) / pixels.size
    shares = {name: float(counts[index]) for index, name in enumerate(names) if counts[index]}
    if counts[IGNORE]:
        shares[Special.IGNORE.value] = float(counts[IGNORE])
    return replace(drawn.image, class_map=write_map_png(pixels), shares=shares)


def _classes(names: Sequence[str], colors: dict[str, str]) -> tuple[PreviewClass, ...]:
    used: list[str] = []
    for name in names:
        used.append(colors.get(name) or default_color(name, used))
    return tuple(PreviewClass(name, color) for name, color in zip(names, used, strict=True))


def _problem(task: _Task, reason: str) -> _Drawn:
    return _Drawn(PreviewImage(task.item.path, b"", b"", {}, (), reason))


def _died(task: _Task) -> _Drawn:
    return _problem(task, "the process that read it died, of a broken file or for lack of memory")


def _data_url(media_type: str, data: bytes) -> str | None:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}" if data else None
