"""JSON of any size, an object at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from db.errors import UserError

_BOM = b"\xef\xbb\xbf"


def stream_objects(path: Path, prefix: str, expected: str) -> Iterator[dict[str, Any]]:
    """Yield the objects at an ijson prefix (`images.item`) of a JSON file, one at a time; {} for what is no object.

    Args:
        path: of the file.
        prefix: where the objects are.
        expected: what the file should hold, in words.

    Raises:
        UserError: the file cannot be opened, or is no JSON.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_BOM)) != _BOM:
                file.seek(0)
            for entry in ijson.items(file, prefix, use_float=True):
                yield entry if isinstance(entry, dict) else {}
    except (ijson.JSONError, ValueError) as error:
        cause = " ".join(str(error).split())
        raise UserError(f"{path}: expected {expected}, found text that is none: {cause}.") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
