"""JSON of any size, an object at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from db.errors import UserError
from labeling.formats.bytes_read import ReadBytes, unheard
from labeling.formats.json_depth import ShallowJson

_BOM = b"\xef\xbb\xbf"
_PIECE = 2**20  # bytes read at once: a text longer than that is looked through again with every piece


class _Head:
    """The first bytes of a file; `read_bytes` is told how many more were read."""

    def __init__(self, file: BinaryIO, limit: int | None, read_bytes: ReadBytes) -> None:
        self._file, self._left, self._read_bytes = file, limit, read_bytes

    @property
    def is_cut(self) -> bool:
        """Whether all that may be read was."""
        return self._left == 0

    def read(self, size: int = -1) -> bytes:
        if self._left is not None:
            size = self._left if size < 0 else min(size, self._left)
        data = self._file.read(size)
        if self._left is not None:
            self._left -= len(data)
        self._read_bytes(len(data))
        return data


def stream_objects(
    path: Path,
    prefix: str,
    expected: str,
    limit: int | None = None,
    read_bytes: ReadBytes = unheard,
) -> Iterator[dict[str, Any]]:
    """Yield the objects at an ijson prefix (`images.item`) of a JSON file, one at a time; {} for what is no object.

    Args:
        path: of the file.
        prefix: where the objects are.
        expected: what the file should hold, in words.
        limit: bytes to read; what lies beyond is left out. None: all of it.
        read_bytes: told, piece by piece, how many bytes were read.

    Raises:
        UserError: the file cannot be opened, is no JSON, or is nested too deeply.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_BOM)) != _BOM:
                file.seek(0)
            head = _Head(file, limit, read_bytes)
            for entry in ijson.items(ShallowJson(head), prefix, use_float=True, buf_size=_PIECE):
                yield entry if isinstance(entry, dict) else {}
    except (ijson.JSONError, ValueError) as error:
        if head.is_cut:
            return
        cause = " ".join(str(error).split())
        raise UserError(f"{path}: expected {expected}, found text that is none: {cause}.") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
