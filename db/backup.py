"""A whole home in one file, while others go on working in it.

The file is a tar, not compressed: photos, class maps and weights are so already, and any program can look into it. Its
first member (`HEADER`) says what it is, its last one (`HASHES`) holds the sha256 of every other: one that was cut off
has none and is recognised. The database is copied first, by SQLite; content that its rows name is in the store before
the row is (`db.staging`) and is not collected meanwhile, so that the copy finds all it needs. Folders of runs are
copied as they are: their files are appended to or replaced whole, and a run that was going on is one that was
interrupted.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from db.errors import UserError
from db.files import explain_os_errors, settle
from db.home import Home
from db.locks import LockHeldError, hold, is_held
from db.migrate import current_revision
from db.sqlite import copy_database, explain_sqlite_errors

FORMAT = 1
HEADER = "backup.json"
HASHES = "hashes.json"
_MEGABYTE = 1024**2
_ROW_OVERHEAD = 2048  # of a tar: a header and the padding of a member

# Made again when needed, of this computer only, or half written. Whatever else lies in a home is copied.
_LEFT_OUT = frozenset({"backups", "cache", "locks", "packs", "uploads", "server.key"})
_LEFT_OUT_NAMES = frozenset({"lock", "heartbeat", ".reserve"})
_OF_RUNS = frozenset(
    {"benches", "evaluations", "exports", "predictions", "runs", "shifts", "surveys", "tasks", "trash"}
)


class Told(Protocol):
    """Called from time to time with the megabytes done, in all, and `MB`."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Take it."""


@dataclass(frozen=True)
class Header:
    """What a backup says of itself.

    Attributes:
        format: of the file; 1.
        revision: of the database.
        home: the path of the home it was made of; paths below it become those of the home it is restored to.
        made_at: seconds since 1970.
        with_runs: whether runs, evaluations and what came of them are in it.
    """

    format: int
    revision: str
    home: str
    made_at: float
    with_runs: bool


@dataclass(frozen=True)
class BackupReport:
    """A backup that was written: where, how many files it holds, their bytes."""

    path: Path
    files: int
    bytes: int
    with_runs: bool


def write_backup(
    home: Home, target: Path, progress: Told, *, with_runs: bool = True, overwrite: bool = False
) -> BackupReport:
    """Write a home into one file, whole or not at all.

    Args:
        home: the home; others may work in it.
        target: the file; its folder must exist.
        progress: told the megabytes written.
        with_runs: runs, evaluations, benches, surveys, shifts, exports and predictions too; imported models always are.
        overwrite: replace a file that is there.

    Raises:
        UserError: there is no home, the file is there already, the disk is too small or full, or space is being freed.
    """
    target = target.expanduser().absolute()
    _refuse(home, target, overwrite=overwrite)
    with explain_os_errors(target.parent), ExitStack() as stack:
        try:
            stack.enter_context(hold(home.care_lock, wait=False))
        except LockHeldError:
            raise UserError(
                "Another backup is being made, or space is being freed. Try again when it is done."
            ) from None
        database = stack.enter_context(_copied(home, with_runs=with_runs))
        revision = current_revision(home)
        files = [(database, home.database.name), *_files(home, with_runs=with_runs)]
        total = _needed(files, target.parent)
        file = stack.enter_context(_partial(target))
        header = Header(FORMAT, str(revision), str(home.path.resolve()), time.time(), with_runs)
        report = _write(file, header, files, total, progress)
        settle(file, target)
    return BackupReport(target, *report, with_runs)


def _refuse(home: Home, target: Path, *, overwrite: bool) -> None:
    if not home.database.exists():
        raise UserError(f"There is no workbench in {home.path}, so there is nothing to back up. Name another --home.")
    if target.is_dir():
        raise UserError(f"{target} is a folder. Name a file, as {target / 'workbench.tar'}.")
    if not target.parent.is_dir():
        raise UserError(f"The folder {target.parent} does not exist. Make it first, or name another file.")
    if target.exists() and not overwrite:
        raise UserError(f"{target} is there already. Name another file, or replace it with --overwrite.")
    inside = target.resolve().is_relative_to(home.path.resolve())
    if inside and target.parent.resolve() != home.backups.resolve():
        raise UserError(f"{target} lies in the home itself, which is lost when it is. Name a file elsewhere.")


@contextmanager
def _copied(home: Home, *, with_runs: bool) -> Iterator[Path]:
    """Yield a copy of the database, which is gone after the block."""
    copy = home.backups / f"backup-{os.getpid()}.partial"
    try:
        with explain_sqlite_errors(home.database, home.backups):
            copy_database(home.database, copy, home.backups)
            if not with_runs:
                with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                    connection.execute("DELETE FROM evaluation")
                    connection.execute("DELETE FROM run")
        yield copy
    finally:
        for left in home.backups.glob(f"{copy.name}*"):
            left.unlink(missing_ok=True)


@contextmanager
def _partial(target: Path) -> Iterator[BinaryIO]:
    """Open the file that becomes `target`; what a killed backup left there is written over."""
    path = target.with_name(f".{target.name[:200]}.partial")
    try:
        # Only its owner may read it: it holds what users' passwords are checked with.
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def _files(home: Home, *, with_runs: bool) -> Iterator[tuple[Path, str]]:
    """Yield every file to copy with its name in the backup."""
    left_out = _LEFT_OUT if with_runs else _LEFT_OUT | _OF_RUNS
    for where, folders, names in os.walk(home.path):
        top = Path(where) == home.path
        folders[:] = sorted(name for name in folders if not (top and name in left_out) and name != "incoming")
        if Path(where).parent.name == "tasks" and is_held(Path(where) / "lock"):
            folders.clear()  # it is going on, perhaps this very backup
            continue
        for name in sorted(names):
            skipped = name in _LEFT_OUT_NAMES or name.endswith((".tmp", ".lock")) or (top and name in left_out)
            path = Path(where) / name
            if not (skipped or path.is_symlink() or (top and name.startswith(home.database.name))):
                yield path, path.relative_to(home.path).as_posix()


def _needed(files: list[tuple[Path, str]], folder: Path) -> int:
    total = 0
    for path, _ in files:
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    needed, free = total + _ROW_OVERHEAD * len(files), shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"The backup takes {needed / 1e6:.0f} MB, and on the disk of {folder} {free / 1e6:.0f} MB are free. Name a "
            "file on another disk, or leave the runs out (--without-runs)."
        )
    return total


def _write(
    file: BinaryIO, header: Header, files: list[tuple[Path, str]], total: int, progress: Told
) -> tuple[int, int]:
    hashes: dict[str, str] = {}
    done = 0
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add_json(tar, HEADER, asdict(header))
        for path, name in files:
            with suppress(FileNotFoundError), path.open("rb") as source:  # gone since: an old checkpoint, say
                size = os.fstat(source.fileno()).st_size
                reader = _Hashing(source)
                info = tarfile.TarInfo(name)
                info.size, info.mtime, info.mode = size, int(os.fstat(source.fileno()).st_mtime), 0o644
                tar.addfile(info, reader)
                hashes[name] = reader.digest.hexdigest()
                done += size
                progress(done // _MEGABYTE, max(done, total) // _MEGABYTE, "MB")
        _add_json(tar, HASHES, hashes)
    return len(hashes), done


def _add_json(tar: tarfile.TarFile, name: str, value: object) -> None:
    data = json.dumps(value, indent=0).encode()
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))


class _Hashing(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data
