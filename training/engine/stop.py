"""Being asked to stop, by signal or by file, and answering at the end of a step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
"""SIGUSR1 is what Slurm sends ahead of a time limit when asked to."""


class StopRequest:
    """Whether somebody asked this process to put its work down.

    Attributes:
        signal: the newest signal, None before one.
    """

    def __init__(self, flag: Path) -> None:
        self._flag = flag
        self.signal: int | None = None

    @contextmanager
    def listening(self) -> Iterator[StopRequest]:
        """Take the signals for the length of the block; outside the main thread only the file counts."""
        earlier = {number: signal.signal(number, self._note) for number in SIGNALS}
        try:
            yield self
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return self.signal is not None or self._flag.exists()

    @property
    def state(self) -> Literal["stopped", "interrupted"]:
        """`stopped` when a person asked through the workbench, `interrupted` when the system did."""
        return "stopped" if self._flag.exists() else "interrupted"

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
