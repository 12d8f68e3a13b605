"""Counting failed logins, so that nobody tries passwords by the thousand."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

FREE = 5
LONGEST_WAIT_SECONDS = 300.0
_FORGOTTEN_AFTER_SECONDS = 3600.0
_MOST_KEYS = 10_000


@dataclass
class _Count:
    failures: int = 0
    last: float = 0.0


@dataclass
class Attempts:
    """Failures by key (a name, a client's address): five are free, then the wait doubles, up to five minutes.

    At most ten thousand keys are remembered, those seen last: memory is bounded whoever knocks.
    """

    clock: Callable[[], float] = time.monotonic
    _counts: OrderedDict[str, _Count] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, keys: Sequence[str]) -> int:
        """Return the seconds to wait, 0 where the attempt may be made; it then counts as failed until `succeed`.

        Counted before its outcome is known, as many attempts at once would all be the first otherwise.
        """
        with self._lock:
            now = self.clock()
            wait = max(self._wait(key, now) for key in keys)
            if wait > 0:
                return math.ceil(wait)
            for key in keys:
                count = self._counts.setdefault(key, _Count())
                if now - count.last > _FORGOTTEN_AFTER_SECONDS:
                    count.failures = 0
                count.failures += 1
                count.last = now
                self._counts.move_to_end(key)
            while len(self._counts) > _MOST_KEYS:
                self._counts.popitem(last=False)
            return 0

    def succeed(self, keys: Sequence[str]) -> None:
        """Forget the failures of these keys."""
        with self._lock:
            for key in keys:
                self._counts.pop(key, None)

    def _wait(self, key: str, now: float) -> float:
        count = self._counts.get(key)
        if count is None or count.failures < FREE:
            return 0.0
        wait = min(2.0 ** min(count.failures - FREE, 30), LONGEST_WAIT_SECONDS)
        return count.last + wait - now
