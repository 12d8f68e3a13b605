"""What takes long to find and changes only when the database does: found once, kept until somebody writes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

MOST = 24
"""Answers kept of one database, the most recently asked ones. A list of 100,000 images takes 800 kB."""

Answer = TypeVar("Answer")


class UntilWritten:
    """Answers that are functions of a database, by what was asked. Used from any thread."""

    def __init__(self, stamp: Callable[[], bytes]) -> None:
        self._stamp = stamp
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[bytes, Any]] = OrderedDict()

    def get(self, key: Hashable, find: Callable[[], Answer]) -> Answer:
        """Return the answer of a key, found anew where the database was written since. None is never kept.

        Args:
            key: what is asked; the first of its parts says by whom.
            find: finds it in a session that it begins itself, or that begins after this call.
        """
        stamp = self._stamp()  # before reading: what is written meanwhile makes it out of date
        with self._lock:
            known = self._kept.pop(key, None)
        answer: Answer = known[1] if known is not None and known[0] == stamp else find()
        with self._lock:
            if answer is not None:
                self._kept[key] = (stamp, answer)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return answer
