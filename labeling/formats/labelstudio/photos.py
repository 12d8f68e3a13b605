"""The photo that a Label Studio task is about: its URL names it on a server, here it lies in a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from labeling.formats.base import BadItemError
from labeling.formats.coco.photos import find_photo


class PhotoFinder:
    """Finds photos below a folder, which nothing leads out of.

    Args:
        root: the folder.
        photos: those in it that a bare name may mean, relative to it.
    """

    def __init__(self, root: Path, photos: Iterable[str]) -> None:
        self._root = root
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for photo in photos:
            self._by_name[PurePosixPath(photo).name].append(photo)

    def find(self, paths: Iterable[str]) -> str | None:
        """Return the photo that the first possible of some paths means: by the path's end, else by its bare name.

        Raises:
            BadItemError: a path holds `..`, or several photos have its name.
        """
        paths = tuple(paths)
        for path in paths:
            if (found := find_photo(self._root, path)) is not None:
                return found.name
        for path in paths:
            named = self._by_name.get(PurePosixPath(path).name, [])
            if len(named) > 1:
                raise BadItemError(f"its photo {path!r} may be {' or '.join(named[:3])}. Keep one of them.")
            if named:
                return named[0]
        return None
