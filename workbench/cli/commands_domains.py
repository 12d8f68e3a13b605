"""A model on other domains: what it loses there, and what helps without labels."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from db.errors import UserError
from workbench.cli.options import (
    DatasetOption,
    DeviceOption,
    HomeOption,
    JsonOption,
    MappingOption,
    ModelArgument,
    OverwriteOption,
    ProjectOption,
    SizeOption,
    Workplace,
)
from workbench.cli.output import emit, named_progress, progress_bar, say


class RemedyName(StrEnum):
    """Names of the remedies, as `training.adaptation.remedies` has them; typer takes no list of literals."""

    ADABN = "adabn"
    TENT = "tent"
    HISTOGRAM = "histogram"
    FOURIER = "fourier"
    LOOKS = "looks"
    CRF = "crf"


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    example = "Example: workbench domains --model 12 --from day:val --to dusk"
    app.command("domains", epilog=example)(domains)
    app.command("remedies", epilog="Example: workbench remedies 12 --dataset dusk")(remedies)


def domains(
    evaluations: Annotated[
        list[int] | None,
        typer.Argument(metavar="[HOME_EVAL TARGET_EVAL ...]", help="Evaluations: at home, then of other domains."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Test this model on --from and each --to first, where nobody has.")
    ] = None,
    at_home: Annotated[
        str | None, typer.Option("--from", metavar="DATASET[:ON]", help="Images the model is at home with.")
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="DATASET[:ON]", help="Another domain; ON is a role or a subset. Repeatable."),
    ] = None,
    size: SizeOption = "original",
    mapping: MappingOption = None,
    restrict: Annotated[
        bool, typer.Option("--restrict", help="Let pixels only get classes that the mapping has a target for.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV, for spreadsheets.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write all of it as one page, .html, with the remedies that were tried.")
    ] = None,
    overwrite: OverwriteOption = False,
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a model's figures at home beside those on other domains: drops with intervals, what it confuses, where."""
    from training.shift.make import evaluate_missing
    from training.shift.subject import read_domains
    from training.shift.table import shift_table
    from training.shift.written import shift_csv, shift_markdown
    from workbench.cli.show_domains import show_table

    place = Workplace(home)
    owner = place.project(project)
    numbers = list(evaluations or [])
    if model is not None:
        if numbers or not at_home or not to:
            raise typer.BadParameter("give --from and --to with it, and no evaluations", param_hint="--model")
        with progress_bar() as progress:
            numbers = evaluate_missing(
                *(place.home, place.database),
                project=owner,
                model=model,
                domains=read_domains(place.database, owner, (at_home, *to)),
                size=size,
                mapping=mapping,
                restrict=restrict,
                device=device,
                which=lambda name: named_progress(progress, name) or progress,
            )
    if len(numbers) < 2:
        raise typer.BadParameter("expected two evaluations or more, the one at home first; or --model")
    found = shift_table(place.database, owner, numbers[0], numbers[1:], mapping)
    if report is not None:
        from training.shift.page import write_page

        write_page(place.home, place.database, owner, found, report, overwrite=overwrite)

    def show() -> None:
        if as_csv:
            say(shift_csv(found).rstrip())
        elif as_markdown:
            say(shift_markdown(found).rstrip())
        else:
            show_table(found)
        if report is not None:
            say(f"Report: {report.absolute()}")

    emit(found, as_json=as_json, show=show)


def remedies(
    model: ModelArgument,
    dataset: DatasetOption,
    on: Annotated[str, typer.Option(help="A subset or role of the dataset, or all.")] = "all",
    only: Annotated[
        list[RemedyName] | None,
        typer.Option(help="Try this one. Repeatable (default: all of them)."),
    ] = None,
    at_home: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DATASET[:ON]", help="Photos it is at home with, for a model that was trained elsewhere."
        ),
    ] = None,
    size: SizeOption = "original",
    mapping: MappingOption = None,
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try what can be done without labels where a model loses, each put beside the original; done ones are kept."""
    from training.adaptation.remedies import Case, try_remedies
    from training.adaptation.remedy import NAMES
    from training.shift.subject import Domain, read_domains
    from workbench.cli.show_domains import show_remedies

    place = Workplace(home)
    owner = place.project(project)
    known = read_domains(place.database, owner, [at_home])[0] if at_home else None
    case = Case(place.home, place.database, owner, model, Domain(dataset, on), size, mapping, known)
    if known and case.look.of is None:
        raise UserError(f"Leave out --from: {model} was trained on photos of this home, {case.look.name}.")
    names = [name for name in NAMES if not only or name in only]
    with progress_bar() as progress:
        found = try_remedies(
            case, only=names, device=device, which=lambda name: named_progress(progress, name) or progress
        )
    emit(found, as_json=as_json, show=lambda: show_remedies(found))
