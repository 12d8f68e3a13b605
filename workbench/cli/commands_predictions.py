"""Folders that the page of models in use predicted: list and delete them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, moment, table

if TYPE_CHECKING:
    from training.prediction.predictions import PredictionInfo


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="List and delete what the page Use predicted.", invoke_without_command=True)
    group.callback(epilog="Example: workbench predictions")(predictions)
    group.command("delete", epilog="Example: workbench predictions delete 3")(delete)
    app.add_typer(group, name="predictions")


def predictions(
    context: typer.Context, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the folders that were predicted from the page Use, newest first, and where the result lies."""
    if context.invoked_subcommand is None:
        place = Workplace(home)
        _show(place, place.project_id(project), as_json=as_json)


def delete(
    number: Annotated[int, typer.Argument(metavar="PREDICTION", help="Its number in the list.")],
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete what was predicted, for good; the photos and the model stay."""
    from training.prediction.predictions import delete_prediction

    place = Workplace(home)
    project_id = place.project_id(project)
    delete_prediction(place.home, project_id, number)
    _show(place, project_id, as_json=as_json)


def _show(place: Workplace, project_id: int, *, as_json: bool) -> None:
    from training.prediction.predictions import list_predictions

    found = list_predictions(place.home, project_id)

    def show() -> None:
        columns = [">prediction", "source", "model", "state", ">images", "started", "folder"]
        table(None, columns, map(_row, found))

    emit({"predictions": [_values(each) for each in found]}, as_json=as_json, show=show)


def _values(info: PredictionInfo) -> dict[str, Any]:
    return info.to_json() | {"folder": str(info.folder)}


def _row(info: PredictionInfo) -> tuple[object, ...]:
    asked = info.record
    started = moment(datetime.fromtimestamp(asked.started_at, UTC))
    return info.id, asked.source, asked.model, info.state, info.images, started, info.folder
