"""The directory of a task: which file says what, and what all of them say together."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from db.files import write_atomic
from db.home import Home
from db.locks import is_held
from training.documents import Document, read_document
from training.engine.events import Event, events_at_end

TaskState = Literal["running", "finished", "failed", "cancelled", "interrupted"]

TAIL_BYTES = 16 * 1024
"""Of the events; the rate is that of the work they tell of, about the last half minute."""
LOG_TAIL_BYTES = 4 * 1024
_PROGRESS = {"done", "total", "what"}  # another version may tell it otherwise


class TaskCommand(Document):
    """What was asked, written once by whoever starts the task (`command.json`).

    Attributes:
        argv: what stands after `workbench`.
        title: what to call it.
        home: the workbench home it works in.
        project_id: of the project it is about, where it is about one.
        link: the page that shows its outcome.
        started_at: seconds since 1970.
    """

    argv: tuple[str, ...]
    title: str
    home: Path
    project_id: int | None = None
    link: str | None = None
    started_at: float


class TaskResult(Document):
    """How a task ended (`result.json`).

    Attributes:
        state: how.
        exit_code: of the command.
        sentence: why it failed, for the person who reads it.
        ended_at: seconds since 1970.
        result: what the command prints with `--json`; None where it printed nothing.
    """

    state: TaskState
    exit_code: int
    sentence: str | None = None
    ended_at: float
    result: Any = None


@dataclass(frozen=True)
class TaskProgress:
    """`done` of `total` (None: unknown) units of `what`."""

    done: int
    total: int | None
    what: str


@dataclass(frozen=True)
class TaskInfo:
    """A task as lists show it.

    Attributes:
        argv: what stands after `workbench`.
        command: a line for a shell that does the same.
        project_id: of the project it is about, where it is about one.
        link: the page that shows its outcome.
        state: running, finished, failed, cancelled, or interrupted: killed before it could say why.
        progress: of the part it is at, None before it told any.
        rate: units a second.
        eta: seconds to the end of this part.
        sentence: why it did not finish; of one that did, what came of it, where its command says so.
        result: what the command prints with `--json`. Lists leave it out, `find_task` has it.
    """

    id: int
    title: str
    argv: tuple[str, ...]
    command: str
    project_id: int | None
    link: str | None
    state: TaskState
    progress: TaskProgress | None
    rate: float | None
    eta: float | None
    started_at: datetime
    ended_at: datetime | None
    sentence: str | None
    result: Any = None


@dataclass(frozen=True)
class TaskDirectory:
    """Paths in a task's directory, and its documents."""

    path: Path

    @property
    def id(self) -> int:
        """The task's number."""
        return int(self.path.name)

    @property
    def lock(self) -> Path:
        """Held by the task while it lives."""
        return self.path / "lock"

    @property
    def cancel_flag(self) -> Path:
        """Its presence says that somebody asked the task to end."""
        return self.path / "cancel"

    @property
    def events(self) -> Path:
        """One line of JSON an event."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the command prints for a person."""
        return self.path / "log.txt"

    @property
    def command_file(self) -> Path:
        """What was asked. A directory without it is not a task yet."""
        return self.path / "command.json"

    @property
    def result_file(self) -> Path:
        """How it ended."""
        return self.path / "result.json"

    def is_alive(self) -> bool:
        """Tell whether the task's process lives."""
        return is_held(self.lock)

    def command(self) -> TaskCommand:
        """Read what was asked.

        Raises:
            FileNotFoundError: it is no task, or was removed meanwhile.
            UserError: it is damaged.
        """
        return read_document(TaskCommand, self.command_file)

    def result(self) -> TaskResult | None:
        """Read how it ended, None while it runs or when it was killed.

        Raises:
            UserError: it is damaged.
        """
        try:
            return read_document(TaskResult, self.result_file)
        except FileNotFoundError:
            return None

    def finish(self, result: TaskResult) -> None:
        """Write how it ended."""
        write_atomic(self.result_file, result.model_dump_json(indent=1).encode())


def describe_task(directory: TaskDirectory) -> TaskInfo:
    """Return what a task's directory says.

    Raises:
        FileNotFoundError: it is no task, or was removed meanwhile.
        UserError: one of its files is damaged.
    """
    # In this order: a task that ends in between has written its result before it let go of its lock.
    alive = directory.is_alive()
    if alive:
        return _describe(directory, alive=True)
    try:
        written = directory.result_file.stat().st_mtime_ns
    except FileNotFoundError:
        return _describe(directory, alive=False)
    return _ended(directory, written)


@lru_cache(maxsize=512)
def _ended(directory: TaskDirectory, written_ns: int) -> TaskInfo:
    """Describe a task that has said how it ended: nothing changes any more, and lists ask every second."""
    return replace(_describe(directory, alive=False), result=None)


def _describe(directory: TaskDirectory, *, alive: bool) -> TaskInfo:
    command = directory.command()
    result = None if alive else directory.result()
    events, _ = events_at_end(directory.events, TAIL_BYTES)
    progress, rate, eta = _progress(events)
    info = TaskInfo(
        id=directory.id,
        title=command.title,
        argv=command.argv,
        command=shell_line(command.argv, command.home),
        project_id=command.project_id,
        link=command.link,
        state="running",
        progress=progress,
        rate=rate,
        eta=eta if alive else None,
        started_at=_moment(command.started_at),
        ended_at=None,
        sentence=None,
    )
    if alive:
        return info
    if result is not None:
        ended = _moment(result.ended_at)
        return replace(info, state=result.state, sentence=result.sentence, ended_at=ended, result=result.result)
    died = _moment(events[-1].time) if events else info.started_at
    if directory.cancel_flag.exists():
        sentence = "It was cancelled, and killed as it did not end by itself."
        return replace(info, state="cancelled", sentence=sentence, ended_at=died)
    return replace(info, state="interrupted", sentence=_killed(directory), ended_at=died)


def _killed(directory: TaskDirectory) -> str:
    last = last_line(directory.log)
    sentence = (
        "It was killed before it could say why (perhaps memory or disk were full, or the computer was turned off)."
    )
    return f"{sentence} The last it said: {last}" if last else sentence


def last_line(log: Path) -> str | None:
    """Return the last line of a log that says something, None where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    return next((line.strip() for line in reversed(lines) if line.strip()), None)


def _progress(events: Sequence[Event]) -> tuple[TaskProgress | None, float | None, float | None]:
    """Return where a task is, its recent rate and the seconds left of this part."""
    told = [event for event in events if event.kind == "progress" and event.values.keys() >= _PROGRESS]
    if not told:
        return None, None, None
    last = told[-1]
    now = TaskProgress(last.values["done"], last.values["total"], last.values["what"])
    part = list(takewhile(lambda event: event.values["what"] == now.what, reversed(told)))
    seconds, units = last.time - part[-1].time, now.done - part[-1].values["done"]
    if seconds <= 0 or units <= 0:
        return now, None, None
    rate = units / seconds
    left = None if now.total is None else max(0.0, (now.total - now.done) / rate - (time.time() - last.time))
    return now, rate, left


def shell_line(argv: Sequence[str], home: Path) -> str:
    """Return a line for a shell that does what a task does; its home is named where it is not the usual one."""
    words = list(argv) if home == Home.resolve().path else with_options(argv, "--home", str(home))
    return shlex.join(["workbench", *words])


def with_options(argv: Sequence[str], *options: str) -> list[str]:
    """Return a command with further options: before a lone `--`, after which nothing is one."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    return [*argv[:end], *options, *argv[end:]]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
