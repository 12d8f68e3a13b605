"""The contract every codec keeps: list a source cheaply, then read one item at a time, each on its own.

A codec is a pure module in this package: it reads files below the source and returns values; it neither writes, nor
prints, nor knows the database. `list_source` runs once in the importing process; `read` runs in worker processes, so
items are small and picklable and hold whatever the codec needs to read that one image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import Label, Shape
from labeling.colors import RGB
from labeling.options import DatasetOptions, Overlap, RasterRule
from labeling.progress import Progress, silent

RoleName = Literal["train", "val", "test"]


class BadItemError(Exception):
    """One item of a source cannot be read; the message says what was expected, what was found, what to do.

    The import skips that item, reports the message beside the file's name, and goes on.
    """


@dataclass(frozen=True)
class ReadRequest:
    """What a codec is given.

    Attributes:
        source: the folder or file named by the user.
        images: folder of the photos where the source does not say (COCO, masks).
        masks: folder of the masks, for a pair of folders instead of one tree.
        classes_file: labels in index order, one name a line.
        colors_file: `name r g b` or `name:r,g,b::` lines for colour masks.
        options: the dataset's options.
        progress: told how far a listing is that takes long; workers are given a request without.
    """

    source: Path
    images: Path | None = None
    masks: Path | None = None
    classes_file: Path | None = None
    colors_file: Path | None = None
    options: DatasetOptions = field(default_factory=DatasetOptions)
    progress: Progress = field(default=silent, compare=False, repr=False)


@dataclass(frozen=True)
class Item:
    """One image of a source.

    Attributes:
        path: relative POSIX path of the image inside the dataset: its identity there.
        file: where the report points the user (the JSON or the mask; else the photo), relative to the source.
        payload: the codec's own picklable data.
        subsets: names of the source's lists that hold the image.
        role: role given by the source's train/val/test lists.
    """

    path: str
    file: str
    payload: Any
    subsets: tuple[str, ...] = ()
    role: RoleName | None = None


@dataclass(frozen=True)
class Problem:
    """A file that is not imported, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a source holds.

    Attributes:
        items: in a stable order.
        classes: class names in the source's index order; empty where only the items' own labels tell.
        colors: the source's colours by class name.
        background: class that unlabelled pixels become unless the user says otherwise; None: the source labels every
            pixel, nothing is unlabelled.
        raster: raster rule that this kind of source is drawn with unless the user says otherwise.
        overlap: likewise.
        subsets: every list the source brings, also an empty one.
        notes: sentences for the report (what was recognised, what was assumed).
        skipped: files that cannot become items.
        folders: where the photos are, where that may be outside the source.
    """

    items: Sequence[Item]
    classes: tuple[str, ...] = ()
    colors: dict[str, RGB] = field(default_factory=dict)
    background: str | None = None
    raster: RasterRule = "labelme"
    overlap: Overlap = "order"
    subsets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[Problem, ...] = ()
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class BaseMap:
    """A dense map of a source.

    Attributes:
        pixels: uint8 (H, W), value i means `legend[i]`, 254 see-through, 255 ignore.
        legend: labels by value.
        instances: uint16 (H, W), the object that a pixel belongs to, 0 for none; None where the source has no objects.
    """

    pixels: NDArray[np.uint8]
    legend: tuple[Label, ...]
    instances: NDArray[np.uint16] | None = None


@dataclass(frozen=True)
class Record:
    """One image as read from a source, validated.

    Attributes:
        photo: the photo's file, or its bytes where they are embedded in the label file.
        width: pixels, after EXIF rotation.
        height: likewise.
        shapes: in drawing order; labels are class names or specials.
        base: dense map of the photo's size, or None.
        labelled: False for a photo without any label file (it is imported as an unlabelled image).
        repairs: sentences, one a repair made while reading.
        extra: see `labeling.annotation.Annotation`.
    """

    photo: Path | bytes
    width: int
    height: int
    shapes: tuple[Shape, ...] = ()
    base: BaseMap | None = None
    labelled: bool = True
    repairs: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class Codec(Protocol):
    """A module that reads one family of annotation files."""

    # Not static methods: a module's functions match these as they are.
    def list_source(self, request: ReadRequest) -> Listing:
        """List the source. Raises `db.errors.UserError` where the source as a whole cannot be read."""

    def read(self, item: Item, request: ReadRequest) -> Record:
        """Read one item. Raises `BadItemError` where it cannot be."""


def iter_image_files(folder: Path) -> Iterator[Path]:
    """Yield every image file below a folder in sorted order, hidden files and `__MACOSX` left out."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part == "__MACOSX" for part in parts):
            continue
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            yield path


IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
