"""Starting and stopping trainers, which are processes of their own that outlive whoever started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from db.errors import UserError
from db.files import explain_os_errors
from training.engine.events import Event, follow
from training.engine.rundir import RunDirectory
from training.runs.files import events_of, is_alive

GRACES = (30.0, 15.0)
"""Seconds a trainer has after the flag, and again after SIGTERM."""
POLL_SECONDS = 0.1
START_SECONDS = 20.0


def start(directory: Path, *, prepare_only: bool = False) -> subprocess.Popen[bytes]:
    """Start a trainer in a session of its own, its output going to `log.txt`, and wait until it holds the run.

    Raises:
        UserError: the run is being trained already, or the log cannot be written.
    """
    run = RunDirectory(directory)
    if is_alive(directory):
        raise UserError(f"The run in {directory} is already running.")
    run.stop_flag.unlink(missing_ok=True)
    options = ["--prepare"] if prepare_only else []
    with explain_os_errors(directory), run.log.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "training.engine", *options, str(directory.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and not is_alive(directory) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS / 4)
    return child


def watch(
    child: subprocess.Popen[bytes], directory: Path, on_event: Callable[[Event], None], *, start_at: int = 0
) -> int:
    """Pass a trainer's events on until it ends; return its exit code (negative: killed by that signal).

    Ctrl-C asks it to finish its step and save; again, kills it.

    Args:
        child: from `start`.
        directory: of the run.
        on_event: told every event.
        start_at: byte offset in `events.jsonl` to begin at.
    """
    run, position, asked = RunDirectory(directory), start_at, False
    while True:
        try:
            ended = child.poll()
            events, position = follow(run.events, position)
            for event in events:
                on_event(event)
            if ended is not None:
                return ended
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            # Counted here: the flag may be there because of a `stop` from elsewhere, which is no reason to kill.
            if asked:
                child.kill()
            asked = True
            run.stop_flag.touch()


def attend(directory: Path, on_event: Callable[[Event], None]) -> None:
    """Pass on the events of a trainer that somebody else started, from now until it ends.

    Ctrl-C asks it to finish its step and save; again, leaves it alone with that.
    """
    run, asked = RunDirectory(directory), False
    position = run.events.stat().st_size if run.events.exists() else 0
    alive = True
    while alive:
        try:
            alive = is_alive(directory)
            events, position = follow(run.events, position)
            for event in events:
                on_event(event)
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            if asked:
                raise
            asked = True
            run.stop_flag.touch()


def stop(directory: Path, graces: tuple[float, float] = GRACES) -> None:
    """Ask a trainer to save and end: by its flag, then SIGTERM, then SIGKILL. The last checkpoint stays intact.

    Args:
        directory: of the run.
        graces: seconds to wait after the flag and after SIGTERM.

    Raises:
        UserError: no trainer works on the run, or it does so on another machine and does not answer.
    """
    if not is_alive(directory):
        raise UserError(f"The run in {directory} is not running.")
    RunDirectory(directory).stop_flag.touch()
    if _ends(directory, graces[0]):
        return
    pid = _pid(directory)
    for number, grace in ((signal.SIGTERM, graces[1]), (signal.SIGKILL, 10.0)):
        with suppress(ProcessLookupError):
            # The whole group where it leads one, so that nothing it started is left behind.
            (os.killpg if os.getpgid(pid) == pid else os.kill)(pid, number)
        if _ends(directory, grace):
            return
    raise UserError(f"The trainer of {directory}, process {pid}, does not end; the system holds it.")


def _ends(directory: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(directory) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return not is_alive(directory)


def _pid(directory: Path) -> int:
    """Return the process that holds the run's lock: the one of the newest attempt."""
    attempts = [event for event in events_of(directory) if event.kind == "attempt"]
    here = socket.gethostname()
    if not attempts or attempts[-1].values["host"] != here:
        where = attempts[-1].values["host"] if attempts else "another machine"
        raise UserError(
            f"The trainer runs on {where}, this is {here}. It was asked to stop; stop it there if it does not."
        )
    return int(attempts[-1].values["pid"])
