"""Runs: asking for a training, starting, stopping and resuming it, and knowing how it goes.

A run is a row and a directory. The directory is the truth: trainers write only there, so a run goes on whatever
happens to the database, to the terminal or to the tab it was started from. `sync` refreshes the rows, and everyone
who reads them calls it first.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from db.errors import NotFoundError, UserError
from db.home import Home
from db.schema import Project, Run
from db.session import Database
from labeling.projects import find_project
from training.engine.events import Event
from training.engine.rundir import RunDirectory, RunState
from training.runs import process as run_process
from training.runs.creation import RunHandle, TrainRequest, create_run
from training.runs.files import describe, follow_log, is_alive
from training.runs.files import events_of as read_events

__all__ = [
    "RunHandle",
    "RunInfo",
    "TrainRequest",
    "create_run",
    "find_run",
    "follow_log",
    "get_run",
    "launch",
    "list_runs",
    "read_events",
    "recent_runs",
    "resume_run",
    "stop_run",
    "sync",
]

LOG_LINES = 5
RESUMABLE = ("queued", "stopped", "interrupted", "failed")


@dataclass(frozen=True)
class RunInfo:
    """A run as lists show it.

    Attributes:
        state: queued, preparing, running, finished, stopped, interrupted or failed.
        figures: step, steps, best_step, best_miou, images_per_second, data_wait_share, eta, init, sentence, preparing,
            stopping; as far as known, see `training.runs.files.describe`.
        exit_code: of the trainer that was just started, where it has ended (see `training.engine.__main__`), else None.
    """

    id: int
    project_id: int
    name: str
    architecture: str
    revision: str
    state: str
    figures: Mapping[str, Any]
    directory: Path
    created_at: datetime
    exit_code: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, with the keys the command line promises."""
        known = self.figures.get
        best = {"step": known("best_step"), "miou": known("best_miou")} if known("best_step") is not None else None
        return {
            "run": self.id,
            "name": self.name,
            "architecture": self.architecture,
            "revision": self.revision,
            "state": self.state,
            "steps": known("step", 0),
            "steps_planned": known("steps"),
            "images_per_second": known("images_per_second"),
            "data_wait_share": known("data_wait_share"),
            "best": best,
            "checkpoint": str(self.checkpoint) if self.checkpoint else None,
            "init": known("init"),
            "eta": known("eta"),
            "sentence": known("sentence"),
            "created_at": self.created_at.isoformat(),
        }

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint that `load_model` takes for the run's number: the best, else the last, None before any."""
        run = RunDirectory(self.directory)
        return next((path for path in (run.best, run.last) if path.exists()), None)


def launch(
    home: Home,
    database: Database,
    run: RunHandle,
    *,
    detach: bool = False,
    on_event: Callable[[Event], None] = lambda event: None,
) -> RunInfo:
    """Start a run's trainer, which is a process of its own in either case.

    Args:
        home: of the run.
        database: likewise.
        run: created, or put down earlier.
        detach: return as soon as the trainer holds the run; else pass its events on and return when it has ended.
        on_event: told every event, in this process.

    Raises:
        UserError: the run is being trained already, or its trainer cannot even start; says what it said.
    """
    position = _size(RunDirectory(run.directory).events)
    code: int | None = None
    child = run_process.start(run.directory)
    if detach:
        code = child.poll()
        if code is None:
            # Somebody has to take its exit code, or it stays a zombie for as long as we live.
            threading.Thread(target=child.wait, daemon=True).start()
    else:
        code = run_process.watch(child, run.directory, on_event, start_at=position)
    if code and _size(RunDirectory(run.directory).events) == position:
        last = "\n".join(list(follow_log(run.directory, follow=False))[-LOG_LINES:])
        raise UserError(f"The trainer of run {run.id} ended with code {code} before it could begin. It said:\n{last}")
    sync(home, database)
    with database.read() as session:
        return replace(_info(home, session.get_one(Run, run.id)), exit_code=code)


def resume_run(
    home: Home,
    database: Database,
    project: str | None,
    reference: str,
    *,
    detach: bool = False,
    on_event: Callable[[Event], None] = lambda event: None,
) -> RunInfo:
    """Go on with a run from its last checkpoint, as it was settled.

    Raises:
        UserError: there is no such run, it is running, or it is finished.
    """
    run = find_run(home, database, project, reference)
    if run.state == "finished":
        raise UserError(f"Run {run.id} is finished. To train on from it, start a new one with --init {run.id}.")
    if run.state not in RESUMABLE or is_alive(run.directory):
        raise UserError(f"Run {run.id} is {run.state}; a second trainer would spoil it.")
    return launch(home, database, RunHandle(run.id, run.directory), detach=detach, on_event=on_event)


