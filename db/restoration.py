"""Unpacking a backup into a new home: every file checked, and the home there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from db.backup import FORMAT, HASHES, HEADER, Header, Told
from db.errors import UserError
from db.files import explain_os_errors, sync_folder
from db.home import Home
from db.locks import LockHeldError, hold
from db.migrate import SCRIPTS, revisions
from db.tar import BoundedInfo

_MEGABYTE = 1024**2
_LARGEST_HEADER = 64 * 1024
_LARGEST_HASHES = 1024**3
_CONTENT = "store/"
_READ_ONLY = 0o444  # as `db.store` has it


@dataclass(frozen=True)
class Restored:
    """A home that was made of a backup: where, of which, how many files, their bytes."""

    home: Path
    of: str
    files: int
    bytes: int
    with_runs: bool


def restore_backup(file: Path, home: Home, progress: Told, finish: Callable[[Home, Path, Path], None]) -> Restored:
    """Make a home of a backup.

    It is unpacked beside its place, under a name of its own, checked, and then renamed: killed at any moment, there is
    no home, and the same command begins anew.

    Args:
        file: what `db.backup.write_backup` wrote.
        home: where; a folder that is empty or not there.
        progress: told the megabytes unpacked.
        finish: called before the rename with the unpacked home, the path that it was backed up at and the one that
            it will have, to put right what names its path.

    Raises:
        UserError: the folder is not empty; the file is no backup, cut off, damaged, or of a newer workbench; the disk
            is too small.
    """
    place = home.path.absolute()
    _refuse(file, place)
    partial = place.with_name(f".{place.name}.restoring")
    with explain_os_errors(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        (partial / "locks").mkdir(parents=True, exist_ok=True)
        try:
            with hold(partial / "locks" / "restore.lock", wait=False):
                _clear(partial)
                try:
                    header, count, size = _unpack(file, partial, progress)
                    unpacked = Home(partial)
                    _relocate(unpacked, Path(header.home), place)
                    finish(unpacked, Path(header.home), place)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
                os.sync()  # a hundred thousand files, each flushed on its own, would take an hour
                partial.rename(place)
                sync_folder(place.parent)
        except LockHeldError:
            raise UserError(f"A backup is being restored to {place} already.") from None
    return Restored(place, header.home, count, size, header.with_runs)


def _refuse(file: Path, place: Path) -> None:
    if not file.is_file():
        raise UserError(f"There is no file {file}. Name what `workbench backup` wrote.")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UserError(f"{place} is not empty. A backup is restored to a new or empty folder: name one with --home.")
    folder = next(parent for parent in place.parents if parent.exists())
    size, free = file.stat().st_size, shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"The backup unpacks to {size / 1e6:.0f} MB, and on the disk of {folder} {free / 1e6:.0f} MB are free. "
            "Free some space, or name a folder on another disk with --home."
        )


def _clear(partial: Path) -> None:
    """Remove what a killed restore left; its lock is ours."""
    for path in partial.iterdir():
        if path.name == "locks":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _unpack(file: Path, folder: Path, progress: Told) -> tuple[Header, int, int]:
    """Unpack and check. What comes out cannot be larger than the file: a member that says otherwise is refused."""
    header: Header | None = None
    found: dict[str, str] = {}
    done, total = 0, file.stat().st_size
    try:
        with tarfile.open(file, "r|", tarinfo=BoundedInfo) as tar:
            while (info := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined] # the library would keep all
                if not info.isreg() or info.sparse is not None:
                    raise _broken(file, f"it holds {info.name!r}, which is no plain file")
                source = tar.extractfile(info)
                assert source is not None  # it is a plain file
                if header is None:
                    header = _read_header(file, info, source)
                elif info.name == HASHES:
                    _compare(file, _read_json(file, source, info.size, _LARGEST_HASHES), found)
                    return header, len(found), done
                else:
                    path = _place(file, folder, info.name, found)
                    found[info.name] = _write(path, source, info.mtime)
                    if info.name.startswith(_CONTENT):
                        path.chmod(_READ_ONLY)
                    done += info.size
                    progress(done // _MEGABYTE, max(done, total) // _MEGABYTE, "MB")
    except (tarfile.TarError, EOFError) as error:
        raise _broken(file, str(error)) from None
    raise _broken(file, "it ends too early")


def _read_header(file: Path, info: tarfile.TarInfo, source: IO[bytes]) -> Header:
    if info.name != HEADER:
        raise _broken(file, f"it begins with {info.name!r}")
    value = _read_json(file, source, info.size, _LARGEST_HEADER)
    if value.get("format") != FORMAT:
        raise UserError(f"{file} was written by a newer workbench. Update this one, then restore it.")
    try:
        header = Header(**value)
    except TypeError as error:
        raise _broken(file, str(error)) from None
    known = revisions(SCRIPTS)
    if header.revision not in known:
        raise UserError(
            f"{file} holds a database at revision {header.revision}, but this workbench knows only up to {known[-1]}: "
            "a newer one wrote it. Update this one (pip install --upgrade segmentation-workbench), then restore it."
        )
    return header


def _read_json(file: Path, source: IO[bytes], size: int, most: int) -> dict[str, Any]:
    if size > most:
        raise _broken(file, "what it says of itself is too large")
    try:
        value = json.loads(source.read())
    except ValueError as error:
        raise _broken(file, str(error)) from None
    if not isinstance(value, dict):
        raise _broken(file, "what it says of itself is no object")
    return value


def _place(file: Path, folder: Path, name: str, found: dict[str, str]) -> Path:
    parts = name.split("/")
    if name in found or any(part in ("", ".", "..") or "\0" in part for part in parts) or parts[0] == "locks":
        raise _broken(file, f"it holds {name!r}")
    return folder.joinpath(*parts)


def _write(path: Path, source: IO[bytes], mtime: float) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as target:
        while data := source.read(_MEGABYTE):
            digest.update(data)
            target.write(data)
    os.utime(path, (mtime, mtime))
    return digest.hexdigest()


def _compare(file: Path, hashes: dict[str, Any], found: dict[str, str]) -> None:
    damaged = sorted(name for name in hashes.keys() | found.keys() if hashes.get(name) != found.get(name))
    if damaged:
        raise _broken(file, f"{len(damaged)} of its files are not what was written, the first is {damaged[0]!r}")


def _relocate(home: Home, old: Path, new: Path) -> None:
    """Make the rows that name files below the old home name those below the new one."""
    if not home.database.is_file() or old == new:
        return
    with closing(sqlite3.connect(home.database)) as connection, connection:
        for table, column in (("dataset", "source"), ("image", "source"), ("image", "linked_path")):
            below = f"substr({column}, 1, ?) = ?"
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {below}",
                (str(new), len(str(old)) + 1, len(str(old)) + 1, f"{old}/"),
            )


def _broken(file: Path, why: str) -> UserError:
    return UserError(
        f"{file} is no whole backup: {why}. Nothing was restored. Use another copy of it, or an older backup."
    )
