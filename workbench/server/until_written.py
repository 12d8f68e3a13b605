"""What takes seconds to find and changes only when the database does: found once, kept until somebody writes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from db.session import Database

MOST = 8
"""Answers kept, the most recently asked ones."""

Answer = TypeVar("Answer")


class UntilWritten:
    """Answers that are functions of a database, by what was asked. Used from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[bytes, Any]] = OrderedDict()

    def get(self, key: Hashable, find: Callable[[], Answer]) -> Answer:
        """Return the answer of a key, found anew where the database was written since. None is never kept."""
        stamp = self._database.stamp()  # before reading: what is written meanwhile makes it out of date
        with self._lock:
            known = self._kept.pop(key, None)
        answer: Answer = known[1] if known is not None and known[0] == stamp else find()
        with self._lock:
            if answer is not None:
                self._kept[key] = (stamp, answer)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return answer