def stop_run(
    home: Home,
    database: Database,
    project: str | None,
    reference: str,
    graces: tuple[float, float] = run_process.GRACES,
) -> RunInfo:
    """Let a run's trainer finish its step, save and end; after the graces it is terminated, then killed.

    Raises:
        UserError: there is no such run, or no trainer works on it.
    """
    run = find_run(home, database, project, reference)
    if not is_alive(run.directory):
        raise UserError(f"Run {run.id} is {run.state}, not running.")
    run_process.stop(run.directory, graces)
    return find_run(home, database, project, reference)


def list_runs(home: Home, database: Database, project: str | None = None) -> list[RunInfo]:
    """Return the project's runs, the newest first.

    Raises:
        UserError: there is no such project.
    """
    sync(home, database)
    with database.read() as session:
        query = select(Run).where(Run.project_id == find_project(session, project).id, Run.deleted_at.is_(None))
        return [_info(home, row) for row in session.scalars(query.order_by(Run.id.desc()))]


def find_run(home: Home, database: Database, project: str | None, reference: str) -> RunInfo:
    """Return the run of this number, or the newest of this name.

    Raises:
        UserError: the project has no such run.
    """
    sync(home, database)
    with database.read() as session:
        query = select(Run).where(Run.project_id == find_project(session, project).id, Run.deleted_at.is_(None))
        chosen = Run.id == int(reference) if re.fullmatch(r"\d{1,18}", reference) else Run.name == reference
        row = session.scalars(query.where(chosen).order_by(Run.id.desc())).first()
        if row is None:
            raise NotFoundError(f"There is no run {reference!r}; `workbench runs` lists them.")
        return _info(home, row)


def get_run(home: Home, database: Database, number: int) -> RunInfo:
    """Return a run by its number, of whatever project, as its directory says it is now.

    Raises:
        NotFoundError: there is none, or it or its project is in the trash.
    """
    with database.read() as session:
        row = session.get(Run, number)
        owner = None if row is None else session.get(Project, row.project_id)
    gone = row is None or row.deleted_at is not None or owner is None or owner.deleted_at is not None
    if row is None or gone or not (home.path / row.directory).is_dir():
        raise NotFoundError(f"There is no run {number}.")
    return _fresh(home, row)


def recent_runs(home: Home, database: Database, since: float) -> list[tuple[RunInfo, float | None]]:
    """Return the runs that go on and those that ended after `since`, the newest first, with when they ended.

    Cheap, and writes nothing: whoever shows what is going on asks every second.

    Args:
        home: of the runs.
        database: likewise.
        since: seconds since 1970.
    """
    with database.read() as session:
        rows = session.scalars(select(Run).where(Run.deleted_at.is_(None)).order_by(Run.id.desc())).all()
    found = []
    for row in rows:
        run = RunDirectory(home.path / row.directory)
        ended = _ended(run)
        if ended is None or ended >= since:
            found.append((_fresh(home, row), ended))
    return found


def _ended(run: RunDirectory) -> float | None:
    """Return when a run ended, None while it goes on; 0 for one that was never started or is gone."""
    if is_alive(run.path):
        return None
    for path in (run.result_file, run.events, run.log):  # killed before it could say so: when it last said anything
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return 0.0


def sync(home: Home, database: Database) -> None:
    """Bring the rows of all runs up to what their directories say; writes only what changed."""
    with database.read() as session:
        rows = session.scalars(select(Run).where(Run.deleted_at.is_(None))).all()
    changed: dict[int, tuple[RunState, dict[str, Any]]] = {}
    for row in rows:
        directory = home.path / row.directory
        if row.state == "finished" or not directory.is_dir():
            continue
        state, figures = describe(directory)
        if (state, figures) != (row.state, row.summary):
            changed[row.id] = (state, figures)
    if not changed:
        return
    with database.write() as session:
        for number, (state, figures) in changed.items():
            row = session.get_one(Run, number)
            row.state, row.summary = state, figures


def _fresh(home: Home, row: Run) -> RunInfo:
    """Return a run as its directory says it is, whatever its row does."""
    info = _info(home, row)
    if row.state == "finished":
        return info
    state, figures = describe(info.directory)
    return replace(info, state=state, figures=figures)


def _info(home: Home, row: Run) -> RunInfo:
    return RunInfo(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        architecture=row.architecture,
        revision=row.revision_digest,
        state=row.state,
        figures=row.summary,
        directory=home.path / row.directory,
        created_at=row.created_at,
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
