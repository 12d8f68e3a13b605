"""The class table: list it, add, rename, recolour, give keys, merge, which can be undone, and delete what is unused."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, say, table

ClassArgument = Annotated[str, typer.Argument(metavar="CLASS", help="Name of a class.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="List and change the classes.", invoke_without_command=True)
    group.callback(epilog="Example: workbench classes")(classes)
    group.command("add", epilog="Example: workbench classes add bicycle")(add)
    group.command("rename", epilog="Example: workbench classes rename Road road")(rename)
    group.command("recolor", epilog="Example: workbench classes recolor tree '#2e8b57'")(recolor)
    group.command("merge", epilog="Example: workbench classes merge truck car")(merge)
    group.command("unmerge", epilog="Example: workbench classes unmerge truck")(unmerge)
    group.command("delete", epilog="Example: workbench classes delete bus tram")(delete)
    group.command("hotkey", epilog="Example: workbench classes hotkey road 1")(hotkey)
    app.add_typer(group, name="classes")


def classes(
    context: typer.Context, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the classes in index order."""
    if context.invoked_subcommand is None:
        _list(Workplace(home), project, as_json=as_json)


def add(
    name: ClassArgument,
    color: Annotated[str | None, typer.Option(metavar="#RRGGBB", help="Its colour (default: one not in use).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a class, at the end of the index order."""
    from labeling.classes import add_class

    place = Workplace(home)
    add_class(place.database, project, name, color)
    _list(place, project, as_json=as_json)


def rename(
    name: ClassArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rename a class; its labels stay its labels, also when the source is imported again."""
    from labeling.classes import rename_class

    place = Workplace(home)
    rename_class(place.database, project, name, new_name)
    _list(place, project, as_json=as_json)


def recolor(
    name: ClassArgument,
    color: Annotated[str, typer.Argument(metavar="#RRGGBB", help="Its new colour.")],
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a class another colour."""
    from labeling.classes import recolor_class

    place = Workplace(home)
    recolor_class(place.database, project, name, color)
    _list(place, project, as_json=as_json)


def merge(
    name: ClassArgument,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The class it becomes part of.")],
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would change.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count a class's labels for another class; nothing is rewritten, and `unmerge` undoes it."""
    from labeling.classes import merge_class

    place = Workplace(home)
    if preview:
        _preview(place, place.project(project), name, into, as_json=as_json)
        return
    merge_class(place.database, project, name, into)
    _list(place, project, as_json=as_json)


def unmerge(
    name: ClassArgument, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Make a merged class a class of its own again."""
    from labeling.classes import unmerge_class

    place = Workplace(home)
    unmerge_class(place.database, project, name)
    _list(place, project, as_json=as_json)


def delete(
    names: Annotated[list[str] | None, typer.Argument(metavar="[CLASS]...", help="Names of classes.")] = None,
    unused: Annotated[bool, typer.Option("--unused", help="All that nothing uses.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete classes that nothing uses: no labels, no class merged into them, no dataset's unlabelled pixels."""
    from db.errors import UserError
    from labeling.class_deletion import delete_classes, unused_classes

    place = Workplace(home)
    if bool(names) == unused:
        raise UserError("Name the classes to delete, or give --unused for all that nothing uses.")
    delete_classes(place.database, project, unused_classes(place.database, project) if unused else names or [])
    _list(place, project, as_json=as_json)


def hotkey(
    name: ClassArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="1 to 9, or `none` to take its key away.")],
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a class a key of the editor."""
    from labeling.classes import set_hotkey

    place = Workplace(home)
    set_hotkey(place.database, project, name, None if key == "none" else key)
    _list(place, project, as_json=as_json)


def _preview(place: Workplace, project: str, name: str, into: str, *, as_json: bool) -> None:
    from labeling.merge_preview import merge_preview

    found = merge_preview(place.database, project, name, into)

    def show() -> None:
        pixels = "" if found.pixels is None else f", {found.pixels} pixels"
        say(f"{found.name} into {found.into}: the class maps of {found.images} images would change{pixels}")
        table(None, ["dataset", ">images"], found.datasets.items())

    emit(found, as_json=as_json, show=show)


def _list(place: Workplace, project: str | None, *, as_json: bool) -> None:
    from labeling.classes import list_classes

    found = list_classes(place.database, place.project(project))

    def show() -> None:
        rows = (
            ("-" if c.index is None else c.index, c.name, c.color, c.hotkey or "", c.merged_into or "") for c in found
        )
        table(None, [">index", "class", "colour", "key", "merged into"], rows)

    emit({"classes": found}, as_json=as_json, show=show)
