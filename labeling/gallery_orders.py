"""Which images fit a filter, in order: found once and kept for the pages after the first, until somebody writes."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from weakref import WeakKeyDictionary

from db.session import Database

MOST = 16
"""Lists kept of one database; one of 100,000 images takes 800 kB."""


class KeptOrders:
    """Lists of image numbers, the most recently used ones. Used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[bytes, array[int] | None]] = OrderedDict()

    def ids(self, key: Hashable, stamp: bytes, find: Callable[[], Iterable[int]]) -> array[int] | None:
        """Return the list of a key, which is not found the first time: who looks at one page may look at no other.

        Args:
            key: what the list is of.
            stamp: `Database.stamp` before the database was read; a list of another stamp is forgotten.
            find: finds it, the second time it is asked for.

        Returns:
            The numbers in order, or None the first time.
        """
        with self._lock:
            known, found = self._kept.pop(key, (None, None))
        if known == stamp and found is None:
            found = array("q", find())
        with self._lock:
            self._kept[key] = (stamp, found if known == stamp else None)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return found if known == stamp else None


_kept: WeakKeyDictionary[Database, KeptOrders] = WeakKeyDictionary()
_guard = Lock()


def orders_of(database: Database) -> KeptOrders:
    """Return the lists kept of a database in this process."""
    with _guard:
        return _kept.setdefault(database, KeptOrders())
