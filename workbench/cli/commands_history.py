"""The versions of an image's labels: list them, see what one changed, go back to one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from db.errors import UserError
from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, moment, percent, say, table

if TYPE_CHECKING:
    from labeling.history import Version

_MOVES = 10  # as many are printed; --json has all

ImageArgument = Annotated[str, typer.Argument(metavar="IMAGE", help="DATASET/PATH, as day/photos/17.jpg.")]


class _Versions(TyperGroup):
    """`history IMAGE` is short for `history show IMAGE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["show", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(cls=_Versions, help="The versions of an image's labels.", no_args_is_help=True)
    group.command("show", epilog="Example: workbench history show day/photos/17.jpg")(show)
    group.command("diff", epilog="Example: workbench history diff day/photos/17.jpg 1 3 --to what-changed.png")(diff)
    group.command("restore", epilog="Example: workbench history restore day/photos/17.jpg 1")(restore)
    app.add_typer(group, name="history")


def show(
    image: ImageArgument, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the versions of an image's labels, the newest first, and how many pixels each changed."""
    from labeling.history import list_versions, named_image

    place = Workplace(home)
    found = list_versions(place.home, place.database, named_image(place.database, project, image))

    def print_them() -> None:
        if not found:
            say(f"Nobody labelled {image} yet.")
            return
        columns = [">version", "", "author", "origin", "time", ">shapes", "maps", ">pixels changed"]
        table(None, columns, map(_row, found))

    emit({"image": image, "versions": found}, as_json=as_json, show=print_them)


def diff(
    image: ImageArgument,
    a: Annotated[int, typer.Argument(metavar="A", help="A version.")],
    b: Annotated[int | None, typer.Argument(metavar="[B]", help="Another one (default: the newest).")] = None,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", help="PNG to write: the photo in grey, what differs lit.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which pixels differ between two versions of an image's labels, and what they were and are."""
    from db.files import write_atomic
    from labeling.history import difference, list_versions, named_image
    from labeling.history_picture import difference_png
    from labeling.linked import photo_path

    if to is not None and to.exists() and not overwrite:
        raise UserError(f"{to} is there already. Name another file, or replace it with --overwrite.")
    place = Workplace(home)
    found = named_image(place.database, project, image)
    newest = max((version.number for version in list_versions(place.home, place.database, found)), default=1)
    result = difference(place.home, place.database, place.project_id(project), found, a, newest if b is None else b)
    if to is not None:
        write_atomic(to, difference_png(photo_path(place.database, place.store, found), result.where))

    def print_it() -> None:
        say(f"{result.changed} of {result.pixels} pixels differ ({percent(result.changed / result.pixels)} %)")
        table(None, ["before", "after", ">pixels"], ((m.before, m.after, m.pixels) for m in result.moves[:_MOVES]))
        if to is not None:
            say(str(to))

    values = {name: getattr(result, name) for name in ("image", "a", "b", "pixels", "changed", "moves")}
    emit({**values, "picture": to}, as_json=as_json, show=print_it)


def restore(
    image: ImageArgument,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="The version to go back to.")],
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to an earlier version of an image's labels: it is added anew on top, nothing is lost."""
    from labeling.annotations import user_name
    from labeling.history import named_image, restore_version

    place = Workplace(home)
    found = named_image(place.database, project, image)
    number = restore_version(place.database, found, version, author=user_name())
    said = f"{image} is as in version {version} again; that is version {number} now."
    emit({"image": image, "restored": version, "version": number}, as_json=as_json, show=lambda: say(said))


def _row(version: Version) -> tuple[object, ...]:
    now, time, layers = "*" * version.current, moment(version.created_at), ", ".join(version.layers)
    return version.number, now, version.author, version.origin, time, version.shapes, layers, version.changed
