"""Bringing a database to the newest revision: only when needed, one process at a time, after a backup copy.

All steps run in place in one SQLite transaction. SQLite's DDL is transactional, so a process killed at any point
(also inside the COMMIT) leaves either the old database or the new one: the next to open it rolls a half-written
journal back, or ignores a write-ahead log without its commit frame. Migrating a copy and renaming it over the
original was rejected: another process that has the original open (a training, say) would go on writing into the
unlinked file and its rows would be lost, and a write-ahead log left beside the original would be replayed onto the
copy. A step cannot break the promise: while steps run, the connection refuses COMMIT and ROLLBACK.

A database whose revision is current is recognised with `sqlite3` alone: SQLAlchemy and Alembic are not loaded.
Revisions are the four digits that begin the scripts' file names, one line of them without branches.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import UserError
from db.files import explain_os_errors, sync_folder
from db.home import Home
from db.sqlite import BUSY_SECONDS, copy_database, damaged, explain_sqlite_errors, list_backups

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

SCRIPTS = Path(__file__).parent / "migrations"
KEPT_BACKUPS = 3


def bring_up_to_date(home: Home, scripts: Path = SCRIPTS) -> None:
    """Make the database of a home, or bring it to the newest revision that `scripts` knows.

    Args:
        home: its folders must exist.
        scripts: an Alembic script directory.

    Raises:
        UserError: the database is from a newer workbench, is damaged, is not a workbench database, or cannot be
            written.
    """
    with explain_sqlite_errors(home.database, home.backups):
        known = revisions(scripts)
        if current_revision(home) == known[-1]:
            return
        from db.locks import hold

        with explain_os_errors(home.path), hold(home.locks / "migration.lock", wait=True):
            found = current_revision(home)  # again: who held the lock before has perhaps done it
            if found == known[-1]:
                return
            if found is not None:
                _refuse_unknown(found, known, home)
                _back_up(home, found)
            _run_steps(home.database, scripts)


def revisions(scripts: Path) -> list[str]:
    """Return the revisions of a script directory, oldest first."""
    return sorted(script.name[:4] for script in (scripts / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def current_revision(home: Home) -> str | None:
    """Return the revision of a home's database, None where there is none yet (no file, or no tables in it).

    Raises:
        UserError: the file is a database of something else.
        sqlite3.Error: it cannot be read.
    """
    if not home.database.exists():
        return None
    with closing(_connect(home.database)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        rows = (
            connection.execute("SELECT version_num FROM alembic_version").fetchall()
            if "alembic_version" in tables
            else []
        )
    if len(rows) != 1:
        raise damaged(home.database, home.backups, "it holds tables, but no workbench revision")
    return str(rows[0][0])


def alembic_config(scripts: Path, connection: Connection) -> Config:
    """Return the settings with which Alembic runs the scripts on a connection (see `migrations/env.py`)."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


def _connect(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)


def _refuse_unknown(found: str, known: list[str], home: Home) -> None:
    if found not in known:
        raise UserError(
            f"The database {home.database} is at revision {found}, but this workbench knows only up to {known[-1]}: "
            f"a newer workbench made or migrated it. Update this one (pip install --upgrade segmentation-workbench), "
            f"use another --home, or go back to a backup in {home.backups}."
        )


def _back_up(home: Home, revision: str) -> None:
    """Copy the database, whole or not at all, and keep the last three copies."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = home.backups / f"{moment}-from-{revision}.db"
    partial = target.with_suffix(".partial")
    # Of a process that was killed, its journal too; we hold the lock. A backup that is being made has another name.
    for left_over in home.backups.glob("*-from-*.partial*"):
        left_over.unlink()
    copy_database(home.database, partial, home.backups)
    partial.replace(target)
    sync_folder(home.backups)
    for old in list_backups(home.backups)[KEPT_BACKUPS:]:
        old.unlink()


def _run_steps(database: Path, scripts: Path) -> None:
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine("sqlite+pysqlite://", creator=lambda: _connect(database), poolclass=NullPool)
    with engine.connect() as connection:
        # Batch steps rebuild tables: with foreign keys on, dropping the old one would delete its children. The
        # switch does nothing inside a transaction, so it comes first, and the keys are checked before the commit.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with _one_transaction(connection):
            command.upgrade(alembic_config(scripts, connection), "head")
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if orphans:
            raise RuntimeError(f"migration of {database} rolled back: rows without their parents: {orphans[:5]}")
        connection.commit()


@contextmanager
def _one_transaction(connection: Connection) -> Iterator[None]:
    """Make the connection refuse to end its transaction inside the block, whatever a step tries."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)

    def authorize(action: int, *_: object) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK

    driver.set_authorizer(authorize)
    try:
        yield
    finally:
        driver.set_authorizer(None)
