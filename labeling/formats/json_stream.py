"""JSON of any size, an object at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from db.errors import UserError
from labeling.formats.json_depth import ShallowJson

_BOM = b"\xef\xbb\xbf"
_PIECE = 2**20  # bytes read at once: a text longer than that is looked through again with every piece


class _Head:
    """The first bytes of a file."""

    def __init__(self, file: BinaryIO, limit: int | None) -> None:
        self._file, self._left = file, limit

    @property
    def is_cut(self) -> bool:
        """Whether all that may be read was."""
        return self._left == 0

    def read(self, size: int = -1) -> bytes:
        if self._left is None:
            return self._file.read(size)
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def stream_objects(path: Path, prefix: str, expected: str, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the objects at an ijson prefix (`images.item`) of a JSON file, one at a time; {} for what is no object.

    Args:
        path: of the file.
        prefix: where the objects are.
        expected: what the file should hold, in words.
        limit: bytes to read; what lies beyond is left out. None: all of it.

    Raises:
        UserError: the file cannot be opened, is no JSON, or is nested too deeply.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_BOM)) != _BOM:
                file.seek(0)
            head = _Head(file, limit)
            for entry in ijson.items(ShallowJson(head), prefix, use_float=True, buf_size=_PIECE):
                yield entry if isinstance(entry, dict) else {}
    except (ijson.JSONError, ValueError) as error:
        if head.is_cut:
            return
        cause = " ".join(str(error).split())
        raise UserError(f"{path}: expected {expected}, found text that is none: {cause}.") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
