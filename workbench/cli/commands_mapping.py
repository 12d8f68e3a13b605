"""Mappings from a model's classes to a dataset's: list, save, and find out what a class may stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, percent, say, table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    mapping = typer.Typer(help="Rows from a model's classes to a dataset's.", no_args_is_help=True)
    mapping.command("list", epilog="Example: workbench mapping list")(mapping_list)
    mapping.command("set", epilog="Example: workbench mapping set voc-to-campus mapping.yaml")(mapping_set)
    mapping.command("suggest", epilog="Example: workbench mapping suggest 3 --to mapping.yaml")(mapping_suggest)
    app.add_typer(mapping, name="mapping")


def mapping_list(project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the saved mappings."""
    from training.evaluation.mapping import list_mappings

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
    from training.evaluation.mapping import read_mapping_file, save_mapping

    place = Workplace(home)
    mapping = save_mapping(place.database, place.project(project), name, read_mapping_file(file))
    emit(mapping, as_json=as_json, show=lambda: say(f"Mapping {name}: {len(mapping.rows)} rows"))


def mapping_suggest(
    evaluation: Annotated[int, typer.Argument(metavar="EVAL", help="An evaluation whose argmax was not restricted.")],
    least: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of a class's pixels that must lie on one of the dataset's.")
    ] = 50,
    to: Annotated[
        Path | None,
        typer.Option("--to", "-o", help="Write the rows as YAML, to be looked at and given to `mapping set`."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say where each class of a model is predicted, and so what it may count as; nothing is computed or saved."""
    from training.evaluation.mapping_advice import suggested_rows, where_classes_lie, write_mapping_file
    from training.evaluation.opened import open_evaluation

    place = Workplace(home)
    found = open_evaluation(place.database, evaluation, project=place.project(project))
    lying = where_classes_lie(found)
    rows = suggested_rows(lying, found.record.truth_classes, least / 100)
    if to is not None:
        write_mapping_file(to, rows, overwrite=overwrite)

    def show() -> None:
        columns = ["model's class", ">pixels", "mostly on", ">%", "may count as"]
        shown = (
            (each.model_class, each.pixels, each.mostly, percent(each.share), target or "(other)")
            for each, (_, target) in zip(lying, rows, strict=True)
        )
        table(None, columns, shown)
        say("Look it through: a class that the dataset lacks lies on something, too.")
        if to is not None:
            say(f"Mapping: {to.absolute()}. Save it: workbench mapping set NAME {to}")

    told = [vars(each) | {"target": target} for each, (_, target) in zip(lying, rows, strict=True)]
    emit({"evaluation": evaluation, "classes": told, "written": to and str(to.absolute())}, as_json=as_json, show=show)
