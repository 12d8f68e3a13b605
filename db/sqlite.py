"""What SQLite's own error codes mean for the person at the keyboard."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from db.errors import UserError

BUSY_SECONDS = 30.0

# Primary result codes, https://www.sqlite.org/rescode.html
_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_READONLY: "it is read-only; make the file and its folder writable for you or use another --home",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; make its folder writable for you or use another --home",
    sqlite3.SQLITE_PERM: "permission denied; make the file and its folder writable for you or use another --home",
    sqlite3.SQLITE_IOERR: "the disk gave an error; check that it is there, healthy and not full",
    sqlite3.SQLITE_BUSY: f"another program has kept it locked for {BUSY_SECONDS:.0f} seconds; end that program, then "
    "try again",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def explain(error: sqlite3.Error, database: Path, backups: Path) -> UserError | None:
    """Return what to tell the user about an error of SQLite, or None when it is not theirs to put right."""
    # Extended codes hold the primary one in their low byte. Errors that Python raises itself have no code.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return damaged(database, backups, str(error))
    if code in _REMEDIES:
        return UserError(f"Cannot use the database {database}: {_REMEDIES[code]}. (SQLite: {error})")
    return None


def damaged(database: Path, backups: Path, found: str) -> UserError:
    """Return the error for a file that is no sound database."""
    return UserError(
        f"{database} should be a workbench database, but it cannot be read as one ({found}). "
        f"{way_back(database, backups)}"
    )


def way_back(database: Path, backups: Path) -> str:
    """Return how to go back to a copy of the database; names those there are, newest first."""
    copies = [str(path) for path in list_backups(backups)]
    listing = "Backups, newest first: " + ", ".join(copies) if copies else f"There are no backups in {backups}"
    return (
        f"{listing}. To go back to a backup, end every workbench program, move {database.name}, {database.name}-wal "
        f"and {database.name}-shm away together, and copy the backup to {database}. Without one, use another --home."
    )


def copy_database(database: Path, target: Path, backups: Path) -> None:
    """Copy a database to a new file, checked and in one piece; readers and writers go on meanwhile.

    SQLite's backup API includes what still lies in the write-ahead log and waits for writers, unlike a file copy.

    Raises:
        UserError: what was copied is damaged.
        sqlite3.Error: it cannot be read, or the copy cannot be written.
    """
    connect = partial(sqlite3.connect, timeout=BUSY_SECONDS, isolation_level=None)
    with closing(connect(database)) as source, closing(connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, readable from a read-only medium too
        problems = [row[0] for row in copy.execute("PRAGMA quick_check(1)")]
    if problems != ["ok"]:
        target.unlink()
        raise damaged(database, backups, problems[0])


def list_backups(backups: Path) -> list[Path]:
    """Return the backup copies in a folder, newest first (their names begin with the time)."""
    return sorted(backups.glob("*.db"), reverse=True)


@contextmanager
def explain_sqlite_errors(database: Path, backups: Path) -> Iterator[None]:
    """Turn what a user can put right about a database into a `UserError`; other errors pass through unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        explained = explain(error, database, backups)
        if explained is None:
            raise
        raise explained from error
