"""What the annotations of a COCO file are: objects with a segmentation each, or the segments of a map a photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labeling.formats.coco.categories import Category, id_text
from labeling.formats.cocostuff.names import is_stuff_only
from labeling.formats.labels import BACKGROUND_NAME

Entry = Mapping[str, Any]
Categories = Mapping[str, Category]

_READ = frozenset({"id", "image_id", "category_id", "iscrowd", "segmentation"})
_PHOTO = frozenset({"file_name", "width", "height"})
_DERIVED = frozenset({"area", "bbox"})  # from the segmentation, by whoever writes it again
_DEEPEST = 50  # levels of what is kept; whoever writes the database stands deeper in the stack than whoever reads here


@dataclass(frozen=True)
class Kind:
    """A kind of COCO files.

    Attributes:
        title: what such a file is called.
        prefix: what its name begins with.
        content: the key that an annotation's labels are under.
        keep: what is kept of an annotation until its image is read, as plain JSON values.
        bare: what becomes of an image without annotations.
        other: what a file is, and how it is read, that has annotations without such a key.
        background: what pixels without a label become, by the files' categories: see `labeling.formats.base.Listing`.
        has_maps: whether an annotation's `file_name` is a PNG of its labels.
    """

    title: str
    prefix: str
    content: str
    keep: Callable[[Entry, Categories], dict[str, Any]]
    bare: str
    other: str
    background: Callable[[Sequence[Categories]], str | None]
    has_maps: bool = False


def keep_instance(entry: Entry, categories: Categories) -> dict[str, Any]:
    """Keep an object: `id`, `label` (None: unknown category), `category_id`, `iscrowd`, `segmentation`, `extra`."""
    category = category_of(entry, categories)
    return {
        "id": entry.get("id"),
        "label": None if category is None else category.name,
        "category_id": entry.get("category_id"),
        "iscrowd": is_crowd(entry),
        "extra": besides(entry, _READ | _DERIVED),
        "segmentation": entry.get("segmentation"),
    }


def keep_image(entry: Entry) -> dict[str, Any]:
    """Keep what an entry of `images` says besides its photo: its id, its licence, where it came from."""
    return besides(entry, _PHOTO)


def besides(entry: Entry, read: frozenset[str]) -> dict[str, Any]:
    """Return what an entry says under other keys than those that are read."""
    return {key: value for key, value in entry.items() if key not in read and not _is_too_deep(value)}


def background_of(files: Sequence[Categories]) -> str | None:
    """Return the class of pixels that no object covers; COCO-Stuff's `stuff_*.json` leaves only unlabelled ones."""
    if all(is_stuff_only((id, category.name) for id, category in categories.items()) for categories in files):
        return None
    named = any(category.name == BACKGROUND_NAME for categories in files for category in categories.values())
    return BACKGROUND_NAME if named else "background"


def category_of(entry: Entry, categories: Categories) -> Category | None:
    """Return the category that an annotation or segment names, None where there is no such."""
    return categories.get(id_text(entry.get("category_id")) or "")


def is_crowd(entry: Entry) -> bool:
    """Tell whether an annotation or segment is a crowd: several objects that nobody told apart."""
    return entry.get("iscrowd") in (1, "1")


def _is_too_deep(value: Any, depth: int = 0) -> bool:
    if depth > _DEEPEST:
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_is_too_deep(part, depth + 1) for part in parts)


INSTANCES = Kind(
    title="COCO instances",
    prefix="instances",
    content="segmentation",
    keep=keep_instance,
    bare="taken to hold no object",
    other="Boxes or captions? Name the instances file; a panoptic one is imported as `panoptic`.",
    background=background_of,
)
