"""A first pass over a CVAT file: its labels, its images and where each stands, but none of their shapes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from db.errors import UserError
from labeling.colors import RGB
from labeling.formats.bytes_read import ReadBytes, unheard
from labeling.formats.cvat.stream import XmlError, read_xml
from labeling.names import MAX_CLASS_NAME, MAX_NAME

MAX_IMAGES = 1_000_000
MAX_LABELS = 10_000

_LONGEST_PATH = 4096  # characters; no file system holds a longer one, so it would be found nowhere anyway

SHAPES = frozenset({"polygon", "box", "polyline", "points", "ellipse", "mask", "cuboid", "skeleton"})
"""Elements of an image that outline something; `tag` says something of the whole image."""

_AREALESS = frozenset({"skeleton", "tag", "cuboid"})  # types of labels that no pixels come from
_COLOR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")


@dataclass
class ImageEntry:
    """An `image` element: `place` is its first byte, `size` width and height as it says (None: it does not)."""

    name: str
    subset: str
    size: tuple[int, int] | None
    place: int
    shapes: int = 0


@dataclass
class Outline:
    """What a file holds.

    Attributes:
        labels: names of the labels that pixels can come from, in the file's order; those of shapes that `meta` does not
            name follow.
        colors: of the labels.
        counts: how many shapes each label has.
        images: in the file's order.
        tracks: objects of a video, which are not read.
    """

    labels: dict[str, None] = field(default_factory=dict)
    colors: dict[str, RGB] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    images: list[ImageEntry] = field(default_factory=list)
    tracks: int = 0


def read_outline(file: Path, read_bytes: ReadBytes = unheard) -> Outline:
    """Read a file; `read_bytes` is told how much of it was read.

    Raises:
        UserError: it is no XML of CVAT's, or one that is refused.
    """
    reader = _OutlineReader()
    try:
        read_xml(file, reader, read_bytes=read_bytes)
    except XmlError as error:
        raise UserError(f"{file}: expected CVAT's XML, but {error}.") from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}).") from error
    outline = reader.outline
    outline.labels |= dict.fromkeys(sorted(outline.counts.keys() - outline.labels.keys()))
    return outline


class _OutlineReader:
    def __init__(self) -> None:
        self.done = False
        self.outline = Outline()
        self._label: dict[str, str] = {}

    def start(self, path: tuple[str, ...], attributes: dict[str, str], place: int) -> None:
        if len(path) == 1 and path[0] != "annotations":
            raise XmlError(f"its root is <{path[0][:40]}>, not <annotations>")
        if len(path) == 2:
            if path[1] == "image":
                self._add_image(attributes, place)
            elif path[1] == "track":
                self.outline.tracks += 1
        elif len(path) == 3 and path[1] == "image" and path[2] in SHAPES:
            self.outline.images[-1].shapes += 1
            name = attributes.get("label", "").strip()
            if path[2] not in _AREALESS and 0 < len(name) <= MAX_CLASS_NAME:
                self.outline.counts[name] += 1
                self._refuse_many_labels()

    def end(self, path: tuple[str, ...], text: str) -> None:
        if len(path) < 4 or path[1] != "meta":
            return
        if path[-2] == "label" and path[-1] in ("name", "color", "type", "parent"):
            self._label[path[-1]] = text.strip()
        elif path[-1] == "label":
            self._add_label(self._label)
            self._label = {}

    def _add_image(self, attributes: dict[str, str], place: int) -> None:
        if len(self.outline.images) == MAX_IMAGES:
            raise XmlError(f"it has more than {MAX_IMAGES:,} images; export it in parts")
        sides = _side(attributes.get("width")), _side(attributes.get("height"))
        size = (sides[0], sides[1]) if sides[0] and sides[1] else None
        name, subset = attributes.get("name", "")[:_LONGEST_PATH], attributes.get("subset", "").strip()[:MAX_NAME]
        self.outline.images.append(ImageEntry(name, subset, size, place))

    def _add_label(self, label: dict[str, str]) -> None:
        name = label.get("name", "")
        if not 0 < len(name) <= MAX_CLASS_NAME or label.get("parent") or label.get("type") in _AREALESS:
            return
        self.outline.labels[name] = None
        color = _COLOR.fullmatch(label.get("color", ""))
        if color:
            self.outline.colors[name] = (int(color[1], 16), int(color[2], 16), int(color[3], 16))
        self._refuse_many_labels()

    def _refuse_many_labels(self) -> None:
        if len(self.outline.counts) > MAX_LABELS or len(self.outline.labels) > MAX_LABELS:
            raise XmlError(f"it has more than {MAX_LABELS:,} labels, which are no classes")


def _side(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text.strip()) else None
