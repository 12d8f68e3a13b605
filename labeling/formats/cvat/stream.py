"""CVAT's XML, read as a stream of elements without ever building a tree: what a file may cost is bounded.

The parser is defusedxml's, which refuses document types, entities and external references. Nesting is bounded here, and
so is what one tag may hold, so that memory does not grow with the file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from labeling.formats.bytes_read import ReadBytes, unheard

MAX_FILE_BYTES = 2 * 2**30
MAX_TAG_BYTES = 32 * 2**20
"""Largest tag with its attributes, and largest text of an element: a mask's runs on the largest photo stay below."""
MAX_DEPTH = 32

_CHUNKS = (2**14, 2**22)  # bytes: the first is about an image's, and the parser goes over a long tag at each anew
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']")
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class XmlError(ValueError):
    """A file is not XML that may be read; the message says why."""


class Reader(Protocol):
    """Takes the elements of a file as they come; `path` holds the tags from the root to the element itself."""

    done: bool
    """Set by the reader once it has what it wants: the rest of the file is not read."""

    def start(self, path: tuple[str, ...], attributes: dict[str, str], place: int) -> None:
        """Take an element's tag, which stands at byte `place` of the file."""

    def end(self, path: tuple[str, ...], text: str) -> None:
        """Take an element's end with the text since the last tag."""


def read_xml(file: Path, reader: Reader, start: int = 0, read_bytes: ReadBytes = unheard) -> None:
    """Give the elements of a file to a reader.

    Args:
        file: in UTF-8, as CVAT writes it.
        reader: takes them; what it raises goes through.
        start: byte at which the element begins that is to be read as if it were a file; 0 for the whole file.
        read_bytes: told how many bytes were read.

    Raises:
        XmlError: no XML, cut off, in another encoding, with a document type or entities, or beyond a bound.
        OSError: the file cannot be read.
    """
    if file.stat().st_size > MAX_FILE_BYTES:
        raise XmlError(f"it is larger than {MAX_FILE_BYTES // 2**30} GiB, the largest size read; export it in parts")
    feed = _Feed(reader, start)
    with file.open("rb") as stream:
        if not start:
            _refuse_encoding(stream.read(1024))
        stream.seek(start)
        size, largest = _CHUNKS
        try:
            while not reader.done and (chunk := stream.read(size)):
                feed.take(chunk)
                read_bytes(len(chunk))
                size = min(2 * size, largest)
            if not reader.done:
                feed.parser.close()
        except DefusedXmlException as error:
            raise XmlError("it has a document type or entities, which CVAT never writes and an attack does") from error
        except ParseError as error:
            if not reader.done:  # what follows the element that was wanted is not looked at
                raise XmlError(f"it is no whole XML: {error}") from error


class _Feed:
    """Stands between parser and reader, and counts."""

    def __init__(self, reader: Reader, start: int) -> None:
        self._reader, self._start = reader, start
        self._path: list[str] = []
        self._text: list[str] = []
        self._text_size = 0
        self._unanswered = 0  # bytes fed since the parser last told of anything
        self.parser: Any = DefusedXMLParser(target=self, forbid_dtd=True)

    def take(self, chunk: bytes) -> None:
        """Feed a piece of the file."""
        self._unanswered += len(chunk)
        self.parser.feed(chunk)
        if self._unanswered > MAX_TAG_BYTES:
            raise XmlError(f"it has a tag of more than {MAX_TAG_BYTES // 2**20} MiB, which no label needs")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._unanswered = 0
        if self._reader.done:
            return
        if len(self._path) == MAX_DEPTH:
            raise XmlError(f"its elements are nested more than {MAX_DEPTH} deep, which CVAT's are not")
        self._path.append(tag)
        self._forget_text()
        self._reader.start(tuple(self._path), attributes, self._start + self.parser.parser.CurrentByteIndex)

    def end(self, tag: str) -> None:
        self._unanswered = 0
        if self._reader.done:
            return
        self._reader.end(tuple(self._path), "".join(self._text))
        self._path.pop()
        self._forget_text()

    def data(self, text: str) -> None:
        self._unanswered = 0
        self._text_size += len(text)
        if self._text_size > MAX_TAG_BYTES:
            raise XmlError(f"it has a text of more than {MAX_TAG_BYTES // 2**20} MiB, which no label needs")
        self._text.append(text)

    def close(self) -> None:
        """Nothing is built."""

    def _forget_text(self) -> None:
        self._text.clear()
        self._text_size = 0


def _refuse_encoding(head: bytes) -> None:
    declared = _ENCODING.search(head)
    encoding = declared[1].decode("latin-1").lower() if declared else "utf-8"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or encoding not in _UTF_8:
        raise XmlError(f"it is written in {encoding if declared else 'UTF-16'}, expected UTF-8, as CVAT writes it")
