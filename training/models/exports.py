"""Exported weights that wait to be downloaded: `exports/<project>/` in the home."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db.errors import NotFoundError
from db.files import explain_os_errors
from db.home import Home

ENDINGS = {"bundle": ".bundle.safetensors", "safetensors": ".safetensors", "pt2": ".pt2", "onnx": ".onnx"}


@dataclass(frozen=True)
class ExportedFile:
    """A file that can be downloaded.

    Attributes:
        name: to ask for it by.
        path: of the file.
        size: bytes.
        made_at: when it was written.
    """

    name: str
    path: Path
    size: int
    made_at: datetime


def new_export_path(home: Home, project_id: int, model: str, format: str) -> Path:
    """Return the path of a file that is not there yet, for `export weights --to`; its folder is made.

    Args:
        home: to write in.
        project_id: the model's.
        model: reference, `12:best`.
        format: one of `ENDINGS`.

    Raises:
        UserError: the folder cannot be made.
    """
    folder = home.exports / str(project_id)
    with explain_os_errors(home.path):
        folder.mkdir(parents=True, exist_ok=True)
    stem, ending = re.sub(r"[^\w.-]+", "-", Path(model).name).strip(".-")[:80] or "model", ENDINGS[format]
    path, number = folder / f"{stem}{ending}", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}{ending}", number + 1
    return path


def list_exports(home: Home, project_id: int) -> list[ExportedFile]:
    """Return the files of a project, the newest first; those still being written are left out."""
    folder = home.exports / str(project_id)
    if not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            status = path.stat()
            made = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(ExportedFile(path.name, path, status.st_size, made))
    return sorted(found, key=lambda file: file.made_at, reverse=True)


def find_export(home: Home, project_id: int, name: str) -> ExportedFile:
    """Return the file of this name. It is looked up among those there are: the name never becomes part of a path.

    Raises:
        NotFoundError: there is none.
    """
    for file in list_exports(home, project_id):
        if file.name == name:
            return file
    raise NotFoundError(f"There is no exported file {name!r}.")
