"""Everything that can be deleted into the trash, and back."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, moment, say, table

Kind = Literal["project", "dataset", "image", "run", "evaluation", "model"]
KindArgument = Annotated[
    Kind, typer.Argument(metavar="KIND", help="project, dataset, image, run, evaluation or model.")
]
NamesArgument = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help="Their names; of runs and evaluations numbers, of images DATASET/PATH."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("discard", epilog="Example: workbench discard image day/photos/17.jpg")(discard)
    group = typer.Typer(help="List what lies in the trash, and take it out.", invoke_without_command=True)
    group.callback(epilog="Example: workbench trash")(trash)
    group.command("restore", epilog="Example: workbench trash restore run 12")(restore)
    app.add_typer(group, name="trash")


def discard(
    kind: KindArgument,
    names: NamesArgument,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move something to the trash; it can be restored for 30 days.

    A dataset or an image in the trash is left out of what is frozen from then on; revisions that hold it keep it.
    """
    from training.care.trash import discard as put_away

    place = Workplace(home)
    put_away(place.home, place.database, project, kind, names)

    def show() -> None:
        for name in names:
            say(f"In the trash: {kind} {name}. Within 30 days: workbench trash restore {kind} {name}")

    emit({"discarded": [{"kind": kind, "name": name} for name in names]}, as_json=as_json, show=show)


def restore(
    kind: KindArgument,
    names: NamesArgument,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take something out of the trash."""
    from training.care.trash import restore as take_out

    place = Workplace(home)
    take_out(place.home, place.database, project, kind, names)

    def show() -> None:
        for name in names:
            say(f"Back: {kind} {name}")

    emit({"restored": [{"kind": kind, "name": name} for name in names]}, as_json=as_json, show=show)


def trash(
    context: typer.Context, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List projects in the trash and what of the project is, and until when it can be restored."""
    if context.invoked_subcommand is not None:
        return
    from labeling.projects import list_projects
    from training.care.trash import list_trash

    place = Workplace(home)
    current = next((info.name for info in list_projects(place.database) if info.current), None)
    owner = place.project(project) if project is not None else current
    found = list_trash(place.home, place.database, owner)

    def show() -> None:
        if not found:
            say("The trash is empty.")
            return
        rows = ((i.kind, i.name, i.about, moment(i.deleted_at), moment(i.gone_at)) for i in found)
        table(None, ["what", "name", "about", "discarded", "kept until"], rows)

    emit({"items": found}, as_json=as_json, show=show)
