"""Photos in an export: copied, linked or left out; those that carry an EXIF rotation are written upright.

Labels are those of the upright photo. Some programs heed the EXIF rotation, others do not: a photo that needs none
fits its labels in both.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from db.errors import UserError
from labeling.exporting.folder import ExportFolder
from labeling.exporting.request import Photos
from labeling.photos import PhotoError, read_orientation, upright_bytes


def write_photo(folder: ExportFolder, name: str, source: Path, photos: Photos) -> bool:
    """Write a photo, or link it, or only look at it; return whether it carries an EXIF rotation.

    Raises:
        UserError: it cannot be read or written.
    """
    try:
        is_turned = read_orientation(source) != 1
        if photos == "none":
            return is_turned
        if is_turned:
            folder.put(name, upright_bytes(source))
        elif photos == "copy":
            folder.put(name, source.read_bytes())
        else:
            _link(source, folder.path / name)
    except PhotoError as error:
        raise UserError(f"The photo {source} cannot be read: {error}. Import the dataset again.") from error
    return is_turned


def _link(source: Path, path: Path) -> None:
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    temporary.symlink_to(source.resolve())
    temporary.replace(path)
