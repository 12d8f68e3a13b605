"""Another domain without labels: survey it, estimate, choose what to label next, adapt a model to it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from labeling.parts import part_title
from workbench.cli.options import (
    DatasetOption,
    DeviceOption,
    HomeOption,
    JsonOption,
    MappingOption,
    ModelArgument,
    ProjectOption,
    SizeOption,
    Workplace,
)
from workbench.cli.output import emit, percent, progress_bar, say, table

OnOption = Annotated[str, typer.Option(help="all, unlabelled, a role or a subset of the dataset.")]
SurveyArgument = Annotated[str, typer.Argument(metavar="SURVEY", help="Name of a survey, or last.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("survey", epilog="Example: workbench survey 12 --dataset dusk --on unlabelled")(survey)
    app.command("surveys", epilog="Example: workbench surveys")(surveys)
    app.command("expect", epilog="Example: workbench expect last --from 3")(expect)
    app.command("suggest", epilog="Example: workbench suggest last --count 10 --subset label-next")(suggest)
    app.command("adapt", epilog="Example: workbench adapt 12 --by adabn --dataset dusk --on unlabelled")(adapt)


def survey(
    model: ModelArgument,
    dataset: DatasetOption,
    on: OnOption = "all",
    size: SizeOption = "original",
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a model over photos that need no labels: how sure it is of each, and how steady."""
    from training.survey.survey import survey as run_survey

    place = Workplace(home)
    with progress_bar() as progress:
        found = run_survey(
            place.home,
            place.database,
            project=place.project(project),
            model=model,
            dataset=dataset,
            on=on,
            size=size,
            device=device,
            progress=progress,
        )
    record = found.record
    least = sorted(record.images, key=lambda image: -image.entropy)

    def show() -> None:
        where = part_title(record.dataset, record.on)
        say(f"Survey {found.name}: {record.model} on {where} ({len(record.images)} photos)")
        title = "\nLeast sure of"
        rows = (
            (i.path, percent(i.entropy), percent(i.disagreement), "yes" if i.labelled else "no") for i in least[:10]
        )
        table(title, ["photo", ">entropy %", ">changes when mirrored %", "labelled"], rows)
        say(f"Next: workbench suggest {found.name} --count 10 --subset label-next")

    emit({"survey": found.name, **record.model_dump(mode="json")}, as_json=as_json, show=show)


