"""Labelling in labelme, the program people draw labels with until they draw them here."""

from __future__ import annotations

import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from db.errors import UserError
from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, note, progress_bar, say, table

if TYPE_CHECKING:
    from labeling.desktop.take_back import SessionReport

LINES_SHOWN = 20
_BLANK = ("",) * 4


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("label", epilog="Example: workbench label --desktop --dataset campus --on dusk")(label)


def label(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER | IMAGES...]",
            help="A folder of photos; with --desktop: images of the dataset, by their paths there (default: all).",
        ),
    ] = None,
    desktop: Annotated[
        bool, typer.Option("--desktop", help="Open images of the project, and take the changes back afterwards.")
    ] = False,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="The dataset (default: the only one of the project).")
    ] = None,
    on: Annotated[str | None, typer.Option(metavar="LIST", help="Only images of this list or role.")] = None,
    collect: Annotated[
        bool, typer.Option("--collect", help="Open nothing: take back what earlier sessions left behind.")
    ] = False,
    on_conflict: Annotated[
        Literal["ours", "theirs"], typer.Option(help="Changed here and in labelme: whose labels to keep.")
    ] = "ours",
    classes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="FOLDER only: class names to choose from.")
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Label in labelme, and return when its window is closed.

    With --desktop the images of the project are opened with their newest labels and the project's classes, and what
    you change is stored as new annotation versions. If the session is killed, its changes are taken back by the next.
    """
    if not desktop:
        asked = {"--dataset": dataset, "--on": on, "--collect": collect}
        if wrong := [option for option, value in asked.items() if value]:
            raise UserError(f"{wrong[0]} is about images of the project: add --desktop.")
        _label_folder(what or [], classes, as_json=as_json)
    elif collect:
        _collect(Workplace(home), project, on_conflict, as_json=as_json)
    else:
        if classes is not None:
            raise UserError("With --desktop labelme is given the project's classes: leave out --classes.")
        _label_images(Workplace(home), project, dataset, on, tuple(what or ()), on_conflict, as_json=as_json)


def _label_folder(what: list[str], classes: Path | None, *, as_json: bool) -> None:
    from labeling.desktop.program import find_labelme

    if len(what) != 1:
        raise UserError("Give one folder of photos, or --desktop to label images of the project.")
    program, folder = find_labelme(), Path(what[0])
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder. Give the folder your photos lie in.")
    if classes is not None and not classes.is_file():
        raise UserError(f"There is no file {classes}. Give a text file with one class name a line.")
    # An absolute path, so that a folder called --version is a folder.
    command = [program, str(folder.resolve()), *(["--labels", str(classes.resolve())] if classes else [])]
    code = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    if code != 0:
        raise UserError(f"labelme ended with code {code}. It needs a screen; what it printed says more.")
    emit({"folder": str(folder)}, as_json=as_json, show=lambda: None)


def _label_images(
    place: Workplace,
    project: str | None,
    dataset: str | None,
    on: str | None,
    images: tuple[str, ...],
    on_conflict: Literal["ours", "theirs"],
    *,
    as_json: bool,
) -> None:
    from labeling.desktop.hand_out import LabelRequest
    from labeling.desktop.run import InterruptedSessionError, label_on_desktop

    request = LabelRequest(project=project, dataset=dataset, on=on, images=images)
    try:
        with progress_bar() as progress:
            report = label_on_desktop(place.home, place.database, request, on_conflict=on_conflict, progress=progress)
    except InterruptedSessionError as interrupted:
        note(str(interrupted))
        raise

    def show() -> None:
        for earlier in report.earlier:
            _show(earlier)
        for left_out in report.left_out[:LINES_SHOWN]:
            say(f"{left_out.path} was not opened: {left_out.reason}.")
        if len(report.left_out) > LINES_SHOWN:
            say(f"  ... and {len(report.left_out) - LINES_SHOWN} more; --json lists them all")
        _show(report.taken)

    emit(report, as_json=as_json, show=show)


def _collect(place: Workplace, project: str | None, on_conflict: Literal["ours", "theirs"], *, as_json: bool) -> None:
    from labeling.desktop.run import take_all_back
    from labeling.desktop.sessions import damaged_sessions, list_sessions

    with progress_bar() as progress:
        reports = take_all_back(place.home, place.database, project, on_conflict=on_conflict, progress=progress)
    still_open = [info for info in list_sessions(place.home, place.project_id(project)) if info.open]
    said = [report.sentence for report in reports] or ["No session waits to be taken back."]
    said += [f"Session {info.id} is still open in labelme: {info.folder}." for info in still_open]
    said += damaged_sessions(place.home)

    def show() -> None:
        for report in reports:
            _show(report)
        for sentence in said[len(reports) :]:
            say(sentence)

    emit({"sessions": reports, "sentence": " ".join(said)}, as_json=as_json, show=show)


def _show(report: SessionReport) -> None:
    if report.files:
        columns = ["image", "what", ">added", ">removed", ">changed", ">pixels", "why"]
        figures = attrgetter("added", "removed", "changed", "pixels")
        rows = (
            (f.path, f.action, *(figures(f) if f.action == "stored" else _BLANK), f.reason)
            for f in report.files[:LINES_SHOWN]
        )
        table(None, columns, rows)
    if len(report.files) > LINES_SHOWN:
        say(f"  ... and {len(report.files) - LINES_SHOWN} more; --json lists them all")
    say(report.sentence)
