"""Testing a model: evaluate, compare, and the mappings between class lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import (
    DatasetOption,
    DeviceOption,
    HomeOption,
    JsonOption,
    ProjectOption,
    SizeOption,
    Workplace,
)
from workbench.cli.output import emit, progress_bar, say, table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("evaluate", epilog="Example: workbench evaluate 12:best --dataset dusk --on all")(evaluate)
    evaluations_app = typer.Typer(help="List evaluations, and look into one.", invoke_without_command=True)
    evaluations_app.callback(epilog="Example: workbench evaluations")(evaluations)
    evaluations_app.command("show", epilog="Example: workbench evaluations show 3")(evaluations_show)
    evaluations_app.command("images", epilog="Example: workbench evaluations images 3 --cell road,sidewalk")(
        evaluations_images
    )
    app.add_typer(evaluations_app, name="evaluations")
    app.command("compare", epilog="Example: workbench compare 3 4")(compare)
    mapping = typer.Typer(help="Rows from a model's classes to a dataset's.", no_args_is_help=True)
    mapping.command("list", epilog="Example: workbench mapping list")(mapping_list)
    mapping.command("set", epilog="Example: workbench mapping set voc-to-campus mapping.yaml")(mapping_set)
    app.add_typer(mapping, name="mapping")


def evaluate(
    model: Annotated[
        str, typer.Argument(help="A run (12, 12:best, 12:last), an imported model's name, or a bundle file.")
    ],
    dataset: DatasetOption,
    on: Annotated[str, typer.Option(help="A subset or role of the dataset, or all.")] = "all",
    revision: Annotated[
        str | None, typer.Option(help="Revision (default: the model's, if the data is unchanged).")
    ] = None,
    size: SizeOption = "original",
    mapping: Annotated[str | None, typer.Option(help="A saved mapping (default: classes of the same name).")] = None,
    predictions: Annotated[bool, typer.Option(help="Store the predicted class maps.")] = True,
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test a model on a dataset: IoU per class, the confusion matrix, and whether it has seen the images before."""
    from training.evaluation import evaluate as run_evaluation
    from workbench.cli.show import show_evaluation

    place = Workplace(home)
    with progress_bar() as progress:
        report = run_evaluation(
            place.home,
            place.database,
            project=place.project(project),
            model=model,
            dataset=dataset,
            on=on,
            revision=revision,
            size=size,
            mapping=mapping,
            predictions=predictions,
            device=device,
            progress=progress,
        )
    emit(report, as_json=as_json, show=lambda: show_evaluation(report))


def evaluations(
    context: typer.Context, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the evaluations, newest first."""
    if context.invoked_subcommand is not None:
        return
    from training.evaluation_report import list_evaluations
    from workbench.cli.output import percent

    place = Workplace(home)
    found = list_evaluations(place.database, place.project(project))

    def show() -> None:
        columns = [">evaluation", "model", "dataset", "on", ">images", ">mIoU %"]
        table(None, columns, ((e.id, e.model, e.dataset, e.on, e.images, percent(e.miou)) for e in found))
        for evaluation in found:
            if evaluation.note:
                say(f"{evaluation.id}: {evaluation.note}")

    emit({"evaluations": found}, as_json=as_json, show=show)


def evaluations_show(
    number: Annotated[int, typer.Argument(metavar="EVAL", help="Number of an evaluation.")],
    mapping: Annotated[str | None, typer.Option(help="A saved mapping (default: the one it was made with).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the figures of an evaluation again, under another mapping if you like."""
    from training.evaluation_report import read_evaluation
    from workbench.cli.show import show_evaluation

    place = Workplace(home)
    report = read_evaluation(place.home, place.database, place.project(project), number, mapping)
    emit(report, as_json=as_json, show=lambda: show_evaluation(report))


def evaluations_images(
    number: Annotated[int, typer.Argument(metavar="EVAL", help="Number of an evaluation.")],
    sort: Annotated[
        str | None,
        typer.Option(help="miou (the worst first), -miou, path, class:NAME, -class:NAME, or cell (the most pixels)."),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(metavar="TRUE,PREDICTED", help="Only images where the one class was taken for the other."),
    ] = None,
    having: Annotated[
        str | None, typer.Option("--class", help="Only images with this class, true or predicted.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Images to list.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Images to pass over.")] = 0,
    mapping: Annotated[str | None, typer.Option(help="A saved mapping (default: the one it was made with).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the images of an evaluation with their IoU: the worst, or those behind a cell of the confusion matrix."""
    from training.evaluation_gallery import evaluation_page, read_cell
    from training.evaluation_open import open_evaluation
    from workbench.cli.output import percent

    place = Workplace(home)
    found = open_evaluation(place.database, number, project=place.project(project), mapping=mapping)
    chosen = None if cell is None else read_cell(found, cell)
    page = evaluation_page(found, sort=sort, cell=chosen, having=having, offset=offset, limit=limit)

    def show() -> None:
        columns = [">number", "image", ">IoU %", "of"] + ([">pixels"] if chosen else [])
        rows = (
            [i.number, f"{i.dataset}/{i.path}", percent(i.score), i.score_name, i.pixels_in_cell] for i in page.images
        )
        table(None, columns, (row[: len(columns)] for row in rows))
        say(f"{len(page.images)} of {page.total} images")

    emit(page, as_json=as_json, show=show)


def compare(
    first: Annotated[int, typer.Argument(metavar="EVAL", help="Number of an evaluation.")],
    second: Annotated[int, typer.Argument(metavar="EVAL", help="Number of another.")],
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put two evaluations side by side: every figure of both and the difference."""
    from training.compare import compare as compare_evaluations
    from workbench.cli.show import show_comparison

    place = Workplace(home)
    result = compare_evaluations(place.home, place.database, project=place.project(project), a=first, b=second)
    emit(result, as_json=as_json, show=lambda: show_comparison(result))


def mapping_list(project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the saved mappings."""
    from training.mapping import list_mappings

    place = Workplace(home)
    found = list_mappings(place.database, place.project(project))

    def show() -> None:
        for mapping in found:
            table(mapping.name, ["model's class", "dataset's class"], ((m, d or "(other)") for m, d in mapping.rows))

    emit({"mappings": found}, as_json=as_json, show=show)


def mapping_set(
    name: Annotated[str, typer.Argument(help="The mapping's name; an existing one is replaced.")],
    file: Annotated[Path, typer.Argument(help="YAML lines `model class: dataset class`; no value means other.")],
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save a mapping from a YAML file."""
    from training.mapping import read_mapping_file, save_mapping

    place = Workplace(home)
    mapping = save_mapping(place.database, place.project(project), name, read_mapping_file(file))
    emit(mapping, as_json=as_json, show=lambda: say(f"Mapping {name}: {len(mapping.rows)} rows"))
