"""Testing a model: evaluate it, and compare it with others."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from db.errors import UserError
from workbench.cli.options import (
    CombineOption,
    CrfOption,
    CrfSetOption,
    DatasetOption,
    DeviceOption,
    FlipOption,
    HomeOption,
    JsonOption,
    ProjectOption,
    ScalesOption,
    SizeOption,
    StyleOfOption,
    StyleOption,
    WindowOption,
    Workplace,
    read_settings,
)
from workbench.cli.output import emit, progress_bar


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("evaluate", epilog="Example: workbench evaluate 12:best --dataset dusk --on all")(evaluate)
    app.command("compare", epilog="Example: workbench compare 3 4 7")(compare)


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
    scales: ScalesOption = "1",
    flip: FlipOption = False,
    combine: CombineOption = "mean",
    window: WindowOption = 0,
    crf: CrfOption = 0,
    crf_set: CrfSetOption = None,
    style: StyleOption = None,
    style_of: StyleOfOption = None,
    mapping: Annotated[
        str | None, typer.Option(help="A saved mapping (default: by-name, classes of the same name).")
    ] = None,
    restrict: Annotated[
        bool, typer.Option("--restrict", help="Let pixels only get classes that the mapping has a target for.")
    ] = False,
    predictions: Annotated[bool, typer.Option(help="Store the predicted class maps.")] = True,
    boundary: Annotated[
        bool, typer.Option(help="Count boundaries and objects afterwards, in the stored predictions.")
    ] = True,
    device: DeviceOption = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"], typer.Option(help="Number format (auto: bf16 where clearly faster).")
    ] = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test a model on a dataset: IoU per class, the confusion matrix, and whether it has seen the images before."""
    from training.evaluation.evaluate import evaluate as run_evaluation
    from training.prediction.refinement import Refinement
    from workbench.cli.show import show_evaluation

    others = read_settings(crf_set or [], "--crf-set")
    refinement = Refinement.read(scales, flip=flip, combine=combine, window=window, crf=crf, crf_settings=others)
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
            boundary=boundary,
            device=device,
            precision=precision,
            refinement=refinement,
            style=style,
            style_of=style_of,
            restrict=restrict,
            progress=progress,
        )
    emit(report, as_json=as_json, show=lambda: show_evaluation(report))


def compare(
    baseline: Annotated[int, typer.Argument(metavar="BASE", help="Number of the evaluation to compare with.")],
    others: Annotated[list[int], typer.Argument(metavar="OTHER", help="Numbers of one or more others.")],
    images: Annotated[int, typer.Option(min=0, help="List so many of the images both have that lost most.")] = 0,
    disputed: Annotated[
        int, typer.Option(min=0, help="List so many of the images whose predictions differ in most pixels.")
    ] = 0,
    models: Annotated[
        bool, typer.Option("--models", help="Say how their trainings differ, and what a prediction costs.")
    ] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put evaluations side by side with the first: every figure of all, the difference, and whether that says anything.

    A difference is the other minus the first, with its 95 % interval: the other is better, worse, or one cannot tell.
    """
    from training.evaluation.compare import compare_with
    from training.evaluation.compare_images import DISPUTED, paired_images, shared_images
    from training.evaluation.compare_models import compared_models
    from training.evaluation.derived.disputes import derive_disputes, read_disputes
    from training.evaluation.opened import open_evaluation
    from workbench.cli.show_compared import show_comparison, show_comparisons, show_disputes, show_models, show_pairs

    place = Workplace(home)
    owner = place.project(project)
    found = compare_with(place.home, place.database, project=owner, baseline=baseline, others=others)
    opened = [open_evaluation(place.database, number, project=owner) for number in (baseline, *others)]
    if images and len(opened) > 2:
        raise UserError("--images lists what became of the images of two evaluations. Name two, or use --disputed.")
    pairs = paired_images(opened[0], opened[1], limit=images) if images else None
    disputes = None
    if disputed:
        if read_disputes(opened) is None:
            with progress_bar() as progress:
                derive_disputes(opened, progress)
        disputes = shared_images(opened, sort=DISPUTED, limit=disputed)

    mious = [found[0].a.metrics.miou, *(each.b.metrics.miou for each in found)]
    behind = compared_models(place.home, place.database, opened, mious) if models else None

    def show() -> None:
        if len(found) == 1:
            show_comparison(found[0])
        else:
            show_comparisons(found)
        if pairs:
            show_pairs(pairs)
        if disputes:
            show_disputes(disputes)
        if behind:
            show_models(behind)

    told = (
        found[0].to_json() if len(found) == 1 else {"baseline": baseline, "comparisons": [e.to_json() for e in found]}
    )
    listed = {"pairs": pairs, "disputes": disputes, "models": behind}
    emit(told | {key: value for key, value in listed.items() if value}, as_json=as_json, show=show)
