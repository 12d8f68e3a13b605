"""Which photo each labelme JSON file of a folder is about.

Only photos that were found by walking the import folder can be named: whatever `imagePath` holds, it is looked up
among them and never opened, so that a label file cannot reach outside.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from labeling.formats.base import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Match:
    """What became of a label file's `imagePath`.

    Attributes:
        path: the photo relative to the folder of photos; None: not found.
        note: how it was found, or why not; empty where it lies as `imagePath` says.
    """

    path: str | None
    note: str = ""


class PhotoIndex:
    """Photos of a folder, to be looked up by what label files say about them.

    Args:
        root: the folder.
        paths: its photos, relative POSIX paths.
        anywhere: look for the name in the whole folder too; for photos that are kept apart from the label files.
    """

    def __init__(self, root: Path, paths: Iterable[str], *, anywhere: bool = False) -> None:
        self._root = os.path.abspath(root)  # noqa: PTH100  # Path.resolve would follow links
        self.paths = set(paths)
        self._anywhere = anywhere
        self._folded: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        self._names: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.paths):
            pure = PurePosixPath(path)
            self._folded[_fold(path)].append(path)
            self._stems[_fold(str(pure.with_suffix("")))].append(path)
            self._names[_fold(pure.name)].append(path)

    def find(self, label_file: Path, folder: PurePosixPath, image_path: str | None) -> Match:
        """Look for the photo of a label file: as given, by its name beside the file, by the file's own stem.

        Args:
            label_file: the JSON file.
            folder: its folder relative to the import folder.
            image_path: what its `imagePath` says.
        """
        given = None if image_path is None else PureWindowsPath(image_path).as_posix()
        outside = False
        if given is not None:
            inside = self._inside(label_file, given)
            outside = inside is None
            found = (inside and self._look_up(inside)) or self._look_up(str(folder / PurePosixPath(given).name))
            if found is None and self._anywhere:
                found = _single(self._names[_fold(PurePosixPath(given).name)])
            if found is not None:
                namesake = self._namesake(label_file, folder, found) if found == inside else ""
                return Match(
                    found, namesake if found == inside else f"imagePath says {image_path!r}, {found} was found"
                )
        return self._by_stem(label_file, folder, image_path, outside)

    def same_stem(self, path: str) -> list[str]:
        """Return the photos beside `path` that differ from it in their suffix only, itself left out."""
        return [other for other in self._stems[_fold(str(PurePosixPath(path).with_suffix("")))] if other != path]

    def _namesake(self, label_file: Path, folder: PurePosixPath, found: str) -> str:
        """Return a sentence where a photo beside a label file has its name, but another one is named in it.

        labelme opens the named one, and so does an import; but so it also looks where files were renamed or copied.
        """
        beside = self._stems[_fold(str(folder / label_file.stem))]
        if not beside or found in beside:
            return ""
        return (
            f"its imagePath names {found}, which was taken as labelme does, though {beside[0]} has its name; if the "
            "labels are of that photo, correct imagePath"
        )

    def _by_stem(self, label_file: Path, folder: PurePosixPath, image_path: str | None, outside: bool) -> Match:
        says = "it has no imagePath" if image_path is None else f"its imagePath {image_path!r} is not there"
        if image_path is not None and _is_unread(label_file, image_path):
            says = f"its imagePath {image_path!r} is a kind of file that is not read (save it as JPEG or PNG beside it)"
        if outside:
            says = f"its imagePath {image_path!r} leads out of the import folder"
        beside = self._stems[_fold(str(folder / label_file.stem))]
        if len(beside) > 1:
            return Match(None, f"{says}, and {' and '.join(beside)} both have its name; set imagePath to one of them")
        if beside:
            return Match(beside[0], f"{says}; {beside[0]}, which has its name, was taken")
        return Match(None, f"the photo was not found: {says}, and no photo beside it has its name")

    def _inside(self, label_file: Path, given: str) -> str | None:
        """Return the given path relative to the folder of photos; None where it leads out of it. Opens nothing."""
        absolute = os.path.abspath(label_file.parent / given)  # noqa: PTH100
        if os.path.commonpath([absolute, self._root]) != self._root or "\0" in given:
            return None
        return PurePosixPath(os.path.relpath(absolute, self._root)).as_posix()

    def _look_up(self, path: str) -> str | None:
        """Find a path exactly, else in another case or Unicode form where that is unambiguous."""
        return path if path in self.paths else _single(self._folded[_fold(path)])


def embedded_name(label_file: Path, image_path: str | None) -> str:
    """Return the name under which a photo is imported that only its label file holds."""
    given = PureWindowsPath(image_path or "")
    return given.name if given.suffix.lower() in IMAGE_SUFFIXES else f"{label_file.stem}.png"


def is_index_png(path: Path) -> bool:
    """Whether a file is a palette or greyscale PNG, as masks are. Reads 26 bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(26)
    except OSError:
        return False
    return len(head) == 26 and head.startswith(b"\x89PNG") and head[25] in (0, 3)


def _is_unread(label_file: Path, image_path: str) -> bool:
    """Whether a file that is named lies beside a label file, but is of no kind that is read: HEIC, raw photos."""
    name = PureWindowsPath(image_path).name
    known = PureWindowsPath(name).suffix.lower() in IMAGE_SUFFIXES
    return not known and "\0" not in name and (label_file.parent / name).is_file()


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _single(paths: list[str]) -> str | None:
    return paths[0] if len(paths) == 1 else None
