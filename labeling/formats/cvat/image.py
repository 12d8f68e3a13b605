"""The elements of one image, read where it stands in its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labeling.formats.base import BadItemError
from labeling.formats.cvat.stream import XmlError, read_xml

MAX_BYTES = 16 * 2**20
"""Largest text of one image's attributes together: as numbers it takes some forty times as much."""
MAX_ELEMENTS = 100_000


@dataclass
class Element:
    """A shape or a tag: its attributes as written, and the `attribute` elements inside by name."""

    tag: str
    attributes: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)


def read_elements(file: Path, place: int, name: str) -> list[Element]:
    """Return the elements of an image.

    Args:
        file: CVAT's XML.
        place: byte at which the `image` element begins.
        name: of the image, as it was when the file was listed.

    Raises:
        BadItemError: another element stands there now, or it holds too much.
    """
    reader = _ImageReader(name)
    try:
        read_xml(file, reader, place)
    except XmlError as error:
        raise BadItemError(f"{file.name} cannot be read: {error}.") from error
    except OSError as error:
        raise BadItemError(f"{file.name} cannot be read: {error.strerror or error}.") from error
    return reader.elements


class _ImageReader:
    def __init__(self, name: str) -> None:
        self.done = False
        self.elements: list[Element] = []
        self._name = name
        self._value_name = ""
        self._size = 0

    def start(self, path: tuple[str, ...], attributes: dict[str, str], place: int) -> None:
        if len(path) == 1 and (path[0] != "image" or attributes.get("name", "") != self._name):
            raise BadItemError("Its label file changed during the import; import again.")
        self._count(sum(map(len, attributes.values())))
        if len(path) == 2:
            if len(self.elements) == MAX_ELEMENTS:
                raise BadItemError(f"It has more than {MAX_ELEMENTS:,} shapes, the most that one image may have.")
            # What has another namespace is not CVAT's, and its name could not be written again.
            own = {key: value for key, value in attributes.items() if not key.startswith("{")}
            self.elements.append(Element(path[1], own))
        elif len(path) == 3 and path[2] == "attribute":
            self._value_name = attributes.get("name", "")

    def end(self, path: tuple[str, ...], text: str) -> None:
        if len(path) == 1:
            self.done = True
        elif len(path) == 3 and path[2] == "attribute":
            self._count(len(text))
            self.elements[-1].values[self._value_name] = text.strip()

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_BYTES:
            raise BadItemError(f"Its labels are more than {MAX_BYTES // 2**20} MiB of text, the most for one image.")
