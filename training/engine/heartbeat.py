"""A trainer's sign of life for other machines that share its folder.

A lock file speaks for the processes of one machine; whether others see it is up to the network filesystem and how it is
mounted. So on such a filesystem a trainer also touches a file every few seconds. Only the file server's clock is asked:
those of two machines may differ by more than a heart takes to stop.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from db.errors import UserError
from db.files import is_network_filesystem, scratch_file, write_atomic

PERIOD = 10.0
SILENCE = 60.0
"""Seconds without a beat after which a trainer on another machine counts as dead."""
NAME = "heartbeat"


@contextmanager
def beating(folder: Path) -> Iterator[None]:
    """Show for the length of the block that this process works in `folder`, if other machines may see the folder.

    Raises:
        UserError: a trainer on another machine works in it, or was killed so recently that it may still.
    """
    if not is_network_filesystem(folder):
        yield
        return
    if (other := beats_elsewhere(folder)) is not None:
        raise UserError(
            f"The run in {folder} is being trained on {other}; a second trainer would spoil it. If that one was "
            f"killed, try again in {SILENCE:g} s."
        )
    file, ended = folder / NAME, threading.Event()
    write_atomic(file, socket.gethostname().encode())
    thread = threading.Thread(target=_beat, args=(file, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(OSError):
            file.unlink()


def beats_elsewhere(folder: Path) -> str | None:
    """Return the other machine on which a trainer works in `folder`, None where none does."""
    try:
        host, last = (folder / NAME).read_text(), (folder / NAME).stat().st_mtime
    except FileNotFoundError:
        return None
    if host == socket.gethostname():
        return None  # the lock knows better
    with scratch_file(folder) as now:
        return host if os.fstat(now.fileno()).st_mtime - last < SILENCE else None


def _beat(file: Path, ended: threading.Event) -> None:
    while not ended.wait(PERIOD):
        with suppress(OSError):  # a server that is away for a moment
            os.utime(file)
