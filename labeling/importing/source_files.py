"""A look at a folder that somebody wants to import: which files there are, without opening any."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labeling.formats.base import IMAGE_SUFFIXES

MAX_FILES = 200_000
MAX_DEPTH = 32


@dataclass(frozen=True)
class SourceFiles:
    """The files below a folder.

    Attributes:
        root: the folder.
        images: image files, relative POSIX paths, sorted.
        documents: JSON files, likewise.
        others: all other files, likewise.
        folders: every folder below, likewise.
        complete: False where there are more files than were looked at.
    """

    root: Path
    images: tuple[str, ...]
    documents: tuple[str, ...]
    others: tuple[str, ...]
    folders: tuple[str, ...]
    complete: bool

    def has_folder(self, name: str) -> bool:
        """Tell whether a folder of this name lies anywhere below."""
        return any(folder.rpartition("/")[2] == name for folder in self.folders)


def look_through(root: Path) -> SourceFiles:
    """Look through a folder, or at one file; hidden files and `__MACOSX` are left out, links to folders not followed.

    At most 200,000 files are looked at, 32 folders deep.
    """
    if root.is_file():
        named = (root.name,)
        if root.suffix.lower() == ".json":
            return SourceFiles(root.parent, (), named, (), (), complete=True)
        return SourceFiles(root.parent, (), (), named, (), complete=True)
    images, documents, others, folders = list[str](), list[str](), list[str](), list[str]()
    seen, complete = 0, True
    for folder, name in _walk(root):
        if name is None:
            folders.append(folder)
            continue
        seen += 1
        if seen > MAX_FILES:
            complete = False
            break
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in IMAGE_SUFFIXES:
            images.append(f"{folder}{name}")
        elif suffix == ".json":
            documents.append(f"{folder}{name}")
        else:
            others.append(f"{folder}{name}")
    return SourceFiles(
        root=root,
        images=tuple(sorted(images)),
        documents=tuple(sorted(documents)),
        others=tuple(sorted(others)),
        folders=tuple(sorted(folders)),
        complete=complete,
    )


def _walk(root: Path) -> Iterator[tuple[str, str | None]]:
    """Yield (`sub/`, file name) of every visible file, and (`sub`, None) of every visible folder."""
    for path, names, files in os.walk(root):
        relative = "" if Path(path) == root else f"{Path(path).relative_to(root).as_posix()}/"
        names[:] = sorted(name for name in names if _is_visible(name)) if relative.count("/") < MAX_DEPTH else []
        yield from ((f"{relative}{name}", None) for name in names)
        yield from ((relative, name) for name in files if _is_visible(name))


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"
