"""Evaluations: list them, look into one, delete one and have it back."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import HomeOption, JsonOption, MappingOption, ProjectOption, Workplace
from workbench.cli.output import emit, percent, progress_bar, say, table

NumberArgument = Annotated[int, typer.Argument(metavar="EVAL", help="Number of an evaluation.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="List evaluations, and look into one.", invoke_without_command=True)
    group.callback(epilog="Example: workbench evaluations")(evaluations)
    group.command("show", epilog="Example: workbench evaluations show 3")(evaluations_show)
    group.command("images", epilog="Example: workbench evaluations images 3 --cell road,sidewalk")(evaluations_images)
    group.command("curves", epilog="Example: workbench evaluations curves 3 --class road")(evaluations_curves)
    group.command("boundary", epilog="Example: workbench evaluations boundary 3")(evaluations_boundary)
    app.add_typer(group, name="evaluations")


def evaluations(
    context: typer.Context,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the evaluations, newest first."""
    if context.invoked_subcommand is not None:
        return
    from training.evaluation.report import list_evaluations

    place = Workplace(home)
    found = list_evaluations(place.database, place.project(project))

    def show() -> None:
        columns = [">evaluation", "model", "dataset", "on", ">images", ">mIoU %", "refined by"]
        table(None, columns, ((e.id, e.model, e.dataset, e.on, e.images, percent(e.miou), e.refinement) for e in found))
        for evaluation in found:
            if evaluation.note:
                say(f"{evaluation.id}: {evaluation.note}")

    emit({"evaluations": found}, as_json=as_json, show=show)


def evaluations_show(
    number: NumberArgument,
    mapping: MappingOption = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the figures as CSV, for spreadsheets.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the figures of an evaluation again, under another mapping if you like."""
    from training.evaluation.as_csv import figures_csv
    from training.evaluation.report import read_evaluation
    from workbench.cli.show import show_evaluation

    place = Workplace(home)
    report = read_evaluation(place.home, place.database, place.project(project), number, mapping)

    def show() -> None:
        if as_csv:
            say(figures_csv(report).rstrip())
        else:
            show_evaluation(report)

    emit(report, as_json=as_json, show=show)


def evaluations_images(
    number: NumberArgument,
    sort: Annotated[
        str | None,
        typer.Option(
            help="miou (the worst first), -miou, path, class:NAME, -class:NAME, -entropy (the least sure first), "
            "entropy, confidence, -confidence, or cell (the most pixels)."
        ),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(metavar="TRUE,PREDICTED", help="Only images where the one class was taken for the other."),
    ] = None,
    having: Annotated[
        str | None, typer.Option("--class", help="Only images with this class, true or predicted.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="Only images with this role, or in this subset.")] = None,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only images whose IoU is this or more, 0 to 1.")
    ] = None,
    max_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Only images whose IoU is this or less, 0 to 1.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Images to list.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Images to pass over.")] = 0,
    mapping: MappingOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the images of an evaluation with their IoU: the worst, or those behind a cell of the confusion matrix."""
    from training.evaluation.gallery import evaluation_page, read_cell
    from training.evaluation.opened import open_evaluation

    place = Workplace(home)
    found = open_evaluation(place.database, number, project=place.project(project), mapping=mapping)
    chosen = None if cell is None else read_cell(found, cell)
    page = evaluation_page(
        found,
        sort=sort,
        cell=chosen,
        having=having,
        min_score=min_score,
        max_score=max_score,
        on=on,
        offset=offset,
        limit=limit,
    )

    def show() -> None:
        columns = [">number", "image", ">IoU %", "of", ">entropy %"] + ([">pixels"] if chosen else [])
        rows = (
            [i.number, f"{i.dataset}/{i.path}", percent(i.score), i.score_name, percent(i.entropy), i.pixels_in_cell]
            for i in page.images
        )
        table(None, columns, (row[: len(columns)] for row in rows))
        say(f"{len(page.images)} of {page.total} images")
        if page.note:
            say(page.note)

    emit(page, as_json=as_json, show=show)


def evaluations_curves(
    number: NumberArgument,
    class_: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Print the points of this class's curves.")
    ] = None,
    mapping: MappingOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the areas under the ROC and precision-recall curves, each class against the rest; or one class's curves."""
    from training.evaluation.curves import evaluation_curves
    from training.evaluation.opened import open_evaluation
    from workbench.cli.show_curves import show_curve, show_curves

    place = Workplace(home)
    found = open_evaluation(place.database, number, project=place.project(project), mapping=mapping)
    curves = evaluation_curves(found)
    if class_ is None:
        emit(curves, as_json=as_json, show=lambda: show_curves(curves))
    else:
        curve = curves.classes[found.record.class_index(class_)]
        emit(curve.to_json(points=True), as_json=as_json, show=lambda: show_curve(curve))


def evaluations_boundary(
    number: NumberArgument,
    mapping: MappingOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count boundaries and objects in the stored predictions: boundary F1, boundary IoU and instance-weighted IoU.

    `evaluate` does this for the mapping it is made with; here it is done for another one, or for an older evaluation.
    """
    from training.evaluation.derived.derive import derive_shapes
    from training.evaluation.opened import open_evaluation
    from training.evaluation.report import report
    from workbench.cli.show import show_evaluation

    place = Workplace(home)
    found = open_evaluation(place.database, number, project=place.project(project), mapping=mapping)
    with progress_bar() as progress:
        derive_shapes(place.database, found, progress)
    result = report(found.directory, found.id, found.mapping)
    emit(result, as_json=as_json, show=lambda: show_evaluation(result))
