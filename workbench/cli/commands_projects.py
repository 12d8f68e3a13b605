"""Projects: list them, choose the current one; and the demo."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, progress_bar, say, table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("projects", epilog="Example: workbench projects")(projects)
    app.command("use", epilog="Example: workbench use campus")(use)
    app.command("demo", epilog="Example: workbench demo")(demo)


def projects(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the projects; the current one is marked."""
    from labeling.projects import list_projects

    found = list_projects(Workplace(home).database)

    def show() -> None:
        if not found:
            say("No project yet. The first import makes one: workbench import labelme ./photos")
            return
        rows = (("*" if p.current else "", p.name, p.datasets, p.images) for p in found)
        table(None, ["", "project", ">datasets", ">images"], rows)

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
