"""`workbench import FORMAT SRC`: labelled photos into a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from labeling.formats.names import FORMATS
from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, progress_bar, say, table

if TYPE_CHECKING:
    from labeling.importing.report import FileReport
    from labeling.importing.request import ImportRequest

LINES_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("import", epilog="Example: workbench import labelme ./photos --classes labels.txt")(import_)


def import_(
    format: Annotated[
        str, typer.Argument(metavar="FORMAT", help=f"What the labels are written as: {', '.join(FORMATS)}.")
    ],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder (COCO: the JSON file) or zip to import.")],
    images: Annotated[Path | None, typer.Option(help="Folder of the photos, where SRC does not hold them.")] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder of the masks, where it is not beside the photos.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Name (default: the folder's).")] = None,
    classes: Annotated[Path | None, typer.Option(help="Class names in index order, one a line.")] = None,
    colors: Annotated[Path | None, typer.Option(help="Colour table of colour masks: `name r g b` lines.")] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="SOURCE=CLASS",
            help="SOURCE=CLASS merges a source's label into a class; SOURCE= drops it. Repeatable.",
        ),
    ] = None,
    unlabelled: Annotated[
        str | None, typer.Option(help="What pixels without a label become: background, ignore or a class name.")
    ] = None,
    ignore_index: Annotated[int | None, typer.Option(help="Value of a mask that means ignore.")] = None,
    crowd: Annotated[Literal["ignore", "class"] | None, typer.Option(help="What COCO crowd regions become.")] = None,
    border: Annotated[
        Literal["class", "ignore"] | None, typer.Option(help="pets: what the outline of a trimap becomes.")
    ] = None,
    void: Annotated[
        Literal["ignore", "class"] | None,
        typer.Option(help="cityscapes: what the labels become that are not evaluated."),
    ] = None,
    overlap: Annotated[
        Literal["order", "area"] | None, typer.Option(help="What covers what: file order, or small over large.")
    ] = None,
    raster: Annotated[
        Literal["labelme", "center"] | None,
        typer.Option(help="Which pixels a polygon covers: labelme's, or those whose centre lies inside."),
    ] = None,
    line_width: Annotated[int | None, typer.Option(help="Width of lines in pixels.")] = None,
    point_radius: Annotated[int | None, typer.Option(help="Radius of points in pixels.")] = None,
    list_: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="NAME", help="Subset that every imported image joins. Repeatable."),
    ] = None,
    role: Annotated[
        Literal["train", "val", "test"] | None, typer.Option(help="Role of every imported image that has none.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Leave the photos where they are instead of copying them.")
    ] = False,
    on_conflict: Annotated[
        Literal["ours", "theirs"], typer.Option(help="Changed here and at the source: whose labels to keep.")
    ] = "ours",
    known_as: Annotated[
        str | None,
        typer.Option(help="What the dataset remembers SRC by (default: its path), where SRC soon lies elsewhere."),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(help="The project (default: the current one; where none is, one named after SRC is made)."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import labelled photos. Run it again after editing at the source: only what changed is read in."""
    from labeling.importing.run import ImportRequest, import_dataset
    from labeling.projects import list_projects

    request = ImportRequest(
        project=project,
        dataset=dataset,
        format=format,
        source=source,
        images=images,
        masks=masks,
        classes_file=classes,
        colors_file=colors,
        mapping=_read_mapping(map_ or []),
        unlabelled=unlabelled,
        ignore_index=ignore_index,
        crowd=crowd,
        border=border,
        void=void,
        overlap=overlap,
        raster=raster,
        line_width=line_width,
        point_radius=point_radius,
        lists=tuple(list_ or ()),
        role=role,
        link=link,
        on_conflict=on_conflict,
        known_as=known_as,
    )
    place = Workplace(home)
    before = [each.name for each in list_projects(place.database)]
    with progress_bar() as progress:
        report = import_dataset(place.home, place.database, request, progress)

    def show() -> None:
        counts = ("imported", "updated", "unchanged", "conflicts", "repaired", "skipped")
        say(f"{report.dataset} in project {report.project}: " + ", ".join(f"{getattr(report, c)} {c}" for c in counts))
        say(f"  Photos: {report.labelled} labelled, {report.unlabelled} without labels")
        for line in report.notes:
            say(f"  {line}")
        if before and report.project not in before:
            say(f"  The project {report.project} is new, beside {', '.join(before)}: `workbench use` chooses one.")
        _show_files(report.files)
        say("Classes: " + ", ".join(report.classes))

    emit(report, as_json=as_json, show=show)


def _show_files(files: Sequence[FileReport]) -> None:
    """Print the files that were not simply imported; of many, the kinds of trouble."""
    from labeling.importing.report_kinds import kinds_of

    kinds = kinds_of(files) if len(files) > LINES_SHOWN else ()
    if kinds and len(kinds) < len(files) / 2:
        say(f"{len(files)} files to look at, by kind of trouble; --json lists them all")
        shown = ((kind.count, kind.action, kind.file, kind.reason) for kind in kinds[:LINES_SHOWN])
        table(None, [">files", "what", "such as", "why"], shown)
        return
    if files:
        table(None, ["file", "what", "why"], ((f.file, f.action, f.reason) for f in files[:LINES_SHOWN]))
    if len(files) > LINES_SHOWN:
        say(f"  ... and {len(files) - LINES_SHOWN} more; --json lists them all")


def import_argv(request: ImportRequest) -> list[str]:
    """Return what stands after `workbench` for this very import.

    Raises:
        UserError: a row of its mapping cannot be written as SOURCE=CLASS.
    """
    from db.errors import UserError

    written: dict[str, object] = {
        "project": request.project,
        "dataset": request.dataset,
        "images": request.images,
        "masks": request.masks,
        "classes": request.classes_file,
        "colors": request.colors_file,
        "unlabelled": request.unlabelled,
        "ignore-index": request.ignore_index,
        "crowd": request.crowd,
        "border": request.border,
        "void": request.void,
        "overlap": request.overlap,
        "raster": request.raster,
        "line-width": request.line_width,
        "point-radius": request.point_radius,
        "role": request.role,
        "on-conflict": None if request.on_conflict == "ours" else request.on_conflict,
        "known-as": request.known_as,
    }
    argv = ["import", request.format, str(request.source)]
    # Joined by `=`, so that no name is taken for an option.
    argv += [f"--{name}={value}" for name, value in written.items() if value is not None]
    for source, target in request.mapping.items():
        if target is not None and "=" in target:
            raise UserError(f"{target!r} holds a =, so nothing can be mapped to it. Rename the class first.")
        argv.append(f"--map={source}={target or ''}")
    argv += [f"--list={name}" for name in request.lists]
    return [*argv, "--link"] if request.link else argv


def _read_mapping(pairs: list[str]) -> dict[str, str | None]:
    mapping: dict[str, str | None] = {}
    for pair in pairs:
        source, equals, target = pair.rpartition("=")
        if not equals or not source:
            raise typer.BadParameter(f"expected SOURCE=CLASS or SOURCE=, found {pair!r}", param_hint="--map")
        mapping[source] = target or None
    return mapping
