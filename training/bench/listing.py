"""Benches as lists and pages show them: their tables, and how far they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from db.errors import NotFoundError
from db.home import Home
from db.locks import is_held
from db.session import Database
from labeling.projects import find_project
from training.bench.document import Bench, BenchFolder, Entry, bench_folder, bench_folders
from training.bench.table import AXES, BenchRow, about, frontier, row_json, rows_of
from training.runs import get_run


@dataclass(frozen=True)
class BenchView:
    """A bench, and how far it is.

    Attributes:
        bench: as it is written down.
        alive: a process works on it.
        states: of its entries: `finished` (trained and tested), `failed`, the state of its run, or `waiting`.
        sentences: what those runs say.
        rows: its table.
    """

    bench: Bench
    alive: bool
    states: tuple[str, ...]
    sentences: tuple[str | None, ...]
    rows: tuple[BenchRow, ...]

    @property
    def state(self) -> str:
        """Return running, finished, failed (nothing is left to do, but not all came out well) or stopped."""
        if self.alive:
            return "running"
        if set(self.states) <= {"finished", "failed"}:
            return "failed" if "failed" in self.states else "finished"
        return "stopped"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, with the keys the command line promises."""
        plan = self.bench.plan
        frontiers = {axis: frontier(self.rows, axis) for axis in AXES}
        entries = zip(self.bench.entries, self.states, self.sentences, strict=True)
        return {
            "bench": self.bench.name,
            "state": self.state,
            "created_at": datetime.fromtimestamp(self.bench.created_at, UTC).isoformat(),
            "plan": plan.model_dump(mode="json"),
            "about": about(self.bench),
            "rows": [row_json(row, frontiers) for row in self.rows],
            "entries": [
                entry.model_dump(mode="json") | {"state": state, "sentence": sentence}
                for entry, state, sentence in entries
            ],
        }


def list_benches(home: Home, database: Database, project: str | None) -> list[BenchView]:
    """Return a project's benches, the newest first.

    Raises:
        UserError: there is no such project, or a bench is damaged.
    """
    folders = bench_folders(home, _project_id(database, project))
    return [_view(home, database, folder) for folder in folders]


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
    states = [_state(home, database, entry) for entry in bench.entries]
    return BenchView(bench, alive, tuple(s for s, _ in states), tuple(s for _, s in states), rows_of(bench))


def _state(home: Home, database: Database, entry: Entry) -> tuple[str, str | None]:
    if entry.measures is not None:
        return "finished", None
    if entry.fault is not None:
        return "failed", entry.fault
    if entry.run is None:
        return "waiting", None
    try:
        run = get_run(home, database, entry.run)
    except NotFoundError:
        return "waiting", None
    # Trained, but not tested: there is something left to do.
    return ("testing" if run.state == "finished" else run.state), run.figures.get("sentence")
