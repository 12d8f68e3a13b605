"""What photos are called in an export: as in their dataset, unless another system cannot hold such a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from labeling.relative_paths import is_device_name

_UNSAFE = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')  # what no name may hold on Windows


def export_names(paths: Sequence[str], *, stems: bool) -> dict[str, str]:
    """Return the name of every photo in the export, by its path in the dataset.

    Kept are all names that every system can hold. Another one is changed where it must be: characters that Windows
    does not take become `_`; names of its devices, and those that end in a blank or a dot, get one; of names that
    differ in nothing but case or accents' encoding the later ones get a number.

    Args:
        paths: relative POSIX paths, each once.
        stems: whether photos that differ in nothing but their suffix need another name, too, because a file of
            labels is named by the stem.

    Example:
        >>> export_names(["day/a.jpg", "day/A.jpg", "day/aux.jpg"], stems=False)
        {'day/a.jpg': 'day/a.jpg', 'day/A.jpg': 'day/A_2.jpg', 'day/aux.jpg': 'day/aux_.jpg'}
    """
    namer = _Namer(stems=stems)
    # Names that can stay are given first, so that no changed one takes theirs.
    found = {path: namer.name(path) for path in sorted(paths, key=_changes)}
    return {path: found[path] for path in paths}


class _Namer:
    def __init__(self, *, stems: bool) -> None:
        self._stems = stems
        self._folders = {"": ""}  # exported folder of each source folder, both with a slash at the end
        self._taken: set[str] = set()

    def name(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        return self._free(self._folder(f"{folder}/" if folder else ""), name)

    def _folder(self, folder: str) -> str:
        if folder not in self._folders:
            above, _, name = folder.removesuffix("/").rpartition("/")
            self._folders[folder] = self._free(self._folder(f"{above}/" if above else ""), name, is_folder=True) + "/"
        return self._folders[folder]

    def _free(self, folder: str, name: str, *, is_folder: bool = False) -> str:
        """Return a name in a folder that nothing else has, and take it."""
        safe = _safe_name(name)
        stem, suffix = (safe, "") if is_folder else (PurePosixPath(safe).stem, PurePosixPath(safe).suffix)
        number = 1
        while True:
            free = f"{stem}{'' if number == 1 else f'_{number}'}"
            keys = {_folded(folder, free + suffix)}
            if self._stems and not is_folder:
                keys.add(_folded(folder, f"{free}/stem"))  # a slash, which no name holds: folders are not in the way
            if not keys & self._taken:
                self._taken |= keys
                return f"{folder}{free}{suffix}"
            number += 1


def _folded(folder: str, name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", f"{folder}{name}").casefold())


def _changes(path: str) -> tuple[bool, bool]:
    """Tell whether a photo's own name must change, and whether one of its folders' must."""
    *folders, name = path.split("/")
    return _safe_name(name) != name, any(_safe_name(folder) != folder for folder in folders)


def _safe_name(name: str) -> str:
    name = _UNSAFE.sub("_", name)
    if is_device_name(name):
        device, dot, rest = name.partition(".")
        name = f"{device.rstrip()}_{dot}{rest}"
    return f"{name}_" if name.endswith((" ", ".")) else name
