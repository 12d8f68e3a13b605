"""What commands print: one JSON object or readable tables on stdout; progress and errors on stderr.

In a process that is a task, what they print is its log, and an `Outlet` is told as well.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from workbench.plain import plain, readable

if TYPE_CHECKING:
    from labeling.progress import Progress

LINE_EVERY_SECONDS = 15.0


class Outlet(Protocol):
    """Where a task keeps what its command has to say."""

    def progress(self, done: int, total: int | None, what: str) -> None:
        """Note how far the command is; see `labeling.progress.Progress`."""

    def result(self, value: Any) -> None:
        """Keep the command's JSON object."""

    def failure(self, message: str) -> None:
        """Keep the error that a person is told."""


_outlet: Outlet | None = None


@contextmanager
def telling(outlet: Outlet) -> Iterator[None]:
    """Tell `outlet` what commands in this block have to say; what they print is for people then, even with --json."""
    global _outlet
    _outlet = outlet
    try:
        yield
    finally:
        _outlet = None


def task_progress() -> Progress | None:
    """Return how to tell the task that this process is about its progress, None where it is none."""
    return None if _outlet is None else _outlet.progress


def named_progress(progress: Progress | None, which: str) -> Progress | None:
    """Return what tells progress of one of several pieces of work by the name of that piece, `which: what`."""
    if progress is None or not which:
        return progress
    return lambda done, total, what: progress(done, total, f"{which}: {what}")


def wants_json(argv: Sequence[str]) -> bool:
    """Tell whether `--json` was asked for, also when the arguments themselves could not be read."""
    return "--json" in argv


def fail(message: str, code: int, *, as_json: bool) -> int:
    """Print an error for a person on stderr and, with `--json`, as the one object on stdout; return the exit code."""
    message = readable(message)
    if _outlet is not None:
        _outlet.failure(message)
    elif as_json:
        print(json.dumps({"error": message}, ensure_ascii=False))
    print(f"Error: {message}", file=sys.stderr)
    return code


def fail_usage(error: Any, code: int, *, as_json: bool) -> int:
    """Report arguments that cannot be read: how the command is used, and what is wrong. `error` is click's."""
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the whole help
        note(error.format_message() + "\n")
        return fail("Which command? They are listed above.", code, as_json=as_json)
    if error.ctx is not None:
        note(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'.")
    return fail(error.format_message().replace("Value error, ", ""), code, as_json=as_json)


def emit(value: Any, *, as_json: bool, show: Callable[[], None]) -> None:
    """Print `value` (a record or a dict) as one JSON object, or call `show` for a person."""
    if _outlet is not None:
        _outlet.result(plain(value))
        show()
    elif as_json:
        print(json.dumps(plain(value), ensure_ascii=False, allow_nan=False))
    else:
        show()


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; columns whose name starts with `>` are right-aligned. Text is shown as it is, never as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # The title is no part of the grid, which would wrap it to its own width.
    if title is not None:
        say(title)
    grid = Table(header_style="bold", box=None, pad_edge=False)
    for column in columns:
        grid.add_column(Text(column.lstrip(">")), justify="right" if column.startswith(">") else "left")
    for row in rows:
        grid.add_row(*(Text("n/a" if cell is None else str(cell)) for cell in row))
    # Off a terminal a table is as wide as its content: a log must not lose columns.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    console.print(grid)


def say(text: str) -> None:
    """Print a line for a person on stdout."""
    print(text)


def note(text: str) -> None:
    """Print a line on stderr: it never disturbs `--json`."""
    print(text, file=sys.stderr)


def percent(value: float | None) -> str:
    """Write a fraction as a percentage with one decimal, n/a as such."""
    return "n/a" if value is None else f"{100 * value:.1f}"


def moment(time: datetime) -> str:
    """Write a time to the minute, as this computer's clock shows it."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


@contextmanager
def progress_bar(which: str = "") -> Iterator[Progress]:
    """Show progress, rate and ETA on stderr; where stderr is no terminal, a line now and then and when a part ends.

    A task's progress says `which`.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(named_progress(task_progress(), which))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(done: int, total: int | None, what: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what.replace("[", "\\["), total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield report


class _Lines:
    """Progress for a log: a line when a part ends, and every so often while it goes on."""

    def __init__(self, pass_on: Progress | None) -> None:
        self._told = time.monotonic()
        self._pass_on = pass_on

    def __call__(self, done: int, total: int | None, what: str) -> None:
        if self._pass_on is not None:
            self._pass_on(done, total, what)
        if done == total or time.monotonic() - self._told >= LINE_EVERY_SECONDS:
            self._told = time.monotonic()
            note(f"{what}: {done}" + ("" if total is None or done == total else f" / {total}"))
