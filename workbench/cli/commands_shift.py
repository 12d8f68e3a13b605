"""Why a model fares worse elsewhere: measure it, and read what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.options import (
    DeviceOption,
    HomeOption,
    JsonOption,
    ModelArgument,
    ProjectOption,
    SizeOption,
    Workplace,
)
from workbench.cli.output import emit, moment, progress_bar, say, table

if TYPE_CHECKING:
    from training.shift.store import Shift


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("shift", epilog="Example: workbench shift 4 --from camvid:val --to camvid:dusk")(shift)
    app.command("shifts", epilog="Example: workbench shifts last")(shifts)


def shift(
    model: ModelArgument,
    at_home: Annotated[str, typer.Option("--from", metavar="DATASET[:ON]", help="Photos the model is at home with.")],
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="DATASET[:ON]",
            help="Photos to compare with these: ON is a role, a subset or unlabelled. Repeatable.",
        ),
    ],
    size: SizeOption = "original",
    way: Annotated[
        Literal["pca", "tsne"], typer.Option("--map", help="How photos come onto the map; tsne needs scikit-learn.")
    ] = "pca",
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a model fares worse elsewhere: how photos, classes, object sizes and features differ from home's."""
    from training.shift.why import explain

    place = Workplace(home)
    with progress_bar() as progress:
        found = explain(
            place.home,
            place.database,
            project=place.project(project),
            model=model,
            at_home=at_home,
            targets=to,
            size=size,
            device=device,
            way=way,
            progress=progress,
        )
    emit(_json(found), as_json=as_json, show=lambda: _show(found))


def shifts(
    name: Annotated[str | None, typer.Argument(metavar="[SHIFT]", help="Name of one to read, or last.")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what `shift` found, newest first, or read one."""
    from training.shift.store import list_shifts, open_shift

    place = Workplace(home)
    owner = place.project_id(project)
    if name is not None:
        one = open_shift(place.home, owner, name)
        return emit(_json(one), as_json=as_json, show=lambda: _show(one))
    found = list_shifts(place.home, owner)

    def show() -> None:
        rows = (
            (
                each.name,
                each.record.model,
                each.record.domains[0].title,
                ", ".join(domain.title for domain in each.record.domains[1:]),
                moment(each.record.created_at),
            )
            for each in found
        )
        table(None, ["shift", "model", "at home", "against", "made"], rows)

    return emit({"shifts": [each.head() for each in found]}, as_json=as_json, show=show)


def _json(found: Shift) -> dict[str, Any]:
    return {"shift": found.name, **found.record.model_dump(mode="json")}


def _show(found: Shift) -> None:
    from training.shift.told import why_said, why_tables

    record = found.record
    say(f"Shift {found.name}: {record.model} at home on {record.domains[0].title} ({record.domains[0].images} photos)")
    for place, domain in enumerate(record.domains[1:], start=1):
        say(f"\nAgainst {domain.title} ({domain.images} photos)\n")
        for each in why_tables(record, place):
            columns = [column.label if column.kind == "text" else f">{column.label}" for column in each.columns]
            table(each.title, columns, each.texts())
            say("")
        for line in why_said(record, place):
            say(line)
    say(f"\nLeast like home: {', '.join(outlier.path for outlier in record.outliers[:5])}")
