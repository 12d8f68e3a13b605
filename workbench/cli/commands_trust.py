"""Trust in the labels: likely label errors, and what is plainly odd about an evaluation."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from workbench.cli.commands_evaluations import NumberArgument
from workbench.cli.options import HomeOption, JsonOption, MappingOption, ProjectOption, Workplace
from workbench.cli.output import emit, note, percent, progress_bar, say, table

_REGIONS = 3  # of an image that are listed


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("label-errors", epilog="Example: workbench label-errors 3 --class car --to label-errors.csv")(
        label_errors
    )
    app.command("sanity", epilog="Example: workbench sanity 3")(sanity)


def label_errors(
    number: NumberArgument,
    label: Annotated[str | None, typer.Option("--class", help="Only regions that are labelled as this class.")] = None,
    seen: Annotated[str | None, typer.Option(help="Only regions where the model sees this class.")] = None,
    state: Annotated[
        Literal["open", "right", "changed"],
        typer.Option(help="open; right: said to be no error; changed: labelled anew since."),
    ] = "open",
    sort: Annotated[
        Literal["score", "quality", "path"],
        typer.Option(help="score (the likeliest error first), quality (the most doubted pixels first) or path."),
    ] = "score",
    limit: Annotated[int, typer.Option(min=1, help="Images to list.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Images to pass over.")] = 0,
    right: Annotated[
        list[int] | None, typer.Option(metavar="NUMBER", help="The labels of this image are right: list it no more.")
    ] = None,
    reopen: Annotated[list[int] | None, typer.Option(metavar="NUMBER", help="Take that back for this image.")] = None,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", metavar="FILE.csv", help="Write all of the list there.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Look again, though that was done before.")] = False,
    mapping: MappingOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List images whose labels a model doubts that did not learn from them, the likeliest error first.

    The column score is of an image's best region: the radius of the largest disk in it, in percent of the image's
    diagonal, times how rarely the model confuses these two classes. Wide and rare comes first. The column doubted % is
    the share of its labelled pixels where the model is sure of another class.
    """
    from db.errors import UserError
    from db.files import write_atomic
    from training.evaluation.opened import open_evaluation
    from training.trust.find import find_doubts
    from training.trust.ranking import errors_csv, image_maps
    from training.trust.ranking import label_errors as ranked
    from training.trust.store import is_looked
    from training.trust.verdicts import say_right

    place = Workplace(home)
    found = open_evaluation(place.database, number, project=place.project(project), mapping=mapping)
    for named in (label, seen):
        if named is not None:
            found.record.class_index(named)  # better refused now than after looking
    if to is not None and to.exists() and not overwrite:
        raise UserError(f"{to} is there already. Name another file, or replace it with --overwrite.")
    for numbers, is_right in ((right, True), (reopen, False)):
        if numbers:
            maps = image_maps(found, numbers)
            say_right(place.database, found.project_id, found.record.dataset, maps, right=is_right)
    if again or not is_looked(found):
        with progress_bar() as progress:
            find_doubts(found, progress)

    listed = partial(ranked, place.database, found, state=state, label=label, seen=seen, sort=sort)
    result = listed(offset=offset, limit=limit)
    if to is not None:
        write_atomic(to, errors_csv(listed(limit=len(found.record.images))).encode())

    def show() -> None:
        for warning in result.warnings:
            note(warning)
        columns = [">number", "image", ">score", ">doubted %", "labelled → seen (pixels)"]
        rows = []
        for each in result.images:
            told = [f"{r.label} → {r.seen} ({r.pixels:,})" for r in each.regions[:_REGIONS]]
            rows.append(
                (
                    each.number,
                    f"{each.dataset}/{each.path}",
                    f"{each.score:.1f}",
                    percent(1 - each.quality),
                    "; ".join(told),
                )
            )
        table(None, columns, rows)
        counts = ", ".join(f"{count} {name}" for name, count in result.states.items())
        say(f"{len(result.images)} of {result.total} images ({counts})")
        doubted = [each for each in result.classes if each.regions]
        columns = ["labelled as", ">images", ">regions", ">pixels", "mostly seen as"]
        table("\nBy class", columns, ((c.name, c.images, c.regions, f"{c.pixels:,}", c.seen) for c in doubted))
        if to is not None:
            say(f"Written to {to}")

    emit(result, as_json=as_json, show=show)


def sanity(
    number: NumberArgument,
    mapping: MappingOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is plainly odd about an evaluation: classes never predicted or present, images that do not count."""
    from training.evaluation.opened import open_evaluation
    from training.trust.sanity import evaluation_sanity

    place = Workplace(home)
    found = open_evaluation(place.database, number, project=place.project(project), mapping=mapping)
    notices = evaluation_sanity(place.database, found)

    def show() -> None:
        for notice in notices:
            say(f"{notice.severity}: {notice.text}")
        if not notices:
            say("Nothing odd: every class is in the labels and predicted, every image counts.")

    emit({"evaluation": number, "notices": notices}, as_json=as_json, show=show)
