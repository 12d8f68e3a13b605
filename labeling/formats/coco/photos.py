"""Which file a COCO `file_name` means: it may hold folders, a URL, or another computer's absolute or Windows path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote, urlsplit

from labeling.formats.base import BadItemError

_WINDOWS = re.compile(r"[A-Za-z]:[/\\]|.*\\")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class FoundPhoto:
    """A photo below a root; `exact` where its place is the one that `file_name` gives."""

    name: str
    exact: bool


def find_photo(root: Path, file_name: Any) -> FoundPhoto | None:
    r"""Return the file of a root that a `file_name` means, None where there is none.

    The longest end of the path that exists counts: of `D:\shots\day\a.jpg` first `shots/day/a.jpg`, then
    `day/a.jpg`, then `a.jpg`. Nothing above the root is looked at.

    Raises:
        BadItemError: it is no path, or holds `..`.
    """
    parts = _parts(file_name)
    for start in range(len(parts)):
        end = "/".join(parts[start:])
        for form in dict.fromkeys((end, unicodedata.normalize("NFC", end), unicodedata.normalize("NFD", end))):
            if _is_file(root / form):
                return FoundPhoto(form, exact=PurePosixPath(form).as_posix() == PurePosixPath(file_name).as_posix())
    return None


def best_root(roots: Iterable[Path], file_names: Sequence[Any]) -> Path | None:
    """Return the folder that holds the most of some photos, most exactly; None where none holds any."""

    def score(root: Path) -> tuple[int, int]:
        found = [photo for name in file_names if (photo := _find_or_none(root, name)) is not None]
        return sum(photo.exact for photo in found), len(found)

    scores = {root: score(root) for root in roots}
    best = max(scores, key=lambda root: scores[root], default=None)  # the first of equal ones
    return best if best is not None and scores[best][1] else None


def _find_or_none(root: Path, file_name: Any) -> FoundPhoto | None:
    try:
        return find_photo(root, file_name)
    except BadItemError:
        return None


def _parts(file_name: Any) -> tuple[str, ...]:
    if not isinstance(file_name, str) or not file_name.strip() or "\0" in file_name:
        raise BadItemError(f"Expected a file_name, found {file_name!r}.")
    path = unquote(urlsplit(file_name).path) if _URL.match(file_name) else file_name
    path = PureWindowsPath(path).as_posix() if _WINDOWS.match(path) else path
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise BadItemError(f"The file_name {file_name!r} leads out of the folder of photos (..): refused.")
    return parts[1:] if parts and re.fullmatch(r"[A-Za-z]:", parts[0]) else parts


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system holds: too long, half a surrogate pair
        return False
