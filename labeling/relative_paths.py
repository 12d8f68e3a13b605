"""Which relative paths from outside may become files of ours: those of an upload and those in an archive."""

from __future__ import annotations

import re
import unicodedata

from db.errors import UserError

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255  # what Linux filesystems take
MAX_DEPTH = 32

# Devices on Windows, whatever their ending. A dataset that holds one could not be taken there.
_RESERVED = frozenset({"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)})
_DRIVE = re.compile(r"[A-Za-z]:")


class UnsafePathError(UserError):
    """A path from outside that must not become a file."""


def clean_path(path: str) -> str:
    """Return a path in normal form (NFC), with slashes, that stays below whatever folder it is joined to.

    Raises:
        UnsafePathError: it is no such path. The message begins with what is wrong and does not name the path.
    """
    cleaned = unicodedata.normalize("NFC", path)
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in cleaned):
        raise UnsafePathError("the name holds a line break, a control character, or bytes that are not UTF-8")
    if _DRIVE.match(cleaned) or cleaned.startswith(("/", "\\")):
        raise UnsafePathError("an absolute path; only paths below the chosen folder are taken")
    if "\\" in cleaned:
        raise UnsafePathError("the name holds a backslash, which separates folders on Windows")
    if len(cleaned.encode()) > MAX_PATH_BYTES:
        raise UnsafePathError(f"the path is longer than {MAX_PATH_BYTES} bytes; shorten its folders' names")
    parts = cleaned.split("/")
    if len(parts) > MAX_DEPTH:
        raise UnsafePathError(f"it lies more than {MAX_DEPTH} folders deep")
    for part in parts:
        _check_name(part)
    return cleaned


def _check_name(name: str) -> None:
    if name == "..":
        raise UnsafePathError("the path leaves its folder (..)")
    if name in {"", "."}:
        raise UnsafePathError("the path has an empty step (// or /./)")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise UnsafePathError(f"a name is longer than {MAX_NAME_BYTES} bytes; shorten it")
    if is_device_name(name):
        raise UnsafePathError(f"{name!r} is the name of a device on Windows; rename it")


def is_device_name(name: str) -> bool:
    """Tell whether Windows takes a file's name for one of its devices, as it does `aux.jpg`."""
    return name.partition(".")[0].rstrip().lower() in _RESERVED


class Names:
    """The files below one folder, each known by its clean path.

    Two names that another system takes for the same file are a clash: `A.jpg` and `a.jpg`, or an umlaut written as
    one character and as two. Of a clash the first is kept.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, bool]] = {}  # folded path -> (path, is a file)

    def add(self, path: str) -> bool:
        """Take a clean path; return False where it is there already.

        Raises:
            UnsafePathError: it clashes with another file or folder.
        """
        parts = path.split("/")
        steps = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        for step in steps:
            found = self._seen.get(_fold(step))
            if found is not None and found != (step, step == path):
                raise UnsafePathError(f"it clashes with {found[0]!r}, which some systems take for the same; rename one")
        if _fold(path) in self._seen:
            return False
        for step in steps:
            self._seen[_fold(step)] = (step, step == path)
        return True

    def remove(self, path: str) -> None:
        """Give a path back whose file did not come about. Its folders stay known."""
        self._seen.pop(_fold(path), None)


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())
