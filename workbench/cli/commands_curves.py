"""Learning curves of several runs: side by side in the terminal, or as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from labeling.parts import part_title
from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, percent, say, table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("curves", epilog="Example: workbench curves 1 2 5 --to curves.svg")(curves)
    app.command("label-curve", epilog="Example: workbench label-curve --dataset camvid --on val")(label_curve)


def curves(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Numbers or names of runs, 20 at most.")],
    to: Annotated[
        Path | None, typer.Option("--to", "-o", metavar="FILE", help="Write a .svg, .png or .csv file.")
    ] = None,
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


def label_curve(
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Only what was tested on this one.")] = None,
    on: Annotated[str | None, typer.Option(help="Only what was tested on this role or subset.")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what more labels brought: the mIoU of runs on the same photos, by the labelled ones each was trained on."""
    from training.curves.labelled import read_labelled_curves

    place = Workplace(home)
    found = read_labelled_curves(place.home, place.database, place.project(project), dataset, on)

    def show() -> None:
        for curve in found:
            rows = (
                (
                    point.architecture,
                    point.labelled,
                    "" if point.added is None else f"+{point.added}",
                    ", ".join(f"{name} {count}" for name, count in point.lists),
                    percent(point.miou),
                    point.model,
                    point.evaluation,
                )
                for point in curve.points
            )
            columns = ["architecture", ">labelled photos", ">new", "of them in", ">mIoU %", "model", ">evaluation"]
            tested = part_title(curve.dataset, curve.on)
            table(f"Tested on {tested} ({curve.images} photos, size {curve.size})", columns, rows)
        if not any(curve.tells for curve in found):
            say("A curve needs two runs of an architecture, trained on different photos and tested on the same.")

    emit({"curves": found}, as_json=as_json, show=show)
