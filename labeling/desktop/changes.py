"""What labelme made of an annotation: compared shape by shape with what was handed out, and put together again.

labelme writes a file anew whenever it saves it, so bytes say nothing. A shape that still is what was handed out is
taken from the stored annotation, with all that labelme knows nothing of; only the others are taken from the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from labeling.annotation import MAX_CLASSES, Annotation, Label, Shape, Special
from labeling.formats.labelme.document import Document
from labeling.formats.labelme.extra import SHAPE_KEYS
from labeling.formats.labelme.shapes import ShapeReader
from labeling.formats.labels import IGNORE_NAME

_Part = Shape | Literal["base", "paint"]
"""What an entry of a label file stands for: a shape of the annotation, or a class of one of its two maps."""


@dataclass(frozen=True)
class Changes:
    """What labelme changed.

    Attributes:
        annotation: what is to be stored; labels are class ids, specials, or names that are no class yet.
        added: count of shapes.
        removed: likewise.
        changed: count of shapes that were moved, relabelled or described anew.
        notes: sentences about what else happened.
    """

    annotation: Annotation
    added: int = 0
    removed: int = 0
    changed: int = 0
    notes: tuple[str, ...] = ()


def presentable(annotation: Annotation) -> Annotation:
    """Return an annotation without what some version of labelme would not open.

    Those are shapes that no version of ours could draw, what was read as something else, and flags and descriptions
    of another type than labelme's. They stay with the stored annotation, which `compare` starts from.
    """
    extra = {key: value for key, value in annotation.extra.items() if key != "shapes" and _opens(key, value)}
    return replace(annotation, shapes=tuple(map(_presentable, annotation.shapes)), extra=extra)


def compare(
    stored: Annotation,
    handed_out: Document,
    returned: Document,
    *,
    base_masks: int,
    meaning: Callable[[str], Label],
) -> Changes | None:
    """Return what differs between a label file as it was handed out and as labelme left it, None where nothing does.

    Args:
        stored: the annotation that was handed out.
        handed_out: the label file of it, `presentable`.
        returned: the label file now.
        base_masks: so many of the first shapes that were handed out are the base map, those after the shapes are the
            paint map.
        meaning: the label that a name means.

    Raises:
        BadItemError: the file holds more than a label file may.
    """
    before, _, _ = _read(handed_out, stored)
    after, left_out, repairs = _read(returned, stored)
    flags = _flags(handed_out.fields) != _flags(returned.fields)
    keys = [_key(shape) for shape in before], [_key(shape) for shape in after]
    if not flags and not left_out and keys[0] == keys[1]:
        return None
    sources = _sources(*keys)
    parts: list[_Part] = ["base"] * base_masks
    parts += stored.shapes
    parts += ["paint"] * (len(before) - len(parts))
    found = [None if place is None else parts[place] for place in sources]
    kept = _kept_maps(parts, found)
    shapes = []
    for shape, part in zip(after, found, strict=True):
        if isinstance(part, Shape):
            shapes.append(part)
        elif part not in kept:
            label = shape.label if isinstance(shape.label, Special) else meaning(str(shape.label))
            shapes.append(replace(shape, label=label))
    extra = dict(stored.extra)
    if flags:
        extra["flags"] = returned.fields.get("flags") or {}
    if left_out:
        extra["shapes"] = [*extra.get("shapes", ()), *map(list, left_out)]
    annotation = replace(
        stored,
        shapes=tuple(shapes),
        base=stored.base if "base" in kept else None,
        instances=stored.instances if "base" in kept else None,
        paint=stored.paint if "paint" in kept else None,
        extra=extra,
    )
    gone = [shape for place, shape in enumerate(before) if place not in set(sources)]
    fresh = [shape for shape, place in zip(after, sources, strict=True) if place is None]
    changed = _pairs(gone, fresh)
    notes = [*_notes(stored, annotation, flags), *repairs]
    if not gone and not fresh and sources != sorted(sources, key=lambda place: place or 0):
        notes.append("the order of its shapes was changed")
    return Changes(annotation, len(fresh) - changed, len(gone) - changed, changed, tuple(notes))


def _presentable(shape: Shape) -> Shape:
    extra = {key: value for key, value in shape.extra.items() if key not in SHAPE_KEYS and _opens(key, value)}
    return replace(shape, extra=extra)


def _opens(key: str, value: Any) -> bool:
    if key == "flags":
        return isinstance(value, dict) and all(isinstance(flag, bool) for flag in value.values())
    return key != "description" or isinstance(value, str)


def _read(document: Document, stored: Annotation) -> tuple[list[Shape], list[tuple[int, Any]], tuple[str, ...]]:
    """Return the shapes of a label file, those that cannot be drawn, and what there is to say of them."""
    meanings: Mapping[str, Label] = {IGNORE_NAME: Special.IGNORE}
    pixels = stored.width * stored.height
    reader = ShapeReader(meanings, pixels, mask_budget=2 * MAX_CLASSES * pixels)  # a base and a paint map, all classes
    shapes = list(reader.read(document.shapes))
    return shapes, reader.left_out, reader.repairs()


def _key(shape: Shape) -> tuple[Any, ...]:
    """Return all of a shape that labelme can change."""
    description = shape.extra.get("description") or ""
    return shape.label, shape.group, _flags(shape.extra), description, *_place(shape)


def _place(shape: Shape) -> tuple[Any, ...]:
    patch = shape.patch
    pixels = None if patch is None else (patch.x, patch.y, patch.pixels.shape, patch.pixels.tobytes())
    return shape.kind, shape.points, pixels


def _sort(shape: Shape) -> tuple[Any, ...]:
    return shape.label, shape.kind, shape.group


def _flags(fields: Mapping[str, Any]) -> frozenset[str]:
    """Return the flags that are set; labelme writes down all there are, set or not."""
    flags = fields.get("flags")
    return frozenset(name for name, is_set in flags.items() if is_set) if isinstance(flags, dict) else frozenset()


def _sources(before: Sequence[tuple[Any, ...]], after: Sequence[tuple[Any, ...]]) -> list[int | None]:
    """Return for every shape which of those before it is, each given once, in their order; None for a new one."""
    places: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place in reversed(range(len(before))):
        places[before[place]].append(place)
    return [places[key].pop() if places[key] else None for key in after]


def _kept_maps(parts: Sequence[_Part], found: Sequence[_Part | None]) -> set[str]:
    """Return which maps are still whole and where they were: the base map below all shapes, the paint map above."""
    base, paint = parts.count("base"), parts.count("paint")
    kept = set()
    if found[:base] == ["base"] * base:
        kept.add("base")
    if found[len(found) - paint :] == ["paint"] * paint:
        kept.add("paint")
    return kept


def _pairs(gone: Sequence[Shape], fresh: Sequence[Shape]) -> int:
    """Return how many shapes are another one changed: of the same place, or of the same label, kind and group."""
    pairs = 0
    for alike in (_place, _sort):
        twins: dict[tuple[Any, ...], list[Shape]] = defaultdict(list)
        for shape in gone:
            twins[alike(shape)].append(shape)
        fresh = [shape for shape in fresh if not twins[alike(shape)] or not twins[alike(shape)].pop()]
        left = [shape for group in twins.values() for shape in group]
        pairs += len(gone) - len(left)
        gone = left
    return pairs


def _notes(stored: Annotation, annotation: Annotation, flags: bool) -> Iterator[str]:
    if flags:
        yield "the flags of the photo were changed"
    if stored.base is not None and annotation.base is None:
        objects = "; the numbers of its objects are left with the version before" if stored.instances else ""
        yield f"the imported map was changed, its classes are masks now{objects}"
    if stored.paint is not None and annotation.paint is None:
        yield "what was painted was changed, its classes are masks now"
