"""What the training page needs and takes seconds to find out, found out while nobody waits for it yet."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from db.home import Home
from training.architectures import names

if TYPE_CHECKING:
    from training.architecture_cards import ArchitectureCard

FIRST = "lraspp_mobilenetv3"
"""The page Train begins with it."""
_AT_ONCE_SECONDS = 0.5
"""Cards that the home remembers are read in that time; who asks does not wait for the others."""


class ArchitectureList:
    """The cards of all architectures with their default options, described one after the other in the background.

    One thread does it. It is not niced: it takes turns at the interpreter's lock, and a niced thread that holds it
    while others compute holds up the server.
    """

    def __init__(self, home: Home) -> None:
        """Describe nothing yet. `home`: remembers cards."""
        self._home = home
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._cards: list[Future[ArchitectureCard]] = []

    def begin(self) -> None:
        """Load torch and describe what the home does not remember, unless that has begun."""
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "architectures")
                ordered = sorted(names(), key=lambda name: name != FIRST)
                self._cards = [self._thread.submit(_describe, name, self._home) for name in ordered]
                self._thread.submit(_load_torch)  # also where all cards are remembered: trainings are checked with it

    def so_far(self) -> tuple[list[ArchitectureCard], int]:
        """Return the cards there are, the lightest first, and how many are still to come."""
        self.begin()
        done, missing = wait(self._cards, _AT_ONCE_SECONDS)
        return sorted((card.result() for card in done), key=lambda card: card.gflops), len(missing)

    def end(self) -> None:
        """Begin nothing more, and wait for what is at work: a process that leaves while torch is loaded is aborted."""
        with self._lock:
            if self._thread is not None:
                self._thread.shutdown(cancel_futures=True)


def _describe(name: str, home: Home) -> ArchitectureCard:
    from training.architecture_cards import architecture_card

    return architecture_card(name, home=home)


def _load_torch() -> None:
    import training.architecture_figures  # noqa: F401
