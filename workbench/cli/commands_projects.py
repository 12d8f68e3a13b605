"""Projects: list, create and rename them, choose the current one; and the demo."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, percent, progress_bar, say, table

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The project.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="List and change the projects.", invoke_without_command=True)
    group.callback(epilog="Example: workbench projects")(projects)
    group.command("create", epilog="Example: workbench projects create campus")(create)
    group.command("rename", epilog="Example: workbench projects rename campus 'campus 2026'")(rename)
    app.add_typer(group, name="projects")
    app.command("use", epilog="Example: workbench use campus")(use)
    app.command("demo", epilog="Example: workbench demo")(demo)


def projects(
    context: typer.Context,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the projects; the current one is marked."""
    if context.invoked_subcommand is None:
        _list(Workplace(home), as_json=as_json)


def create(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Create a project without images; it becomes the current one where there is none."""
    from labeling.projects import create_project

    place = Workplace(home)
    with place.database.write() as session:
        create_project(session, name)
    _list(place, as_json=as_json)


def rename(
    name: NameArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a project another name."""
    from labeling.projects import rename_project

    place = Workplace(home)
    rename_project(place.database, name, new_name)
    _list(place, as_json=as_json)


def _list(place: Workplace, *, as_json: bool) -> None:
    from labeling.project_cards import project_cards

    found = project_cards(place.database)

    def show() -> None:
        if not found:
            say("No project yet. The first import makes one: workbench import labelme ./photos")
            return
        columns = ["", "project", ">datasets", ">images", ">labelled", ">runs", ">best val mIoU %"]
        rows = (
            (
                "*" if p.current else "",
                p.name,
                p.datasets,
                p.images,
                p.labelled,
                p.runs,
                f"{percent(p.best.miou)} (run {p.best.run})" if p.best else "",
            )
            for p in found
        )
        table(None, columns, rows)

    emit({"projects": found}, as_json=as_json, show=show)


def use(
    name: Annotated[str, typer.Argument(help="The project.")], home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Make a project the current one."""
    from labeling.projects import use_project

    with Workplace(home).database.write() as session:
        name = use_project(session, name).name
    emit({"project": name}, as_json=as_json, show=lambda: say(f"Current project: {name}"))


def demo(
    seed: Annotated[int, typer.Option(help="Seed of the painted scenes and of the training.")] = 0,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Walk the whole path on painted campus scenes: import, freeze, train, test by day and at dusk."""
    from workbench.cli.show import show_demo
    from workbench.demo.path import run_demo

    place = Workplace(home)
    with progress_bar() as progress:
        result = run_demo(place.home, place.database, seed=seed, progress=progress)

    emit(result, as_json=as_json, show=lambda: show_demo(result))
