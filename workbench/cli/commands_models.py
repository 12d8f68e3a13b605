"""Models: list and import them, export their weights, see what they take for alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from workbench.cli.commands_export import export_dataset, export_masks
from workbench.cli.options import (
    CrfOption,
    DeviceOption,
    HomeOption,
    JsonOption,
    ModelArgument,
    ProjectOption,
    SizeOption,
    Workplace,
)
from workbench.cli.output import emit, percent, say, table

SHORT_DIGEST = 12


WeightsFormat = Literal["bundle", "safetensors", "pt2", "onnx"]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    models_app = typer.Typer(help="List and import models.", invoke_without_command=True)
    models_app.callback(epilog="Example: workbench models")(models)
    models_app.command(
        "import", epilog="Example: workbench models import deeplabv2.pth --arch deeplabv2 --classes voc.txt"
    )(models_import)
    app.add_typer(models_app, name="models")
    export = typer.Typer(help="Write datasets, class maps or weights for use elsewhere.", no_args_is_help=True)
    export.command(
        "dataset", epilog="Example: workbench export dataset --dataset photos --format coco --to ./photos-coco"
    )(export_dataset)
    export.command("masks", epilog="Example: workbench export masks --dataset photos --to ./masks")(export_masks)
    export.command("weights", epilog="Example: workbench export weights 12:best --format onnx --to model.onnx")(
        export_weights
    )
    app.add_typer(export, name="export")
    app.command("affinity", epilog="Example: workbench affinity 12:best photo.jpg --to affinity.png")(affinity)


def models(
    context: typer.Context, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the models: checkpoints of runs and imported ones."""
    if context.invoked_subcommand is not None:
        return
    from training.models.find import list_models

    place = Workplace(home)
    found = list_models(place.home, place.database, place.project(project))

    def show() -> None:
        rows = ((m.reference, m.architecture, m.origin, len(m.classes), percent(m.miou)) for m in found)
        table(None, ["model", "architecture", "from", ">classes", ">val mIoU %"], rows)
        for model in found:
            if model.note:
                say(f"{model.reference}: {model.note}")

    emit({"models": found}, as_json=as_json, show=show)


def models_import(
    file: Annotated[
        Path,
        typer.Argument(
            help="A bundle, a .safetensors file, a PyTorch checkpoint, a folder that transformers saved a SegFormer "
            "in, or a name in `workbench weights list` that is on disk."
        ),
    ],
    arch: Annotated[str | None, typer.Option(help="Architecture, where the file does not say.")] = None,
    classes: Annotated[Path | None, typer.Option(help="Class names in index order, where the file has none.")] = None,
    name: Annotated[str | None, typer.Option(help="Name to use it by (default: the file's).")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Architecture option. Repeatable.")
    ] = None,
    entry: Annotated[str | None, typer.Option("--as", help="Which of `workbench weights list` the file is.")] = None,
    trained_on: Annotated[
        list[str] | None,
        typer.Option(metavar="DATASET:SPLIT", help="Public data it was trained on, as voc2012:trainval. Repeatable."),
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in a trained model from elsewhere; it is then evaluated, compared and used like our own."""
    from training.models.importing import import_model

    place = Workplace(home)
    report = import_model(
        place.home,
        place.database,
        project=place.project(project),
        file=file,
        architecture=arch,
        classes_file=classes,
        name=name,
        options=set_ or [],
        entry=entry,
        trained_on=trained_on or [],
    )

    def show() -> None:
        say(f"Model {report.name}: {report.architecture}, {len(report.classes)} classes")
        for line in report.notes:
            say(f"  {line}")

    emit(report, as_json=as_json, show=show)


def export_weights(
    model: Annotated[
        str, typer.Argument(help="A run (12, 12:best, 12:last), an imported model's name, or a bundle file.")
    ],
    format: Annotated[WeightsFormat, typer.Option(help="What to write.")],
    to: Annotated[Path, typer.Option("--to", "-o", help="File to write; must not exist.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export a model's weights and check the file against the original on real images."""
    from training.models.export import export_weights as write_weights

    place = Workplace(home)
    report = write_weights(
        place.home,
        place.database,
        project=place.project(project),
        model=model,
        format=format,
        to=to,
        overwrite=overwrite,
    )

    def show() -> None:
        say(f"{report.path} (sha256 {report.sha256[:SHORT_DIGEST]}...)")
        say(
            f"Checked on {report.images_checked} images: logits differ by at most {report.max_abs_difference:.2g}, "
            f"{100 * report.argmax_agreement:.3f} % of the pixels get the same class"
        )

    emit(report, as_json=as_json, show=show)


def affinity(
    model: ModelArgument,
    source: Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo.")],
    to: Annotated[Path, typer.Option("--to", "-o", help="PNG to write.")],
    side: Annotated[int, typer.Option(help="Pixels on the longer side of the photo that are compared, 2 to 64.")] = 24,
    size: SizeOption = "original",
    crf: CrfOption = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file of that name.")] = False,
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw which pixels of a photo look alike, and beside it which of them a model predicts alike.

    Both are matrices with a row and a column for each pixel of a small version of the photo, in reading order from the
    top left: white where the two pixels are alike, black where they are not. The affinity loss compares the two.
    """
    from training.prediction.affinity import draw_affinity
    from training.prediction.refinement import Refinement

    refinement = Refinement.read(crf=crf)
    place = Workplace(home)
    report = draw_affinity(
        place.home,
        place.database,
        project=project,
        model=model,
        source=source,
        to=to,
        side=side,
        size=size,
        overwrite=overwrite,
        device=device,
        refinement=refinement,
    )

    def show() -> None:
        pixels = f"{report.height * report.width} pixels ({report.height} x {report.width})"
        say(f"{report.to}: left how alike {pixels} look, right how alike they are predicted")
        say("A row and a column for each pixel, in reading order; white is alike.")

    emit(report, as_json=as_json, show=show)
