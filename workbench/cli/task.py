"""`python -P -m workbench.cli.task DIR LOCK`: run the command of a task in this process.

LOCK is the descriptor of the task's lock, inherited from whoever started it: the task is alive for as long as this
process is.
"""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from training.engine.events import EventWriter
from training.tasks.files import TaskDirectory, TaskResult, TaskState, last_line, with_options
from workbench.cli.app import EXIT_INTERRUPTED, run
from workbench.cli.output import telling

EVERY_SECONDS = 0.2
EXIT_PUT_DOWN = 75  # EX_TEMPFAIL of sysexits.h: a training that was stopped


def main(path: Path) -> int:
    """Run the task in `path` and return its command's exit code."""
    # Whoever was started in the background of a shell may have Ctrl-C switched off, and we would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    directory = TaskDirectory(path)
    outlet = TaskOutlet(directory)
    try:
        command = directory.command()
        arguments = with_options(command.argv, "--home", str(command.home), "--json")
        with telling(outlet):
            # Cancelled so early that nobody was there yet to hear of it.
            code = EXIT_INTERRUPTED if directory.cancel_flag.exists() else run(arguments)
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    # What it did is done: being cancelled from here on changes nothing but how it would be told.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    outlet.end(code)
    return code


class TaskOutlet:
    """Writes progress to a task's events, and keeps what the command said in the end."""

    def __init__(self, directory: TaskDirectory) -> None:
        """Begin the task's events by saying who we are."""
        self._directory = directory
        self._events = EventWriter(directory.events)
        self._events.write("started", pid=os.getpid(), host=socket.gethostname())
        self._result: Any = None
        self._sentence: str | None = None
        self._waiting: tuple[int, int | None, str] | None = None
        self._what = ""
        self._told = 0.0

    def progress(self, done: int, total: int | None, what: str) -> None:
        """Write progress at most five times a second, and always where a part begins and ends."""
        if what != self._what:
            self._flush()
        due = what != self._what or done == total or time.monotonic() - self._told >= EVERY_SECONDS
        self._what, self._waiting = what, (done, total, what)
        if due:
            self._flush()

    def result(self, value: Any) -> None:
        """Keep the command's JSON object."""
        self._result = value

    def failure(self, message: str) -> None:
        """Keep the error that a person is told."""
        self._sentence = message

    def end(self, code: int) -> None:
        """Write how it ended."""
        self._flush()
        self._events.close()
        sys.stdout.flush()
        state = self._state(code)
        self._directory.finish(
            TaskResult(
                state=state,
                exit_code=code,
                sentence=self._said() if state == "finished" else self._why(code),
                ended_at=time.time(),
                result=self._result,
            )
        )

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._told = time.monotonic()
            done, total, what = waiting
            with suppress(OSError):  # a full disk is noticed, and told, where it matters
                self._events.write("progress", done=done, total=total, what=what)

    def _state(self, code: int) -> TaskState:
        if code == 0:
            return "finished"
        asked = self._directory.cancel_flag.exists() or code in (EXIT_INTERRUPTED, EXIT_PUT_DOWN)
        return "cancelled" if asked else "failed"

    def _said(self) -> str | None:
        return self._result.get("sentence") if isinstance(self._result, dict) else None

    def _why(self, code: int) -> str:
        last = last_line(self._directory.log)
        return self._sentence or self._said() or f"The command ended with code {code}. The last it said: {last}"


if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[2]), False)  # what the command starts must not keep the task alive
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, io.TextIOWrapper)
        # The two meet in one file: line by line, in the order they were said, and always as UTF-8.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    sys.exit(main(Path(sys.argv[1])))
