"""Runs into the trash and back."""

from __future__ import annotations

import typer

from workbench.cli.commands_train import RunArgument, show_run
from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, moment, say, table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("discard", epilog="Example: workbench discard 12")(discard)
    app.command("restore", epilog="Example: workbench restore 12")(restore)
    app.command("trash", epilog="Example: workbench trash")(trash)


def discard(
    run: RunArgument, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Move a run to the trash; it can be restored for 30 days."""
    from training.runs.creation import RunHandle
    from training.runs.lifecycle import find_run
    from training.runs.trash import discard_run

    place = Workplace(home)
    found = find_run(place.home, place.database, place.project(project), run)
    discard_run(place.home, place.database, RunHandle(found.id, found.directory))

    def show() -> None:
        say(f"Run {found.id} ({found.name}) is in the trash. Within 30 days: workbench restore {found.id}")

    emit({"run": found.id, "name": found.name, "discarded": True}, as_json=as_json, show=show)


def restore(
    run: RunArgument, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Take a run out of the trash."""
    from training.runs.trash import restore_run

    place = Workplace(home)
    info = restore_run(place.home, place.database, place.project(project), run)
    emit(info, as_json=as_json, show=lambda: show_run(info))


def trash(project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the runs in the trash, and until when they can be restored."""
    from training.runs.trash import list_trash

    place = Workplace(home)
    found = list_trash(place.home, place.database, place.project(project))

    def show() -> None:
        rows = ((r.run, r.name, r.architecture, moment(r.deleted_at), moment(r.gone_at)) for r in found)
        table(None, [">run", "name", "architecture", "discarded", "kept until"], rows)

    emit({"runs": found}, as_json=as_json, show=show)
