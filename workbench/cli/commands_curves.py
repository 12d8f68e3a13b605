"""Learning curves of several runs: side by side in the terminal, or as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, percent, say, table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("curves", epilog="Example: workbench curves 1 2 5 --to curves.svg")(curves)


def curves(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Numbers or names of runs, 20 at most.")],
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a .svg, .png or .csv file.")] = None,
    x: Annotated[Literal["steps", "minutes"], typer.Option("--x", help="What runs along the chart.")] = "steps",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lay the learning curves of several runs over one another, and say how their recipes differ."""
    from training.curves.chart import write_curves
    from training.curves.several import several_runs

    place = Workplace(home)
    found = several_runs(place.home, place.database, place.project(project), runs)
    if to is not None:
        write_curves(found, to, x)

    def show() -> None:
        rows = (
            (
                each.run,
                each.architecture,
                ", ".join(each.differences) or each.name,
                each.state,
                max((point.step for point in (*each.loss, *each.miou)), default=0),
                f"{each.loss[-1].value:.4f}" if each.loss else None,
                percent(each.miou[-1].value if each.miou else None),
                percent(each.best),
            )
            for each in found
        )
        columns = [">run", "architecture", "differs by", "state", ">step", ">loss", ">val mIoU %", ">best %"]
        table(None, columns, rows)
        if to is not None:
            say(f"Written to {to}")

    emit({"runs": found, "to": None if to is None else str(to)}, as_json=as_json, show=show)
