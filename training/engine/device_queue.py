"""One training a device at a time; a later one waits, and says for whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from db.locks import LockHeldError, hold, is_held
from training.engine.failure import Stopped

POLL_SECONDS = 0.5


@contextmanager
def own_device(
    locks: Mapping[str, Path], who: str, *, waiting: Callable[[str], None], stop: Callable[[], bool]
) -> Iterator[str]:
    """Compute on one of some devices alone for the length of the block. Let go however the process ends.

    Args:
        locks: the lock file of each device that will do; the first free one is taken. Folders are made where missing.
        who: what to tell others who wait (`run 12`).
        waiting: told once, who has the last of the devices, if one has to be waited for.
        stop: asked while waiting.

    Yields:
        The device.

    Raises:
        Stopped: asked to stop while waiting.
    """
    for lock in locks.values():
        lock.parent.mkdir(parents=True, exist_ok=True)
    told = False
    with ExitStack() as held:
        while True:
            if stop():
                raise Stopped
            if (device := _first_free(locks, held)) is not None:
                break
            if not told:
                waiting(_name([*locks.values()][-1]))
                told = True
            time.sleep(POLL_SECONDS)
        _owner(locks[device]).write_text(who, encoding="utf-8")
        yield device


def holder(lock: Path) -> str | None:
    """Return who computes on a device, None where nobody does."""
    return _name(lock) if is_held(lock) else None


def _first_free(locks: Mapping[str, Path], held: ExitStack) -> str | None:
    for device, lock in locks.items():
        with suppress(LockHeldError):
            held.enter_context(hold(lock, wait=False))
            return device
    return None


def _owner(lock: Path) -> Path:
    return lock.with_suffix(".owner")


def _name(lock: Path) -> str:
    owner = _owner(lock)
    return owner.read_text(encoding="utf-8") if owner.exists() else "another training"
