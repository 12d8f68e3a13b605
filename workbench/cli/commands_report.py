"""An evaluation as files: a report to send, tables and plots for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.commands_evaluations import NumberArgument
from workbench.cli.options import HomeOption, JsonOption, MappingOption, ProjectOption, Workplace
from workbench.cli.output import emit, progress_bar, say


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("report", epilog="Example: workbench report 3 --to report.html --tables tables --plots plots")(report)


def report(
    number: NumberArgument,
    to: Annotated[
        Path | None, typer.Option("--to", "-o", metavar="FILE.html", help="The page (default: evaluation-EVAL.html).")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it into a PDF beside it, too; needs Chromium.")] = False,
    tables: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the tables there, as CSV, Markdown and LaTeX.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write the plots there, as SVG and PNG.")] = None,
    images: Annotated[int, typer.Option(min=0, max=100, help="Show so many of the worst images.")] = 6,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    mapping: MappingOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an evaluation as one page that opens offline and prints well: figures, plots, confusions, worst images."""
    from training.evaluation.opened import open_evaluation
    from training.evaluation.reporting.findings import read_findings
    from training.evaluation.reporting.write import ReportRequest, write_report

    place = Workplace(home)
    found = open_evaluation(place.database, number, project=place.project(project), mapping=mapping)
    request = ReportRequest(to or Path(f"evaluation-{number}.html"), pdf, tables, plots, images, overwrite)
    with progress_bar() as progress:
        written = write_report(place.database, read_findings(place.database, found), request, progress)

    def show() -> None:
        for path in (written.html, written.pdf, *written.tables, *written.plots):
            if path is not None:
                say(f"Written to {path}")

    emit(written, as_json=as_json, show=show)
