"""File locks between processes: advisory, let go by the kernel when the holder dies, however it dies.

They are `flock` locks (through `filelock`), not `fcntl` record locks: a record lock is lost as soon as the process
closes any other descriptor of the file, which a mere look at the lock would do. A process made by `os.fork` shares
its parent's lock, and the lock is free once the last of them is gone; a child started as a program does not share it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

# `is_held` takes the lock for some microseconds. Who does not want to wait still tries this long, so that being
# looked at is not mistaken for being held.
_GRACE_SECONDS = 0.25


class LockHeldError(Exception):
    """Another holder has the lock, and the caller did not want to wait."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is held by another process")
        self.path = path


@contextmanager
def hold(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock on `path` for the length of the block. The file is made where missing, and stays.

    Args:
        path: the lock file; its folder must exist.
        wait: True waits until the lock is free, False gives up after a quarter of a second.

    Raises:
        LockHeldError: `wait` is False and another holder has the lock (another thread counts as another holder).
    """
    lock = FileLock(path, timeout=-1 if wait else _GRACE_SECONDS)
    try:
        lock.acquire(poll_interval=0.05 if wait else 0.01)
    except Timeout:
        raise LockHeldError(path) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def hold_for_child(path: Path) -> Iterator[int]:
    """Hold the lock on a file that nobody else knows of yet, and yield its descriptor for a child to inherit.

    A child that is started in the block with this descriptor among its `pass_fds` holds the lock from its first
    moment to its last, with no gap in which it would look dead. It should make the descriptor non-inheritable, so
    that its own children do not hold the lock as well.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)  # closed, not unlocked: the child's copy is the same lock


def is_held(path: Path) -> bool:
    """Tell whether someone, this process included, holds the lock on `path`. A missing file is not held."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look do not see each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
