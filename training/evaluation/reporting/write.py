"""A report written into files: the page, a PDF of it, tables and plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from db.errors import UserError
from db.files import explain_os_errors, write_atomic
from db.session import Database
from labeling.exporting.guard import refuse_file, refuse_folder
from labeling.progress import Progress, silent
from training.evaluation.as_csv import figures_csv
from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.images import IMAGES
from training.evaluation.reporting.page import report_html
from training.evaluation.reporting.pdf import find_browser, print_pdf
from training.evaluation.reporting.plots.draw import PLOTS, plot
from training.evaluation.reporting.tables import tables, to_csv, to_latex, to_markdown
from training.evaluation.reporting.words import PlotKind


@dataclass(frozen=True)
class ReportRequest:
    """What to write.

    Attributes:
        to: the page, `.html`.
        pdf: a PDF of it, too, beside it.
        tables: folder for the tables as CSV, Markdown and LaTeX; None writes none.
        plots: folder for the plots as SVG and PNG; None writes none.
        images: how many of the worst images the page shows.
        overwrite: replace files, and write into folders that hold some.
    """

    to: Path
    pdf: bool = False
    tables: Path | None = None
    plots: Path | None = None
    images: int = IMAGES
    overwrite: bool = False


@dataclass(frozen=True)
class WrittenReport:
    """What was written."""

    evaluation: int
    html: Path
    pdf: Path | None
    tables: tuple[Path, ...]
    plots: tuple[Path, ...]


def write_report(
    database: Database, found: Findings, request: ReportRequest, progress: Progress = silent
) -> WrittenReport:
    """Write the report of an evaluation; whatever is refused is refused before anything is written.

    Raises:
        UserError: a name that is none, a file or folder that may not be written, or no Chromium for a PDF.
    """
    page = request.to.absolute()
    pdf = page.with_suffix(".pdf") if request.pdf else None
    _check(database, request, [path for path in (page, pdf) if path])
    browser = find_browser() if pdf else None
    html = report_html(database, found, request.images, progress)
    write_atomic(page, html.encode(errors="backslashreplace"))
    if pdf and browser:
        write_atomic(pdf, print_pdf(browser, html))
    return WrittenReport(
        evaluation=found.report.id,
        html=page,
        pdf=pdf,
        tables=_fill(request.tables, table_files(found)) if request.tables else (),
        plots=_fill(request.plots, plot_files(found)) if request.plots else (),
    )


def table_files(found: Findings) -> dict[str, bytes]:
    """Return the tables by the names of their files; `all.csv` has the figures of all in one."""
    files = {"all.csv": figures_csv(found.report).encode()}
    for table in tables(found):
        files[f"{table.name}.csv"] = to_csv(table).encode(errors="backslashreplace")
        if not table.wide:
            files[f"{table.name}.md"] = to_markdown(table).encode()
            files[f"{table.name}.tex"] = to_latex(table).encode()
    return files


def plot_files(found: Findings) -> dict[str, bytes]:
    """Return the plots by the names of their files."""
    return {f"{name}.{kind}": plot(found, name, kind) for name in PLOTS for kind in get_args(PlotKind)}


def check_page(to: Path) -> None:
    """Raise `UserError` where a name is not that of a page."""
    if to.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"A report is a page: expected a name as report.html, not {to.name}.")


def _check(database: Database, request: ReportRequest, files: list[Path]) -> None:
    check_page(request.to)
    for path in files:
        refuse_file(path, overwrite=request.overwrite)
    for folder in (request.tables, request.plots):
        if folder is not None:
            with database.read() as session:
                refuse_folder(session, database.home, folder.resolve(), overwrite=request.overwrite)


def _fill(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in files.items():
        path = folder.absolute() / name
        write_atomic(path, content)
        written.append(path)
    return tuple(written)
