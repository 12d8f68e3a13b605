"""Which CVAT files a source holds, and where the photos of each may lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import ReadRequest
from labeling.formats.places import Place
from labeling.formats.splits import role_of

_ROOT = re.compile(rb"<annotations[\s>]")  # VOC's XML files begin with <annotation>
_HEAD_BYTES = 4096
_MAX_LOOKED_AT = 2000


@dataclass(frozen=True)
class CvatFile:
    """A CVAT file: its place in the source, and the split that its name or folder tells, else nothing."""

    place: Place
    split: str

    @property
    def path(self) -> Path:
        """The file. Raises `BadItemError` where a link leads out of the source."""
        return self.place.path


def find_files(source: Path) -> list[CvatFile]:
    """Return the CVAT files of a source: itself, or those in the folder and in its sub-folders.

    Raises:
        UserError: there is none.
    """
    if source.is_file():
        return [_cvat_file(source, source.parent)]
    if not source.is_dir():
        raise UserError(f"{source}: expected CVAT's annotations.xml or a folder with one, found none.")
    named = sorted(
        path for pattern in ("*.xml", "*/*.xml") for path in source.glob(pattern) if _is_visible(path, source)
    )
    found = [path for path in named[:_MAX_LOOKED_AT] if is_cvat(path)]
    if not found:
        raise UserError(
            f"{source}: expected CVAT's annotations.xml, here or one folder below, found none. Name the file."
        )
    return [_cvat_file(path, source) for path in found]


def is_cvat(file: Path) -> bool:
    """Tell whether a file begins as CVAT's do."""
    try:
        with file.open("rb") as stream:
            return _ROOT.search(stream.read(_HEAD_BYTES)) is not None
    except OSError:
        return False


def photo_folders(file: CvatFile, request: ReadRequest) -> list[Path]:
    """Return the folders where the photos of a CVAT file may lie, the likeliest first."""
    if request.images is not None:
        if not request.images.is_dir():
            raise UserError(f"{request.images}: expected the folder of the photos, found none.")
        return [request.images]
    beside = (file.place.root / file.place.name).parent
    folders = [beside / "images", beside]
    if beside != file.place.root:
        folders += [beside.parent / "images", beside.parent]
    return [folder for folder in folders if folder.is_dir()]


def _cvat_file(path: Path, source: Path) -> CvatFile:
    name = path.relative_to(source)
    folder = name.parent.name
    split = next((word for word in (name.stem, folder) if role_of(word)), "")
    return CvatFile(Place(source, name.as_posix()), split)


def _is_visible(path: Path, source: Path) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(source).parts)
