"""JSON of any size, an object at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from db.errors import UserError
from labeling.formats.json_depth import ShallowJson
from labeling.progress import Progress

_BOM = b"\xef\xbb\xbf"
TOLD_BYTES = 10_000_000
"""From how many bytes on the reading of files is told."""

_PIECE = 2**20  # bytes read at once: a text longer than that is looked through again with every piece


class _Head:
    """The first bytes of a file; `read_bytes` is told how many more were read."""

    def __init__(self, file: BinaryIO, limit: int | None, read_bytes: Callable[[int], None]) -> None:
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


class BytesRead:
    """Tells how far files are read that are gone through several times.

    Args:
        progress: told, of large files: small ones are read before anybody looks.
        paths: the files.
        passes: how often each is read.
    """

    def __init__(self, progress: Progress, paths: Iterable[Path], passes: int) -> None:
        self._progress, self._passes = progress, passes
        self._total, self._done = sum(path.stat().st_size for path in paths if path.is_file()), 0

    def __call__(self, size: int) -> None:
        """Count bytes that were read."""
        self._done += size
        if self._total >= TOLD_BYTES:
            self._progress(self._done // self._passes // 10**6, self._total // 10**6, "MB of labels listed")


def stream_objects(
    path: Path,
    prefix: str,
    expected: str,
    limit: int | None = None,
    read_bytes: Callable[[int], None] = lambda _: None,
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