def surveys(project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the surveys, newest first."""
    from training.survey.store import list_surveys

    place = Workplace(home)
    found = [(each.name, each.record) for each in list_surveys(place.home, place.project_id(project))]
    lines = [
        {
            "survey": name,
            "model": record.model,
            "dataset": record.dataset,
            "on": record.on,
            "size": record.size,
            "images": len(record.images),
            "entropy": record.mean_entropy,
            "created_at": record.created_at.isoformat(),
        }
        for name, record in found
    ]

    def show() -> None:
        columns = ["survey", "model", "dataset", "on", ">photos", ">entropy %"]
        rows = ((name, r.model, r.dataset, r.on, len(r.images), percent(r.mean_entropy)) for name, r in found)
        table(None, columns, rows)

    emit({"surveys": lines}, as_json=as_json, show=show)


def expect(
    name: SurveyArgument,
    evaluation: Annotated[
        int,
        typer.Option("--from", metavar="EVAL", help="An evaluation of the same model, whose labels it learns from."),
    ],
    mapping: MappingOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate a model's pixel accuracy on photos without labels, with the estimates' errors where labels are known."""
    from training.survey.estimate import estimate
    from training.survey.store import open_survey

    place = Workplace(home)
    found = open_survey(place.home, place.project_id(project), name)
    result = estimate(place.database, place.project(project), found, evaluation, mapping=mapping)

    def show() -> None:
        record = found.record
        expected = result.expected
        where = part_title(record.dataset, record.on)
        say(f"Survey {found.name}: {record.model} on {where} ({len(record.images)} photos)")
        say(f"{result.headline}\n")
        rows = [
            (f"evaluation {result.home}, where it learns", *[""] * 3, percent(result.home_accuracy)),
            ("this survey", percent(expected.atc), percent(expected.confidence), percent(expected.entropy), "unknown"),
            *(
                (
                    f"evaluation {check.evaluation} ({check.title})",
                    *(_with_error(value, check.off[name]) for name, value in vars(check.expected).items()),
                    percent(check.accuracy),
                )
                for check in result.checks
            ),
        ]
        title = "Pixel accuracy, %; in brackets the estimate minus the truth, in points"
        table(title, ["", ">by ATC", ">by confidence", ">by entropy", ">true"], rows)
        for line in result.notes:
            say(line)

    emit(result, as_json=as_json, show=show)


def _with_error(value: float | None, off: float | None) -> str:
    return "n/a" if value is None or off is None else f"{percent(value)} ({100 * off:+.1f})"


def suggest(
    name: SurveyArgument,
    count: Annotated[int, typer.Option(min=1, help="Photos to choose.")] = 10,
    by: Annotated[
        Literal["mixed", "uncertainty", "disagreement", "diversity"],
        typer.Option(help="mixed: unlike one another among the least sure."),
    ] = "mixed",
    subset: Annotated[
        str | None, typer.Option(help="Put them into this subset of the dataset; what is in it already is left out.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="SUBSET", help="Leave out what is in this subset. Repeatable.")
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the photos of a survey that would teach the model most, to be labelled next."""
    from training.survey.ranking import ORDERS
    from training.survey.store import open_survey
    from training.survey.suggest import suggest as choose

    place = Workplace(home)
    owner = place.project(project)
    found = open_survey(place.home, place.project_id(owner), name)
    left = list(dict.fromkeys([*([subset] if subset else []), *(without or [])]))
    result = choose(place.database, owner, found, count=count, by=by, subset=subset, without=left)

    def show() -> None:
        rows = ((photo.path, percent(photo.entropy), percent(photo.disagreement)) for photo in result.photos)
        table(None, ["photo", ">entropy %", ">changes when mirrored %"], rows)
        listed = f"; {result.left_out} more are left out: they are in {', '.join(left)}" if result.left_out else ""
        say(f"{len(result.photos)} of {result.candidates} photos without labels, {ORDERS[by]}{listed}")
        if result.subset:
            say(f"Label them: workbench label --desktop --dataset {result.dataset} --on {result.subset}")

    emit(result, as_json=as_json, show=show)


def adapt(
    model: ModelArgument,
    by: Annotated[
        Literal["adabn", "tent"],
        typer.Option(help="adabn: measure the batch normalisation's statistics anew; tent: train its scales, too."),
    ],
    dataset: DatasetOption,
    on: OnOption = "all",
    size: SizeOption = "original",
    name: Annotated[str | None, typer.Option(help="What to call the new model.")] = None,
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make another model of one, adapted to photos whose labels are not looked at."""
    from training.adaptation.adapt import adapt as run_adapt

    place = Workplace(home)
    with progress_bar() as progress:
        made = run_adapt(
            place.home,
            place.database,
            project=place.project(project),
            model=model,
            how=by,
            dataset=dataset,
            on=on,
            size=size,
            name=name,
            device=device,
            progress=progress,
        )

    def show() -> None:
        say(f"Model {made.name!r}: {made.parent} with {made.layers} layers adapted to {made.images} photos")
        if made.entropy:
            say(f"Mean entropy of a pixel's prediction: {made.entropy[0]:.3f} at first, {made.entropy[1]:.3f} at last")
        for line in made.notes:
            say(line)
        say(f"Whether it is any better: workbench evaluate {made.name!r} --dataset {dataset}, then workbench compare")

    emit(made, as_json=as_json, show=show)
