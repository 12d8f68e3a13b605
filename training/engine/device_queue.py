"""One training a device at a time; a later one waits, and says for whom."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from db.locks import LockHeldError, hold
from training.engine.failure import Stopped

POLL_SECONDS = 0.5


@contextmanager
def own_device(
    locks: Path, device: str, who: str, *, waiting: Callable[[str], None], stop: Callable[[], bool]
) -> Iterator[None]:
    """Compute on a device of this machine alone for the length of the block. Let go however the process ends.

    Args:
        locks: folder of the lock files; made where missing.
        device: `cpu` or `cuda:N`.
        who: what to tell others who wait (`run 12`).
        waiting: told once, who has the device, if it has to be waited for.
        stop: asked while waiting.

    Raises:
        Stopped: asked to stop while waiting.
    """
    locks.mkdir(parents=True, exist_ok=True)
    lock = locks / f"device-{socket.gethostname()}-{device.replace(':', '-')}.lock"
    owner = lock.with_suffix(".owner")
    told = False
    with ExitStack() as held:
        while True:
            if stop():
                raise Stopped
            with suppress(LockHeldError):
                held.enter_context(hold(lock, wait=False))
                break
            if not told:
                waiting(owner.read_text(encoding="utf-8") if owner.exists() else "another training")
                told = True
            time.sleep(POLL_SECONDS)
        owner.write_text(who, encoding="utf-8")
        yield
