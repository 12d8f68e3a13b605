"""A process that has torch loaded and forks trainers to be killed, so that each costs milliseconds to start.

Run as a program: reads one JSON object a line, `{"run": DIR, "fault": NAME or null, "at": N, "kill_after": SECONDS or
null}`, forks a trainer, waits for it, and answers with its wait status. It never computes itself: a fork of a process
whose OpenMP threads have started would hang.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[2]


class Driver:
    """The other end, in the test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            text=True,
        )

    def train(self, run: Path, *, fault: str | None = None, at: int = 1, kill_after: float | None = None) -> int:
        """Run one attempt; return its exit code, or minus the signal that killed it."""
        assert self._process.stdin
        assert self._process.stdout
        print(
            json.dumps({"run": str(run), "fault": fault, "at": at, "kill_after": kill_after}),
            file=self._process.stdin,
            flush=True,
        )
        return os.waitstatus_to_exitcode(int(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _half_checkpoint(at: int) -> None:
    """Die with half of the n-th checkpoint written."""
    import torch

    save = torch.save
    calls = 0

    def torn(content: object, file: Any) -> None:
        nonlocal calls
        calls += 1
        save(content, file)
        if calls == at:
            file.flush()
            file.truncate(file.tell() // 2)
            _die()

    patch("training.engine.state.torch.save", torn).start()


def _around_rename(at: int, *, after: bool) -> None:
    """Die just before or after the n-th checkpoint gets its name."""
    from db.files import settle

    calls = 0

    def deadly(file: Any, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            file.flush()
            _die()
        settle(file, target)
        if calls == at:
            _die()

    patch("training.engine.state.settle", deadly).start()


def _in_validation(at: int) -> None:
    """Die after the n-th batch of validation images."""
    from training.evaluation.counting import count_tensor as count

    calls = 0

    def deadly(*args: Any) -> None:
        nonlocal calls
        calls += 1
        count(*args)
        if calls == at:
            _die()

    patch("training.engine.validate.count_tensor", deadly).start()


def _in_step(at: int) -> None:
    """Die between the optimiser's update and the averaging of weights."""
    from training.engine.state import Ema

    update = Ema.update
    calls = 0

    def deadly(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            _die()
        update(*args)

    patch("training.engine.state.Ema.update", deadly).start()


def _in_event(at: int) -> None:
    """Die with half of the n-th event written."""
    write = os.write
    calls = 0

    def torn(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == at:
            write(descriptor, data[: len(data) // 2])
            _die()
        return write(descriptor, data)

    class Torn:
        write = staticmethod(torn)

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    patch("training.engine.events.os", Torn()).start()


def _half_samples(at: int) -> None:
    """Die with some of the samples of a validation written."""
    from labeling.maps import write_map_png

    calls = 0

    def deadly(*args: Any) -> bytes:
        nonlocal calls
        calls += 1
        if calls == at + 1:
            _die()
        return write_map_png(*args)

    patch("training.engine.samples.write_map_png", deadly).start()


FAULTS: dict[str, Callable[[int], None]] = {
    "half checkpoint": _half_checkpoint,
    "before rename": lambda at: _around_rename(at, after=False),
    "after rename": lambda at: _around_rename(at, after=True),
    "in validation": _in_validation,
    "in step": _in_step,
    "in event": _in_event,
    "half samples": _half_samples,
}


def _serve() -> None:
    import training.engine.prepare  # noqa: F401 - what takes its time to load
    from training.engine.attempt import attempt

    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            with Path(order["run"], "log.txt").open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            if order["fault"]:
                FAULTS[order["fault"]](order["at"])
            code = 70
            try:
                code = attempt(Path(order["run"]))
            finally:
                sys.stdout.flush()
                os._exit(code)
        if order["kill_after"] is not None:
            time.sleep(order["kill_after"])
            os.kill(child, signal.SIGKILL)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    _serve()
