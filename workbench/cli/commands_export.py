"""Exporting a dataset in a format that other programs read, or its class maps alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from labeling.formats.written import EXPORTS, ExportFormat
from workbench.cli.options import (
    DatasetOption,
    HomeOption,
    JsonOption,
    OverwriteOption,
    ProjectOption,
    Workplace,
)
from workbench.cli.output import emit, progress_bar, say

if TYPE_CHECKING:
    from labeling.exporting.request import DatasetExport, ExportRequest

RENAMED_SHOWN = 5


def export_dataset(
    dataset: DatasetOption,
    format: Annotated[ExportFormat, typer.Option(help="What to write.")],
    to: Annotated[Path, typer.Option("--to", "-o", help="Folder to write into; empty or new.")],
    on: Annotated[str, typer.Option("--on", help="A role or list: train, val, test, a list's name, or all.")] = "all",
    photos: Annotated[
        Literal["copy", "link", "none"],
        typer.Option(help="Photos beside the labels: copied, as links to where they lie here, or none."),
    ] = "copy",
    objects: Annotated[
        Literal["drawn", "pixels"] | None,
        typer.Option(
            help="Of coco, yolo and cvat: shapes as they were drawn (usual), or what is seen of each, pixel by pixel.",
            show_default=False,
        ),
    ] = None,
    masks: Annotated[
        Literal["index", "colors"] | None,
        typer.Option(help="Of voc and masks: PNGs of class indices (usual), or of colours.", show_default=False),
    ] = None,
    overwrite: OverwriteOption = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset's photos and labels in a format that other programs read.

    What the format cannot say is told in the end, with how it was put instead. Photos that carry an EXIF rotation are
    written upright, so that their labels fit in every program.
    """
    from labeling.exporting.request import ExportRequest
    from labeling.exporting.run import export_dataset as write_dataset

    place = Workplace(home)
    request = ExportRequest(
        format=format,
        dataset=dataset,
        to=to,
        project=place.project(project),
        on=on,
        photos=photos,
        objects=objects,
        masks=masks,
        overwrite=overwrite,
    )
    with progress_bar() as progress:
        report = write_dataset(place.home, place.database, request, progress)
    emit(report, as_json=as_json, show=lambda: _show(report))


def export_argv(request: ExportRequest) -> list[str]:
    """Return the words of the command that does an export, as `workbench` takes them."""
    argv = ["export", "dataset", f"--dataset={request.dataset}", f"--format={request.format}", f"--to={request.to}"]
    argv += [f"--on={request.on}"] if request.on != "all" else []
    argv += [f"--photos={request.photos}"] if request.photos != "copy" else []
    argv += [f"--{name}={value}" for name in ("objects", "masks") if (value := getattr(request, name)) is not None]
    argv += ["--overwrite"] if request.overwrite else []
    return [*argv, *([f"--project={request.project}"] if request.project else [])]


def _show(report: DatasetExport) -> None:
    say(f"{report.images} images in {report.to}, {report.files} files")
    for note in report.notes:
        say(note)
    for renamed in report.renamed[:RENAMED_SHOWN]:
        say(f"  {renamed.path} is {renamed.name}")
    if len(report.renamed) > RENAMED_SHOWN:
        say(f"  ... and {len(report.renamed) - RENAMED_SHOWN} more (--json)")
    if report.losses:
        say(f"What {EXPORTS[report.format].title} does not say, or says otherwise:")
    for loss in report.losses:
        say(f"  {loss.what}: {loss.count} in {loss.images} images")


def export_masks(
    dataset: DatasetOption,
    to: Annotated[Path, typer.Option("--to", "-o", help="Folder to write into; empty or new.")],
    overwrite: OverwriteOption = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset's class maps as index PNGs."""
    from labeling.exporting.masks import export_masks as write_masks

    place = Workplace(home)
    with progress_bar() as progress:
        report = write_masks(
            place.home,
            place.database,
            project=place.project(project),
            dataset=dataset,
            to=to,
            overwrite=overwrite,
            progress=progress,
        )
    emit(report, as_json=as_json, show=lambda: say(f"{report.images} masks in {report.to}"))
