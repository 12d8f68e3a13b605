"""Where predictions of photos are written: a folder, or a zip that has its name only when it is whole."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from db.errors import UserError
from db.files import explain_os_errors, scratch_file, settle, write_atomic

ZIP_SUFFIX = ".zip"
_READABLE = 0o644 << 16  # permissions, as Unix has them in a zip


class Target(Protocol):
    """Takes files."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file of this name, relative, with slashes. Several threads may."""


def is_zip_name(to: Path) -> bool:
    """Tell whether a zip is wanted, not a folder."""
    return to.suffix.lower() == ZIP_SUFFIX


def check_target(to: Path, source: Path, *, overwrite: bool) -> None:
    """Make sure that writing loses nothing.

    Args:
        to: folder, or the name of a zip.
        source: the photo or the folder of photos that is read.
        overwrite: it may be there already.

    Raises:
        UserError: it is there already, or lies in the source.
    """
    if source.is_dir() and to.resolve().is_relative_to(source.resolve()):
        raise UserError(f"{to} lies inside {source}; predictions never mix with the photos. Choose another place.")
    if is_zip_name(to):
        if to.is_dir():
            raise UserError(f"{to} is a folder, and would be a zip by its name. Choose another name.")
        if to.exists() and not overwrite:
            raise UserError(f"{to} exists. Choose another name, or add --overwrite.")
    elif not overwrite and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UserError(f"{to} is not an empty folder. Choose another one, or add --overwrite.")


@contextmanager
def open_target(to: Path) -> Iterator[Target]:
    """Open a folder, which is made, or a new zip for the length of the block; the zip is kept if it ends well.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    if not is_zip_name(to):
        with explain_os_errors(to):
            to.mkdir(parents=True, exist_ok=True)
        yield _Folder(to)
        return
    with ExitStack() as stack:
        with explain_os_errors(to.parent):
            to.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(scratch_file(to.parent))
            archive = zipfile.ZipFile(file, "w")
        try:
            yield _Zip(archive, to.parent)
        except BaseException:
            with suppress(OSError):
                archive.close()
            raise
        with explain_os_errors(to.parent):
            archive.close()
            settle(file, to)


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, data: bytes) -> None:
        path = self._root / name
        with explain_os_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)


class _Zip:
    """Files go into the zip as they come; pictures are compressed already and are stored."""

    def __init__(self, archive: zipfile.ZipFile, folder: Path) -> None:
        self._archive, self._folder = archive, folder
        self._lock = threading.Lock()

    def write(self, name: str, data: bytes) -> None:
        # A zip names its files in UTF-8, and files of Unix may be called anything.
        entry = zipfile.ZipInfo(name.encode("utf-8", "backslashreplace").decode(), time.localtime()[:6])
        entry.external_attr = _READABLE
        with self._lock, explain_os_errors(self._folder):
            self._archive.writestr(entry, data)
