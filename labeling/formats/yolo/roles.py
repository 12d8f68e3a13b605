"""The role of each photo of a YOLO dataset: by data.yaml, else by a folder called train, val or test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from db.errors import UserError
from labeling.formats.base import BadItemError, RoleName
from labeling.formats.places import Place
from labeling.formats.splits import role_of
from labeling.formats.yolo.data_file import DataFile
from labeling.formats.yolo.tree import Tree

MAX_LIST_BYTES = 256 * 2**20

_ROLES: tuple[RoleName, ...] = ("train", "val", "test")
_SHOWN = 60  # characters of an entry
_DRIVE = re.compile(r"[A-Za-z]:\\?")


def roles_of(tree: Tree, data: DataFile | None) -> tuple[dict[str, tuple[str, RoleName]], tuple[str, ...]]:
    """Return list and role of every photo that has one by its name, and sentences on what was odd.

    A photo that data.yaml names for several roles, as those of Ultralytics' smallest examples are, has the first of
    train, val and test.

    Raises:
        UserError: a list that data.yaml names cannot be read.
    """
    roles: dict[str, tuple[str, RoleName]] = {}
    notes: list[str] = []
    if data is not None:
        finder = _Finder(tree)
        for role in _ROLES:
            entries = data.splits.get(role, ())
            found = dict.fromkeys(name for entry in entries for name in finder.named_by(entry))
            twice = sum(name in roles for name in found)
            if twice:
                notes.append(
                    f"{data.path.name} names {twice} images for {role} that have another role already, which they "
                    "keep: a model is not tested on what it was trained on."
                )
            if entries and not found:
                shown = ", ".join(entry[:_SHOWN] for entry in entries[:3])
                notes.append(f"{data.path.name}: {shown} ({role}) names no photo that is here.")
            for name in found:
                roles.setdefault(name, (role, role))
    for photo in tree.photos:
        for folder in PurePosixPath(f"{tree.prefix}{photo.name}").parts[:-1]:
            role_of_folder = role_of(folder)
            if role_of_folder is not None:
                roles.setdefault(photo.name, (folder, role_of_folder))
    return roles, tuple(notes)


class _Finder:
    """Finds the photos that an entry of data.yaml means, by the end of its path: it may be another computer's."""

    def __init__(self, tree: Tree) -> None:
        self._root = tree.root
        self._names = {f"{tree.prefix}{photo.name}": photo.name for photo in tree.photos}

    def named_by(self, entry: str) -> Iterator[str]:
        """Yield the photos in a folder, or those that a list names."""
        ends = list(_ends(entry)) or [""]
        for end in ends:
            if end.lower().endswith(".txt") and _is_file(self._root / end):
                yield from self._listed(end)
                return
            inside = [name for path, name in self._names.items() if not end or path.startswith(f"{end}/")]
            if inside:
                yield from inside
                return

    def _listed(self, list_file: str) -> Iterator[str]:
        try:
            path = Place(self._root, list_file).path
            if path.stat().st_size > MAX_LIST_BYTES:
                raise UserError(f"{path}: larger than {MAX_LIST_BYTES // 2**20} MiB, the longest list read.")
            lines = path.read_text("utf-8-sig").splitlines()
        except (BadItemError, UnicodeDecodeError) as error:
            raise UserError(f"{self._root / list_file}: cannot be read as a list of images: {error}") from error
        except OSError as error:
            raise UserError(f"{self._root / list_file}: cannot be read ({error.strerror}).") from error
        for line in lines:
            end = next((end for end in _ends(line) if end in self._names), None)
            if end is not None:
                yield self._names[end]


def _ends(path: str) -> Iterator[str]:
    """Yield what a path may mean below the root, the longest first, without the folders that lead out of it."""
    pure = (PureWindowsPath if "\\" in path else PurePosixPath)(path.strip())
    parts = [part for part in pure.parts if part not in ("/", ".", "..") and not _DRIVE.fullmatch(part)]
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file system holds
        return False
