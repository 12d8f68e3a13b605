"""Which COCO files a source holds, where the photos of each lie, and which split its name tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import ReadRequest

_KIND = re.compile(r"^(instances|panoptic|stuff)_")
_NESTED = "_annotations"  # Roboflow: train/_annotations.coco.json, with the photos beside it


@dataclass(frozen=True)
class CocoFile:
    """A COCO file: `name` relative to the source; `split` is `train2017` of `instances_train2017.json`."""

    path: Path
    name: str
    split: str


def find_files(source: Path, prefix: str) -> list[CocoFile]:
    """Return the COCO files of a source: itself, or those in the folder, in its sub-folders or in annotations/.

    Where files exist whose names begin with `prefix`, the others beside them (captions, key points) are left out.

    Raises:
        UserError: there is none.
    """
    if source.is_file():
        return [_coco_file(source, source.parent)]
    if not source.is_dir():
        raise UserError(f"{source}: expected a COCO JSON file or a folder with one, found none.")
    visible = [path for path in (*source.glob("*.json"), *source.glob("*/*.json")) if not _is_hidden(path, source)]
    found = [path for path in visible if path.name.startswith(prefix)] or visible
    if not found:
        raise UserError(f"{source}: expected a COCO JSON file, here or in annotations/, found none. Name the file.")
    return [_coco_file(path, source) for path in sorted(found)]


def photo_folders(file: CocoFile, request: ReadRequest) -> list[Path]:
    """Return the folders where the photos of a COCO file may lie, the likeliest first."""
    if request.images is not None:
        if not request.images.is_dir():
            raise UserError(f"{request.images}: expected the folder of the photos, found none.")
        return [request.images]
    beside = file.path.parent
    above = beside.parent
    folders = [
        beside / "images",
        beside,
        above / "images",
        beside / file.split,
        above / file.split,
        beside / "images" / file.split,
        above / "images" / file.split,
        above,
    ]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def map_folders(file: CocoFile, request: ReadRequest) -> list[Path]:
    """Return the folders where the PNGs of a COCO panoptic file may lie, the likeliest first."""
    if request.masks is not None:
        if not request.masks.is_dir():
            raise UserError(f"{request.masks}: expected the folder of the segments' PNGs, found none.")
        return [request.masks]
    beside = file.path.parent
    names = (file.path.stem, f"panoptic_{file.split}", "masks", file.split, ".")
    return [folder for name in names for parent in (beside, beside.parent) if (folder := parent / name).is_dir()]


def _coco_file(path: Path, source: Path) -> CocoFile:
    split = path.parent.name if path.name.startswith(_NESTED) else _KIND.sub("", path.stem, count=1)
    return CocoFile(path, path.relative_to(source).as_posix(), split)


def _is_hidden(path: Path, source: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(source).parts)
