"""Tasks: long commands as processes of their own, which outlive the tab, the server or the shell they came from.

A task is a directory, `tasks/<number>` in the home, and nothing else: what it is to do, how far it is, what it said and
how it ended are files there. It runs the very command that a person would type, so it can do nothing that the command
line cannot.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from db.errors import NotFoundError, UserError
from db.files import explain_os_errors, write_atomic
from db.home import Home
from db.locks import hold_for_child
from training.engine.events import Event, follow, read_events
from training.tasks.files import TaskCommand, TaskDirectory, TaskInfo, describe_task
from training.tasks.log_files import LogPiece, follow_lines, read_piece

KEPT = 200
"""So many of the newest tasks are kept."""
GRACES = (30.0, 15.0)
"""Seconds a task has to end after SIGINT, which is Ctrl-C, and again after SIGTERM."""
KILL_SECONDS = 10.0
POLL_SECONDS = 0.05
_NUMBERS = 10**18  # no task has a greater one, nor could it name a folder


def start_task(
    home: Home, argv: Sequence[str], *, title: str, project_id: int | None = None, link: str | None = None
) -> TaskInfo:
    """Start a command as a task. It works on from this moment on, whatever happens to this process.

    Args:
        home: to work in.
        argv: what stands after `workbench`, word by word; no shell ever sees it. Paths should be absolute.
        title: what to call it, `Import photos`.
        project_id: of the project it is about.
        link: the page that shows its outcome; `{task}` in it becomes the task's number.

    Raises:
        UserError: its directory cannot be written.
    """
    folder = _folder(home)
    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        directory = _claim(folder)
        _prune(folder)
        command = TaskCommand(
            argv=tuple(argv),
            title=title,
            home=home.path,
            project_id=project_id,
            link=None if link is None else link.replace("{task}", str(directory.id)),
            started_at=time.time(),
        )
        try:
            child = _launch(directory, command)
        except BaseException:
            shutil.rmtree(directory.path, ignore_errors=True)  # it would be told of as one that was killed
            raise
    # Somebody has to take its exit code, or it stays a zombie for as long as we live.
    threading.Thread(target=child.wait, daemon=True).start()
    return describe_task(directory)


def _launch(directory: TaskDirectory, command: TaskCommand) -> subprocess.Popen[bytes]:
    with hold_for_child(directory.lock) as lock, directory.log.open("ab") as log:
        # Last of all: from then on it is a task for everyone, and its lock is held already.
        write_atomic(directory.command_file, command.model_dump_json(indent=1).encode())
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.cli.task", str(directory.path), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(lock,),
        )


def list_tasks(home: Home, limit: int | None = None, offset: int = 0) -> list[TaskInfo]:
    """Return tasks, the newest first, without what their commands printed; all that are kept where there is no limit.

    One whose files are damaged is left out; `find_task` says what is the matter with it.
    """
    found = []
    for directory in _directories(_folder(home))[offset:][:limit]:
        with suppress(FileNotFoundError, UserError):  # removed meanwhile, or damaged
            found.append(describe_task(directory))
    return found


def find_task(home: Home, number: int) -> TaskInfo:
    """Return a task and, where it has ended, what its command printed.

    Raises:
        NotFoundError: there is no such task, or no longer.
        UserError: its files are damaged.
    """
    directory = _find(home, number)
    info = describe_task(directory)
    result = None if info.state == "running" else directory.result()
    return replace(info, result=result.result) if result else info


def cancel_task(home: Home, number: int, graces: tuple[float, float] = GRACES) -> TaskInfo:
    """End a task, and everything it started in its session: as Ctrl-C would, then by SIGTERM, then by SIGKILL.

    Args:
        home: of the task.
        number: of the task.
        graces: seconds to wait after SIGINT and after SIGTERM.

    Raises:
        NotFoundError: there is no such task.
        UserError: it is not running, or it does so on another machine.
    """
    directory = _find(home, number)
    if not directory.is_alive():
        raise UserError(f"Task {number} is {describe_task(directory).state}, not running.")
    directory.cancel_flag.touch()
    process = _process(directory)
    for kind, grace in ((signal.SIGINT, graces[0]), (signal.SIGTERM, graces[1]), (signal.SIGKILL, KILL_SECONDS)):
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process, kind)
        if _ends(directory, grace):
            return find_task(home, number)
    raise UserError(f"Task {number} does not end; the system holds it.")


def task_events(home: Home, number: int, start: int = 0) -> tuple[list[Event], int]:
    """Return what a task told from byte `start` on, and the offset to go on from.

    Raises:
        NotFoundError: there is no such task.
    """
    return follow(_find(home, number).events, start)


def follow_task_log(home: Home, number: int, *, follow: bool) -> Iterator[str]:
    """Yield the lines of a task's log; with `follow`, go on until it ends.

    Raises:
        NotFoundError: there is no such task.
    """
    directory = _find(home, number)
    return follow_lines(directory.log, directory.is_alive, follow=follow)


def read_task_log(home: Home, number: int, start: int) -> LogPiece:
    """Read on in a task's log from byte `start`; see `training.tasks.log_files.read_piece`.

    Raises:
        NotFoundError: there is no such task.
    """
    directory = _find(home, number)
    return read_piece(directory.log, directory.is_alive, start)


def _folder(home: Home) -> Path:
    return home.path / "tasks"


def _find(home: Home, number: int) -> TaskDirectory:
    directory = TaskDirectory(_folder(home) / str(number))
    if not 0 < number < _NUMBERS or not directory.command_file.exists():
        raise NotFoundError(
            f"There is no task {number}; `workbench tasks` lists them. Only the newest {KEPT} are kept."
        )
    return directory


def _directories(folder: Path) -> list[TaskDirectory]:
    """Return all tasks' directories, the newest first; one that is just being made may be among them."""
    if not folder.is_dir():
        return []
    numbers = (int(path.name) for path in folder.iterdir() if path.name.isascii() and path.name.isdigit())
    return [TaskDirectory(folder / str(number)) for number in sorted(numbers, reverse=True)]


def _claim(folder: Path) -> TaskDirectory:
    """Make the directory of the next number; of two who want the same, one gets it."""
    number = max((directory.id for directory in _directories(folder)), default=0) + 1
    while True:
        with suppress(FileExistsError):
            (folder / str(number)).mkdir()
            return TaskDirectory(folder / str(number))
        number += 1


def _prune(folder: Path) -> None:
    for directory in _directories(folder)[KEPT:]:
        if not directory.is_alive():
            shutil.rmtree(directory.path, ignore_errors=True)  # two who prune at once take turns in each other's way


def _process(directory: TaskDirectory) -> int | None:
    """Return the process, which leads its group, as soon as it has said who it is; None once it has ended."""
    while directory.is_alive():
        started = next((event.values for event in read_events(directory.events) if event.kind == "started"), None)
        if started is not None:
            host, here = started["host"], socket.gethostname()
            if host != here:
                raise UserError(f"Task {directory.id} runs on {host}, this is {here}. Cancel it there.")
            return int(started["pid"])
        time.sleep(POLL_SECONDS)
    return None


def _ends(directory: TaskDirectory, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while directory.is_alive() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return not directory.is_alive()
