"""How far the reading of large files is, told while they are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from labeling.progress import Progress

TOLD_BYTES = 10_000_000
"""From how many bytes on the reading of files is told: fewer are read before anybody looks."""

ReadBytes = Callable[[int], None]
"""Called with the count of bytes that were read, piece by piece."""


def unheard(size: int) -> None:
    """Tell nobody."""


class BytesRead:
    """Tells how far files are that are read one after the other; call it with the bytes of each piece.

    Args:
        progress: told.
        paths: the files.
        passes: how often each is read.
    """

    def __init__(self, progress: Progress, paths: Iterable[Path], passes: int = 1) -> None:
        self._progress, self._passes = progress, passes
        self._total, self._done = sum(path.stat().st_size for path in paths if path.is_file()), 0

    def __call__(self, size: int) -> None:
        """Count bytes that were read."""
        self._done += size
        if self._total >= TOLD_BYTES:
            self._progress(self._done // self._passes // 10**6, self._total // 10**6, "MB of labels listed")
