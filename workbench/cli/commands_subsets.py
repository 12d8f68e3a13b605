"""Chosen images: their role, and the lists they are in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from db.errors import UserError
from workbench.cli.options import DatasetOption, HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, say, table

ListArgument = Annotated[str, typer.Argument(metavar="LIST", help="Name of a list.")]
PathsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[IMAGE]...", help="Images, by their path in the dataset.")
]
FromOption = Annotated[
    Path | None, typer.Option("--from", metavar="FILE", help="A file with one image a line; - reads standard input.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="List and change the lists of images.", no_args_is_help=True)
    group.command("list", epilog="Example: workbench subsets list --dataset day")(list_)
    group.command("add", epilog="Example: workbench subsets add hard a.jpg b.jpg --dataset day")(add)
    group.command("remove", epilog="Example: workbench subsets remove hard a.jpg --dataset day")(remove)
    group.command("rename", epilog="Example: workbench subsets rename hard night --dataset day")(rename)
    group.command("delete", epilog="Example: workbench subsets delete hard --dataset day")(delete)
    app.add_typer(group, name="subsets")
    app.command("set-role", epilog="Example: workbench set-role test a.jpg b.jpg --dataset day")(set_role)


def list_(
    dataset: DatasetOption, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the lists of a dataset with their images."""
    from labeling.subsets import list_subsets

    place = Workplace(home)
    _show(dataset, list_subsets(place.database, place.project(project), dataset), as_json=as_json)


def add(
    name: ListArgument,
    dataset: DatasetOption,
    images: PathsArgument = None,
    from_: FromOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put images into a list, which is made where there is none of this name."""
    from labeling.subsets import add_to_subset

    place = Workplace(home)
    paths = _paths(images, from_)
    _show(dataset, add_to_subset(place.database, place.project(project), dataset, name, paths), as_json=as_json)


def remove(
    name: ListArgument,
    dataset: DatasetOption,
    images: PathsArgument = None,
    from_: FromOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take images out of a list; the images stay in the dataset."""
    from labeling.subsets import remove_from_subset

    place = Workplace(home)
    paths = _some(_paths(images, from_))
    _show(dataset, remove_from_subset(place.database, place.project(project), dataset, name, paths), as_json=as_json)


def rename(
    name: ListArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    dataset: DatasetOption,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rename a list; revisions frozen before keep its old name."""
    from labeling.subsets import rename_subset

    place = Workplace(home)
    _show(dataset, rename_subset(place.database, place.project(project), dataset, name, new_name), as_json=as_json)


def delete(
    name: ListArgument,
    dataset: DatasetOption,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a list; its images stay in the dataset."""
    from labeling.subsets import delete_subset

    place = Workplace(home)
    _show(dataset, delete_subset(place.database, place.project(project), dataset, name), as_json=as_json)


def set_role(
    role: Annotated[Literal["train", "val", "test", "none"], typer.Argument(help="none takes the role away.")],
    dataset: DatasetOption,
    images: PathsArgument = None,
    from_: FromOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give chosen images a role, also those that have another one."""
    from labeling.roles import set_roles

    place = Workplace(home)
    chosen = None if role == "none" else role
    counts = set_roles(place.database, place.project(project), dataset, _some(_paths(images, from_)), chosen)

    def show() -> None:
        say(f"{dataset}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))

    emit({"dataset": dataset, "roles": counts}, as_json=as_json, show=show)


def _paths(images: list[str] | None, file: Path | None) -> list[str]:
    if file is None:
        return images or []
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: expected a text file with one image a line; it cannot be read ({error}).") from None
    return [*(images or []), *(line.strip() for line in text.splitlines() if line.strip())]


def _some(paths: list[str]) -> list[str]:
    if not paths:
        raise UserError("Which images? Name them by their path in the dataset, or give a file of them (--from FILE).")
    return paths


def _show(dataset: str, subsets: dict[str, int], *, as_json: bool) -> None:
    def show() -> None:
        if not subsets:
            say(f"{dataset} has no list yet. Make one: workbench subsets add NAME IMAGE... --dataset {dataset}")
            return
        table(None, ["list", ">images"], subsets.items())

    emit({"dataset": dataset, "subsets": subsets}, as_json=as_json, show=show)
