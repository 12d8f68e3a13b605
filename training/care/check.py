"""Looking after what was trained and measured: rows without files, files without rows, files that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from db.errors import UserError
from db.files import file_sha256
from db.finding import Finding
from db.home import Home
from db.locks import is_held
from db.schema import Evaluation, Model, Run
from db.session import Database
from training.engine.rundir import RunDirectory
from training.evaluation.store import published_directories, read_record
from training.runs.files import describe
from training.shift.store import Shift
from training.survey.store import Survey

_RESTORE = "Restore a backup. Without one nothing can be done: it is no longer listed."


def check_outcomes(home: Home, database: Database, *, full: bool) -> Iterator[Finding]:
    """Yield what is wrong with what was trained and measured; with `full` files are read and hashed, too."""
    with database.read() as session:
        runs = session.scalars(select(Run)).all()
        evaluations = session.scalars(select(Evaluation)).all()
        models = session.scalars(select(Model)).all()
    for run in runs:
        yield from _run(home, run)
    for row in evaluations:
        yield from _evaluation(home, row)
    for model in models:
        path = home.path / model.path
        if not path.is_file():
            what = f"The file of the model {model.name!r} is missing: {path}."
            yield Finding("error", what, f"Restore a backup, or import it again; it came from {model.source}.")
        elif full and file_sha256(path) != model.sha256:
            what = f"The model {model.name!r} is damaged: {path} is not what was imported."
            yield Finding("error", what, f"Restore a backup, or delete it and import it again from {model.source}.")
    for directory in sorted(home.surveys.glob("*")):
        yield from _surveys(home, directory, full=full)
    for directory in sorted(home.shifts.glob("*")):
        yield from _shifts(directory, full=full)
    yield from _strangers(home, {row.directory for row in runs}, {row.directory for row in evaluations})
    yield from _locks(home)


def _run(home: Home, row: Run) -> Iterator[Finding]:
    directory = home.path / row.directory
    if row.deleted_at is not None:
        return  # in the trash, or gone from it
    if not directory.is_dir():
        yield Finding("error", f"The files of run {row.id} ({row.name}) are missing: {directory}.", _RESTORE)
        return
    try:
        RunDirectory(directory).command()
        RunDirectory(directory).images()
    except UserError as error:
        yield Finding("error", f"Run {row.id} ({row.name}) cannot be read: {error}", "Restore a backup.")
        return
    state, _ = describe(directory)
    if state == "interrupted":
        what = f"Run {row.id} ({row.name}) was interrupted."
        yield Finding("note", what, f"Go on with it if you like: workbench resume {row.id}")


def _evaluation(home: Home, row: Evaluation) -> Iterator[Finding]:
    directory = home.path / row.directory
    if row.deleted_at is not None:
        return
    if not directory.is_dir():
        yield Finding("error", f"The files of evaluation {row.id} are missing: {directory}.", _RESTORE)
        return
    try:
        read_record(directory)
    except (UserError, OSError) as error:
        remedy = f"Restore a backup, or delete it and evaluate {row.model} again."
        yield Finding("error", f"Evaluation {row.id} cannot be read: {error}", remedy)


def _surveys(home: Home, folder: Path, *, full: bool) -> Iterator[Finding]:
    for directory in published_directories(folder):
        try:
            survey = Survey.read(directory)
            if full:
                survey.arrays()
        except UserError as error:
            yield Finding("error", str(error), f"Restore a backup, or delete {directory} and survey the photos again.")


def _shifts(folder: Path, *, full: bool) -> Iterator[Finding]:
    for directory in published_directories(folder):
        try:
            shift = Shift.read(directory)
            if full:
                shift.arrays()
        except UserError as error:
            yield Finding(
                "error", str(error), f"Restore a backup, or delete {directory} and compare the domains again."
            )


def _strangers(home: Home, runs: set[str], evaluations: set[str]) -> Iterator[Finding]:
    """Yield directories that no row names. Evaluations that are whole get their row by themselves."""
    for folder, known, what in ((home.runs, runs, "run"), (home.evaluations, evaluations, "evaluation")):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir() and not path.name.startswith(".") and f"{folder.name}/{path.name}" not in known:
                said = f"{path} looks like a {what}, but the database knows none there."
                remedy = "Move it away once you have seen that nothing in it is missed."
                yield Finding("warning", said, remedy)


def _locks(home: Home) -> Iterator[Finding]:
    owners = [path for path in home.locks.glob("*.owner") if not is_held(path.with_suffix(".lock"))]
    if owners:
        names = ", ".join(path.stem for path in owners)
        what = f"Trainers that ended left their names beside locks that nobody holds: {names}."
        yield Finding("note", what, "Nothing to do: who comes next takes the lock.")
