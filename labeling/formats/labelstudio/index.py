"""The annotations of Label Studio's tasks, in a temporary file until a worker takes them.

A private SQLite database without a name: it spills to the temporary folder and is gone when closed, or when the process
dies.
"""

from __future__ import annotations

import sqlite3


class TaskIndex:
    """Annotations by number."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute("CREATE TABLE task (number INTEGER PRIMARY KEY, body BLOB)")

    def add(self, body: bytes) -> int:
        """Keep an annotation; return its number."""
        number = self._database.execute("INSERT INTO task (body) VALUES (?)", (body,)).lastrowid
        assert number is not None
        return number

    def body(self, number: int) -> bytes:
        """Return an annotation."""
        return bytes(self._database.execute("SELECT body FROM task WHERE number = ?", (number,)).fetchone()[0])
