"""The images of a project, found by what is known of them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, say, table


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("images", epilog="Example: workbench images --role val --class car --json")(images)


def images(
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Only images of this dataset.")] = None,
    subset: Annotated[str | None, typer.Option("--list", metavar="LIST", help="Only images of this list.")] = None,
    role: Annotated[
        Literal["train", "val", "test", "none"] | None,
        typer.Option(help="Only images of this role; none: without one."),
    ] = None,
    class_: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Only images that show it.")] = None,
    labelled: Annotated[
        bool | None, typer.Option("--labelled/--unlabelled", help="Only images that have labels, or have none.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Only images with this in their path.")] = None,
    order: Annotated[Literal["path", "-path", "newest"], typer.Option(help="newest: labelled last first.")] = "path",
    offset: Annotated[int, typer.Option(min=0, help="Images to leave out first.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many images.")] = 100,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List images of the project, with role, lists and the classes they show."""
    from labeling.gallery import gallery_page
    from labeling.gallery_filter import GalleryFilter
    from labeling.projects import find_project

    place = Workplace(home)
    with place.database.read() as session:
        number = find_project(session, project).id
    wanted = GalleryFilter(dataset=dataset, subset=subset, role=role, class_=class_, labelled=labelled, text=text)
    found = gallery_page(place.database, number, wanted, order=order, offset=offset, limit=limit)

    def show() -> None:
        table(
            None,
            ["dataset", "image", "size", "role", "lists", "classes"],
            (
                (i.dataset, i.path, f"{i.width}x{i.height}", i.role or "", ", ".join(i.subsets), ", ".join(i.classes))
                for i in found.images
            ),
        )
        left = found.total - offset - len(found.images)
        if left > 0:
            say(f"  ... and {left} more (--offset, --limit)")

    emit(found, as_json=as_json, show=show)
