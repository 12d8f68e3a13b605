"""Benches as lists and pages show them: their tables, and how far they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from db.errors import NotFoundError, UserError
from db.home import Home
from db.locks import is_held
from db.session import Database
from labeling.projects import find_project
from training.bench.document import Bench, BenchFolder, Entry, bench_folder, bench_folders
from training.bench.table import AXES, BenchRow, about, frontier, row_json, rows_of
from training.runs.lifecycle import get_run


@dataclass(frozen=True)
class EntryView:
    """How far a training of a bench is.

    Attributes:
        state: `finished` (trained and tested), `failed`, `testing` (trained, not tested yet), the state of its run, or
            `waiting`.
        sentence: why it failed, or what its run says.
        step: done.
        steps: in all, None before that is known.
    """

    state: str
    sentence: str | None = None
    step: int = 0
    steps: int | None = None


@dataclass(frozen=True)
class BenchView:
    """A bench, and how far it is.

    Attributes:
        bench: as it is written down.
        alive: a process works on it.
        entries: in the order of those of the bench.
        rows: its table.
    """

    bench: Bench
    alive: bool
    entries: tuple[EntryView, ...]
    rows: tuple[BenchRow, ...]

    @property
    def state(self) -> str:
        """Return running, finished, failed (nothing is left to do, but not all came out well) or stopped."""
        if self.alive:
            return "running"
        states = {entry.state for entry in self.entries}
        if states <= {"finished", "failed"}:
            return "failed" if "failed" in states else "finished"
        return "stopped"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, with the keys the command line promises."""
        plan = self.bench.plan
        frontiers = {axis: frontier(self.rows, axis) for axis in AXES}
        entries = zip(self.bench.entries, self.entries, strict=True)
        return {
            "bench": self.bench.name,
            "state": self.state,
            "created_at": datetime.fromtimestamp(self.bench.created_at, UTC).isoformat(),
            "plan": plan.model_dump(mode="json"),
            "about": about(self.bench),
            "rows": [row_json(row, frontiers) for row in self.rows],
            "entries": [entry.model_dump(mode="json") | vars(view) for entry, view in entries],
        }


def list_benches(home: Home, database: Database, project: str | None) -> list[BenchView]:
    """Return a project's benches, the newest first. A damaged one is left out; `find_bench` says what it lacks.

    Raises:
        UserError: there is no such project.
    """
    found = []
    for folder in bench_folders(home, _project_id(database, project)):
        with suppress(UserError):
            found.append(_view(home, database, folder))
    return sorted(found, key=lambda view: view.bench.created_at, reverse=True)


def find_bench(home: Home, database: Database, project: str | None, name: str) -> BenchView:
    """Return a bench by its name.

    Raises:
        NotFoundError: the project has none of this name.
        UserError: it is damaged.
    """
    return _view(home, database, bench_folder(home, _project_id(database, project), name))


def _project_id(database: Database, project: str | None) -> int:
    with database.read() as session:
        return find_project(session, project).id


def _view(home: Home, database: Database, folder: BenchFolder) -> BenchView:
    alive = is_held(folder.lock)  # before the rest: what it wrote before it let go is in the document
    bench = folder.read()
    return BenchView(bench, alive, tuple(_entry(home, database, entry) for entry in bench.entries), rows_of(bench))


def _entry(home: Home, database: Database, entry: Entry) -> EntryView:
    if entry.measures is not None:
        return EntryView("finished", None, entry.measures.steps, entry.measures.steps)
    if entry.fault is not None:
        return EntryView("failed", entry.fault)
    if entry.run is None:
        return EntryView("waiting")
    try:
        run = get_run(home, database, entry.run)
    except NotFoundError:
        return EntryView("waiting")  # somebody deleted it: it is trained anew
    state = "testing" if run.state == "finished" else run.state
    return EntryView(state, run.figures.get("sentence"), run.figures.get("step", 0), run.figures.get("steps"))
