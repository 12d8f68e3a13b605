"""Looking after a home: its database file, its folders and its disk. What only files and schema tell."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from db.errors import UserError
from db.files import filesystem_type, is_network_filesystem
from db.finding import Finding
from db.home import Home
from db.migrate import SCRIPTS, current_revision, revisions
from db.sqlite import BUSY_SECONDS, explain, way_back
from db.store import ABANDONED_SECONDS

LEAST_FREE_BYTES = 2 * 1024**3
"""Less free space than this is told: a checkpoint of a large network with its optimiser takes about one."""
_SHOWN = 5


def check_database(home: Home) -> list[Finding]:
    """Return what is wrong with the file of the database; an empty list means that it can be used.

    It is read by SQLite alone and not changed: neither migrated nor made where there is none.
    """
    try:
        found = current_revision(home)
        if found is None:
            return [Finding("error", f"{home.database} does not exist or is empty.", _lost(home))]
        known = revisions(SCRIPTS)
        if found not in known:
            what = f"The database is at revision {found}; this workbench knows only up to {known[-1]}."
            return [Finding("error", what, "Update the workbench: pip install --upgrade segmentation-workbench")]
        with closing(
            sqlite3.connect(f"{home.database.as_uri()}?mode=ro", timeout=BUSY_SECONDS, uri=True)
        ) as connection:
            return list(_inside(home, connection))
    except UserError as error:
        return [Finding("error", f"The database cannot be used: {error}", _lost(home))]
    except sqlite3.Error as error:
        told = explain(error, home.database, home.backups) or error
        return [Finding("error", f"The database cannot be read: {told}", _lost(home))]


def check_folders(home: Home) -> Iterator[Finding]:
    """Yield what is wrong with the folders of a home and the disk they lie on."""
    for folder in (home.path, home.store, home.runs, home.evaluations, home.models, home.locks, home.trash):
        if not folder.is_dir():
            yield Finding("note", f"The folder {folder} is missing.", "Nothing to do: it is made when it is needed.")
        elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield Finding("error", f"The folder {folder} cannot be written.", f"Make it yours: chmod u+rwX {folder}")
    if is_network_filesystem(home.path):
        kind = filesystem_type(home.path)
        what = f"The home lies on a network filesystem ({kind}): slower, and only as safe as its file locks."
        yield Finding(
            "warning", what, "Move it to a local disk: workbench backup, then workbench restore --home there."
        )
    free = shutil.disk_usage(home.path).free
    if free < LEAST_FREE_BYTES:
        what = f"{free / 1024**2:.0f} MB are free on the disk of {home.path}."
        yield Finding("warning", what, "Free some space; `workbench du` says what takes it, `workbench gc` frees some.")
    left = [path for path in (home.store / "incoming").glob("*.tmp") if _age(path) > ABANDONED_SECONDS]
    left += home.backups.glob("*.partial*")
    if left:
        what = f"{len(left)} half-written files of killed processes are left: {_some([path.name for path in left])}."
        yield Finding("note", what, "workbench gc")


def _inside(home: Home, connection: sqlite3.Connection) -> Iterator[Finding]:
    problems = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
    if problems != ["ok"]:
        yield Finding("error", f"The database is damaged: {_some(problems)}", _lost(home))
        return
    orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    if orphans:
        tables = sorted({str(row[0]) for row in orphans})
        what = f"{len(orphans)} rows of the database are without the rows they belong to (in {', '.join(tables)})."
        yield Finding("error", what, _lost(home))


def _lost(home: Home) -> str:
    return f"Restore a backup: workbench restore FILE --home NEW. Or: {way_back(home.database, home.backups)}"


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
