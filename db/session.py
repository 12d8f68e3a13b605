"""Sessions on the database of a home: one short transaction each, from any number of processes, threads and forks.

SQLite in WAL mode: readers see a snapshot and never wait, writers queue up for at most 30 seconds. A writer begins
IMMEDIATE, because a transaction that first reads and then writes cannot wait for its turn without losing its
snapshot: SQLite would answer "database is locked" at once. Every session has a connection of its own and closes it,
so a fork inherits none. Synchronous is FULL: NORMAL could lose the last labels someone drew to a power cut, and would
save little, as the last connection to close flushes the log anyway.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker, with_loader_criteria
from sqlalchemy.pool import NullPool

from db.files import explain_os_errors, filesystem_type, is_network_filesystem
from db.home import Home
from db.migrate import bring_up_to_date
from db.schema import Image
from db.sqlite import BUSY_SECONDS, explain, explain_sqlite_errors
from db.until_written import UntilWritten

WITH_TRASHED = {"with_trashed": True}
"""Execution options of a query that is to find the images in the trash, too."""


class Database:
    """The database of a home. Use `open_database`, which brings it up to date first.

    Attributes:
        home: the home.
        kept: answers found in it, kept in this process until somebody writes.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.kept = UntilWritten(self.stamp)
        engine = create_engine("sqlite+pysqlite://", creator=self._connect, poolclass=NullPool)
        event.listen(engine, "begin", _begin)
        self._reading = sessionmaker(engine, expire_on_commit=False)
        self._writing = sessionmaker(engine.execution_options(sqlite_writes=True), expire_on_commit=False)
        for sessions in (self._reading, self._writing):
            event.listen(sessions, "do_orm_execute", _leave_out_trashed)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that sees one snapshot. What it loaded stays usable afterwards.

        Raises:
            UserError: the database cannot be read.
            RuntimeError: the block wrote.
        """
        with self._explained(writes=False), self._reading() as session:
            yield session
            if session.new or session.deleted:
                raise RuntimeError(_WROTE)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that may write. It commits when the block ends, and undoes everything when that raises.

        Keep it short: other writers wait meanwhile. One inside another waits for itself, and fails.

        Raises:
            UserError: the database cannot be written (disk full, read-only), or others held it for 30 seconds.
        """
        with self._explained(writes=True), self._writing.begin() as session:
            yield session

    def stamp(self) -> bytes:
        """Return some bytes that are others after every commit, whoever made it.

        Taken before reading, they tell later whether what was read may have changed since: the head of the file, whose
        change counter every checkpoint raises (https://www.sqlite.org/fileformat2.html, 1.3.7), and in WAL mode that of
        the index of a log that holds anything, which every commit rewrites (https://www.sqlite.org/walformat.html,
        2.1).

        Raises:
            UserError: the database cannot be read.
        """
        path = self.home.database
        with explain_os_errors(path), path.open("rb") as file:
            head = file.read(_HEAD) + str(os.fstat(file.fileno()).st_mtime_ns).encode()
        try:
            with path.with_name(f"{path.name}-shm").open("rb") as file:
                log = file.read(_LOG_HEAD)
        except FileNotFoundError:  # nobody has the database open
            log = b""
        return head + log if any(log[_FRAMES]) else head

    def _connect(self) -> sqlite3.Connection:
        # isolation_level None: the driver begins nothing by itself, `_begin` does. A web server may hand a session
        # from thread to thread, which SQLite's default build allows.
        connection = sqlite3.connect(
            self.home.database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def _explained(self, *, writes: bool) -> Iterator[None]:
        home = self.home
        try:
            with explain_sqlite_errors(home.database, home.backups):
                yield
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error):
                raise
            # The plain code comes from `query_only`; a read-only disk has extended ones when only reading.
            if not writes and getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY:
                raise RuntimeError(_WROTE) from error
            explained = explain(error.orig, home.database, home.backups)
            if explained is None:
                raise
            raise explained from error


_HEAD, _LOG_HEAD, _FRAMES = 100, 48, slice(16, 20)
"""Bytes of the heads of the database and of its log's index; where the latter says how many frames the log has."""
_WROTE = "a session of Database.read() wrote, and it would be lost: use Database.write()"


def open_database(home: Home) -> Database:
    """Return the database of a home: made where there is none, brought to this version's revision where it is older.

    Raises:
        UserError: the home cannot be written; the database is from a newer version, damaged, or something else's.

    Warns:
        UserWarning: the home lies on a network filesystem.
    """
    home.ensure()
    bring_up_to_date(home)
    _choose_journal(home)
    return Database(home)


def _choose_journal(home: Home) -> None:
    """Choose WAL, or the rollback journal on a network filesystem; the choice stays in the file.

    WAL keeps its index in memory shared by processes, which machines cannot share (https://www.sqlite.org/wal.html).
    """
    network = is_network_filesystem(home.path)
    if network:
        warnings.warn(
            f"The workbench home {home.path} lies on a network filesystem ({filesystem_type(home.path)}). The database "
            "is used without its write-ahead log: slower, and only as safe as the file locks of that filesystem. A "
            "home on a local disk is better (--home or WORKBENCH_HOME).",
            stacklevel=3,
        )
    wanted = "delete" if network else "wal"
    connect = partial(sqlite3.connect, home.database, timeout=BUSY_SECONDS, isolation_level=None)
    with explain_sqlite_errors(home.database, home.backups), closing(connect()) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
            connection.execute(f"PRAGMA journal_mode = {wanted}")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("sqlite_writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")


_NOT_TRASHED = with_loader_criteria(Image, Image.deleted_at.is_(None), include_aliases=True)


def _leave_out_trashed(state: ORMExecuteState) -> None:
    """Leave out images in the trash, so that no query of the many that look for images can forget to."""
    if state.is_select and not state.execution_options.get("with_trashed"):
        state.statement = state.statement.options(_NOT_TRASHED)
