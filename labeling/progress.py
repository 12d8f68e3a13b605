"""How long work tells the rim where it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from time to time; must return quickly."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Report that `done` of `total` (None: unknown) units of `what` are finished."""


def silent(done: int, total: int | None, what: str) -> None:
    """Ignore progress."""
