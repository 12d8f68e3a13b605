"""Tasks, which the pages start: list them, see one, read its log, cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, moment, say, table

if TYPE_CHECKING:
    from training.tasks.files import TaskInfo

TaskArgument = Annotated[int, typer.Argument(metavar="TASK", min=1, help="Number of a task.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="List and cancel what the pages started.", invoke_without_command=True)
    group.callback(epilog="Example: workbench tasks")(tasks)
    group.command("show", epilog="Example: workbench tasks show 12 --json")(show)
    group.command("log", epilog="Example: workbench tasks log 12 -f")(log)
    group.command("cancel", epilog="Example: workbench tasks cancel 12")(cancel)
    app.add_typer(group, name="tasks")


def tasks(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the tasks, newest first."""
    if context.invoked_subcommand is not None:
        return
    from training.tasks.lifecycle import list_tasks

    found = list_tasks(Workplace(home).home, limit)

    def show_all() -> None:
        rows = ((t.id, t.title, t.state, _done(t), moment(t.started_at), t.sentence or "") for t in found)
        table(None, [">task", "title", "state", ">done", "started", "why"], rows)

    emit({"tasks": found}, as_json=as_json, show=show_all)


def show(task: TaskArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show a task: its command, how far it is, and how it ended."""
    from training.tasks.lifecycle import find_task

    found = find_task(Workplace(home).home, task)
    emit(found, as_json=as_json, show=lambda: _show(found))


def log(
    task: TaskArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the task ends.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a task's command said."""
    from training.tasks.lifecycle import find_task, follow_task_log

    place = Workplace(home)
    lines = []
    for line in follow_task_log(place.home, task, follow=follow):
        lines.append(line) if as_json else say(line)
    if as_json:
        found = find_task(place.home, task)
        emit({"id": task, "state": found.state, "log": lines}, as_json=True, show=lambda: None)


def cancel(task: TaskArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Cancel a running task, as Ctrl-C would; what it has finished stays."""
    from training.tasks.lifecycle import cancel_task

    found = cancel_task(Workplace(home).home, task)
    emit(found, as_json=as_json, show=lambda: _show(found))


def _show(info: TaskInfo) -> None:
    say(f"Task {info.id} ({info.title}): {info.state}{', ' + _done(info) if info.progress else ''}")
    say(f"  {info.command}")
    if info.sentence:
        say(f"  {info.sentence}")


def _done(info: TaskInfo) -> str:
    if info.progress is None:
        return ""
    if not info.progress.done and info.progress.total is None:
        return info.progress.what  # there is nothing to count yet
    total = "" if info.progress.total is None else f" / {info.progress.total}"
    return f"{info.progress.done}{total} {info.progress.what}"
