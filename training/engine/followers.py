"""The other processes of a training on several devices of this machine, started and ended by the one that leads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from training.engine.failure import PartnerLostError
from training.engine.place import Place

SECONDS_TO_END = 30.0
LED = "--led"
"""Option of a follower: `RANK/WORLD@HOST:PORT`. Its standard input is a pipe from the leader, and ends with it."""


class Followers:
    """Processes that train along.

    Args:
        run: the run's directory.
        place: of the leader.
    """

    def __init__(self, run: Path, place: Place) -> None:
        self._children = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "training.engine", LED, f"{rank}/{place.world}@{place.meeting}", str(run)],
                stdin=subprocess.PIPE,
            )
            for rank in range(1, place.world)
        ]

    def fallen(self) -> str | None:
        """Return how the first of them ended that failed, in words; None if none did."""
        for rank, child in enumerate(self._children, start=1):
            with suppress(subprocess.TimeoutExpired):
                code = child.wait(timeout=1)
                if code < 0:
                    return f"process {rank} was killed ({signal.Signals(-code).name}, perhaps for memory)"
                if code:
                    return f"process {rank} failed; the log says why"
        return None

    def end(self) -> None:
        """Wait for them to end by themselves, as they do when the training ends, and no longer than half a minute."""
        for child in self._children:
            assert child.stdin is not None
            with suppress(OSError):
                child.stdin.close()
        for child in self._children:
            try:
                child.wait(timeout=SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def gather(run: Path, count: int) -> Iterator[Place]:
    """Start what is needed to train a run by `count` processes, this one leading; none for one.

    Yields:
        The leader's place.

    Raises:
        PartnerLostError: one of the others ended early; says how.
    """
    if count == 1:
        yield Place()
        return
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    place = Place.on_this_machine(0, count, f"127.0.0.1:{store.port}")
    followers = Followers(run, place)
    try:
        yield place
    except PartnerLostError:
        if (how := followers.fallen()) is not None:
            raise PartnerLostError(how) from None
        raise
    finally:
        followers.end()


def led_place(value: str) -> Place:
    """Read what `Followers` wrote, and end this process when its leader does, however that ends."""
    threading.Thread(target=_end_with_leader, daemon=True).start()
    ranks, _, meeting = value.partition("@")
    rank, _, world = ranks.partition("/")
    return Place.on_this_machine(int(rank), int(world), meeting)


def _end_with_leader() -> None:
    # Not by sys.stdin, whose lock a thread that still reads would hold while the interpreter closes it.
    while os.read(0, 1024):
        pass
    # What is left then is to leave, and the leader grants half a minute for it; a leader that was killed does not wait.
    threading.Event().wait(SECONDS_TO_END / 2)
    os._exit(1)
