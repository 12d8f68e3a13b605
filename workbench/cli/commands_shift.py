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
from workbench.cli.output import emit, moment, percent, progress_bar, say, table

if TYPE_CHECKING:
    from training.shift.store import Shift, ShiftRecord

_CLASSES = 12
"""Rows of a table by class; the rest is said to be in --json."""


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
    record = found.record
    say(f"Shift {found.name}: {record.model} at home on {record.domains[0].title} ({record.domains[0].images} photos)")
    for place, domain in enumerate(record.domains[1:], start=1):
        say(f"\nAgainst {domain.title} ({domain.images} photos)\n")
        _show_looks(record, place)
        _show_frequencies(record, place)
        _show_sizes(record, place)
        say(_features(record, place))
    say(f"\nLeast like home: {', '.join(outlier.path for outlier in record.outliers[:5])}")


def _show_looks(record: ShiftRecord, place: int) -> None:
    from training.shift.looks import LOOKS

    rows = (
        (
            look.name,
            look.unit,
            _number(found.medians[0]),
            _number(found.medians[place]),
            _signed(found.deltas[place]),
            found.sizes[place],
            (look.more if (found.deltas[place] or 0) > 0 else look.less)
            if found.sizes[place] not in (None, "negligible")
            else "",
        )
        for look, found in zip(LOOKS, record.looks, strict=True)
    )
    columns = ["look", "in", ">home", ">there", ">Cliff's delta", "effect", "photos there"]
    table("How photos look: the median photo", columns, rows)


def _show_frequencies(record: ShiftRecord, place: int) -> None:
    found = record.frequencies
    if found is None or found.distances[place] is None:
        say("\nClass frequencies need labels on both sides.")
        return
    moved = sorted(found.classes, key=lambda row: -abs((row.pixels[place] or 0) - (row.pixels[0] or 0)))
    rows = (
        (
            row.name,
            *(percent(row.pixels[each]) for each in (0, place)),
            *(percent(row.images[each]) for each in (0, place)),
        )
        for row in moved[:_CLASSES]
    )
    columns = ["class", ">pixels at home %", ">there %", ">photos at home %", ">there %"]
    table("\nHow often classes occur, those that moved most first", columns, rows)
    home, there = record.domains[0], record.domains[place]
    say(
        f"In the labelled photos ({home.labelled} of {home.images} at home, {there.labelled} of {there.images} there) "
        f"{percent(found.distances[place])} % of the pixels would have to change their class to be as at home."
    )
    for names, where in ((found.only_home[place], "Only at home"), (found.only_there[place], "Only there")):
        if names:
            say(f"{where}: {', '.join(names)}.")


def _show_sizes(record: ShiftRecord, place: int) -> None:
    known = [row for row in record.object_sizes or () if row.deltas[place] is not None]
    if not known:
        say("\nObject sizes need labels on both sides.")
        return
    moved = sorted(known, key=lambda row: -abs(row.deltas[place] or 0))
    rows = (
        (
            row.name,
            *(row.objects[each] for each in (0, place)),
            *(_small(row.medians[each]) for each in (0, place)),
            _signed(row.deltas[place]),
            row.sizes[place],
        )
        for row in moved[:_CLASSES]
    )
    columns = ["class", ">objects at home", ">there", ">median % of photo", ">there", ">Cliff's delta", "effect"]
    table("\nHow large objects are, those that moved most first", columns, rows)


def _features(record: ShiftRecord, place: int) -> str:
    found = record.features[place]
    if found is None:
        return f"\nFeatures: too few photos to tell by their distance.{_farther(record, place)}"
    if found.by_chance and found.few:
        home, there = record.domains[0].images, record.domains[place].images
        photos = f"{home} at home, {there} there, {found.dimensions} dimensions"
        verdict = f"too few photos to tell by this distance ({photos})"
    elif found.by_chance:
        verdict = "no more than chance gives"
    else:
        verdict = "more than chance gives" if found.times is None else f"{found.times:.1f} times that"
    hold = "dimension, which holds" if found.dimensions == 1 else "dimensions, which hold"
    return (
        f"\nFeatures: {found.distance:.3g} from home, where parts of home are {found.nothing:.3g} apart (at most "
        f"{found.most_nothing:.3g}): {verdict}. Frechet distance in {found.dimensions} {hold} "
        f"{percent(found.explained)} % of the variance.{_farther(record, place)}"
    )


def _farther(record: ShiftRecord, place: int) -> str:
    found, photos = record.farther[place], record.domains[place].images
    if found is None:
        return ""
    return f" {found} of {photos} photos are farther from home than 95 % of its own; 1 in 20 would be by chance."


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _small(value: float | None) -> str | None:
    return None if value is None else f"{100 * value:.3g}"


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.2f}"
