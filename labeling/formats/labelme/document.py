"""A labelme JSON file as text: decoded, parsed within limits, peeked into."""

from __future__ import annotations

import codecs
import json
import locale
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeling.formats.base import BadItemError

MAX_BYTES = 512 * 2**20
"""Largest label file read. An embedded photo of the largest accepted size stays well below."""

_EXPECTED = "not a label file of labelme: expected a JSON object with a list `shapes`"
_IMAGE_PATH = re.compile(rb'"imagePath"\s*:\s*("(?:[^"\\]|\\.)*+")')
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Document:
    """A parsed label file.

    Attributes:
        fields: the JSON object.
        shapes: its `shapes`, not yet validated.
        repairs: sentences about what was odd in the text itself.
    """

    fields: dict[str, Any]
    shapes: list[Any]
    repairs: tuple[str, ...]


def read_document(path: Path) -> Document:
    """Read a label file.

    Raises:
        BadItemError: it is missing, too large, not text, not JSON, or not labelme's.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadItemError(f"the label file is larger than {MAX_BYTES // 2**20} MiB, the largest size accepted")
        data = path.read_bytes()
    except OSError as error:
        raise BadItemError(f"the label file cannot be read: {error.strerror or error}") from error
    return parse_document(data)


def parse_document(data: bytes) -> Document:
    """Read the bytes of a label file. Raises as `read_document`."""
    text, repairs = _decode(data)
    fields, repeated = _parse(text)
    if not isinstance(fields, dict):
        raise BadItemError(f"{_EXPECTED}, found a JSON {type(fields).__name__}")
    if not isinstance(fields.get("shapes"), list):
        keys = ", ".join(list(fields)[:6]) or "none"
        raise BadItemError(f"{_EXPECTED}, found an object without one (keys: {keys})")
    if repeated:
        names = ", ".join(sorted(repeated))
        repairs = (*repairs, f"a key is given twice in one object ({names}); the last value was taken")
    return Document(fields, fields["shapes"], repairs)


def peek_image_path(path: Path) -> str | None:
    """Find `imagePath` without parsing the file, which may hold a whole photo. None: it has none that can be found."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return _parsed_image_path(path)
            match = _IMAGE_PATH.search(data)
            value = json.loads(match[1]) if match else None
    except (OSError, ValueError):  # an empty file cannot be mapped; what is wrong with it is said when it is read
        return None
    return value if isinstance(value, str) else None


def _parsed_image_path(path: Path) -> str | None:
    try:
        value = read_document(path).fields.get("imagePath")
    except BadItemError:
        return None
    return value if isinstance(value, str) else None


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    if not data.strip():
        raise BadItemError("the label file is empty")
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        # labelme on Windows wrote the encoding of the computer until 2018.
        local = locale.getencoding()
        if encoding != "utf-8" or codecs.lookup(local).name == "utf-8":
            raise BadItemError(f"the label file is not {encoding.upper()} text; save it as UTF-8: {error}") from error
        try:
            return data.decode(local), (f"the label file is not UTF-8; it was read as {local}",)
        except UnicodeDecodeError:
            raise BadItemError(f"the label file is neither UTF-8 nor {local} text; save it as UTF-8") from error
    return text, () if encoding != "utf-16" else ("the label file is UTF-16; labelme writes UTF-8",)


def _parse(text: str) -> tuple[Any, set[str]]:
    repeated: set[str] = set()

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            keys = [key for key, _ in pairs]
            repeated.update(key for key in result if keys.count(key) > 1)
        return result

    try:
        return json.loads(text, object_pairs_hook=collect), repeated
    except RecursionError as error:
        raise BadItemError("the label file is nested too deeply to be labelme's") from error
    except json.JSONDecodeError as error:
        raise BadItemError(f"the label file is not valid JSON: {error}") from error
    except ValueError as error:
        raise BadItemError("the label file holds a whole number of thousands of digits") from error
