"""Which files of a source are Label Studio's JSON export, and what else of Label Studio's may lie there."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.errors import UserError
from labeling.formats.bytes_read import ReadBytes, unheard
from labeling.formats.json_file import MAX_BYTES
from labeling.formats.json_stream import stream_objects
from labeling.formats.labelstudio.tasks import ANNOTATIONS, is_min, is_task

EXPECTED = "Label Studio's JSON"
_WHOLE = ""  # ijson's prefix of a file that is one object
EXPORT_AS_JSON = "Export the project again in the format JSON."

# label-studio-sdk, src/label_studio_sdk/converter/brush.py, `save_brush_images_from_annotation`
_MASK = re.compile(r"task-\d+-annotation-\d+-by-.*\.(png|npy)")


def candidates(source: Path) -> list[Path]:
    """Return the JSON files of a source: itself, or those in the folder and in its sub-folders."""
    if source.is_file():
        return [source]
    found = [*source.glob("*.json"), *source.glob("*/*.json")]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(source).parts))


def stream_tasks(path: Path, read_bytes: ReadBytes = unheard) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a file, one at a time: of a list of them, or the only one (a file a task).

    `read_bytes` is told how much of it was read.

    Raises:
        UserError: it cannot be read, is no JSON, or is JSON-MIN.
    """
    for entry in stream_objects(path, _prefix(path), EXPECTED, read_bytes=read_bytes):
        if is_min(entry):
            raise UserError(f"{path} is Label Studio's JSON-MIN, which leaves out what was cancelled. {EXPORT_AS_JSON}")
        yield entry


def holds_tasks(path: Path) -> bool:
    """Tell whether the first object of a file is a task, or one of JSON-MIN, which is said when it is read."""
    try:
        if _prefix(path) == _WHOLE and not _speaks_of_a_task(path):
            return False
        first = next(stream_objects(path, _prefix(path), EXPECTED), {})
    except UserError:
        return False
    return is_task(first) or is_min(first)


def find_masks(source: Path) -> list[str]:
    """Return names of the masks that Label Studio writes, one a label, where brush masks are exported as pictures."""
    if not source.is_dir():
        return []
    names = {path.name for path in (*source.glob("task-*"), *source.glob("*/task-*"))}
    return sorted(name for name in names if _MASK.fullmatch(name))


def _prefix(path: Path) -> str:
    """Return where the tasks are: ijson's prefix."""
    try:
        with path.open("rb") as file:
            start = file.read(256).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if start == b"{" and path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is one object of more than {MAX_BYTES // 2**20} MiB. Name a list of tasks.")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    return _WHOLE if start == b"{" else "item"


def _speaks_of_a_task(path: Path) -> bool:
    """Tell whether a file holds the keys of a task, without parsing what may hold a whole photo."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(b'"data"') >= 0 and any(data.find(b'"%s"' % key.encode()) >= 0 for key in ANNOTATIONS)
    except (OSError, ValueError):
        return False
