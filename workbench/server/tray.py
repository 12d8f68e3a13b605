"""What is being worked on, and what was until lately: tasks and trainings in one list."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from training.runs.lifecycle import RunInfo, recent_runs
from training.tasks.files import TaskInfo, shell_line
from training.tasks.lifecycle import list_tasks
from workbench.server.services import Services
from workbench.server.told import as_dropped, told

RECENT_SECONDS = 3600.0
MOST = 30
FRESH_SECONDS = 0.5
"""Every page asks every second: those that ask at once get the same answer."""


class Tray:
    """The list, looked up at most twice a second however many pages ask."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._until = 0.0
        self._entries: list[dict[str, Any]] = []

    def entries(self) -> list[dict[str, Any]]:
        """Return what goes on and what ended within the hour, the newest first; not to be changed."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._entries = self._look()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._entries

    def forget(self) -> None:
        """Look again when asked next: something was just started or cancelled."""
        self._until = 0.0

    def _look(self) -> list[dict[str, Any]]:
        since = time.time() - RECENT_SECONDS
        tasks = [info for info in list_tasks(self._services.home) if _is_recent(info, since) and not _is_told(info)]
        runs = recent_runs(self._services.home, self._services.database, since)
        found = [task_entry(self._services, info) for info in tasks]
        found += [_run_entry(self._services, info, ended) for info, ended in runs]
        # What goes on comes first; of what ended, the list shows as much as fits.
        found.sort(key=lambda entry: (entry["ended_at"] is None, entry["started_at"]), reverse=True)
        return found[:MOST]


def _is_recent(info: TaskInfo, since: float) -> bool:
    return info.ended_at is None or info.ended_at.timestamp() >= since


def _is_told(info: TaskInfo) -> bool:
    """Tell whether a task is one with the run it started, resumed or stopped, which has an entry of its own."""
    return info.state == "finished" and (info.argv[0] == "stop" or "--detach" in info.argv)


def task_entry(services: Services, info: TaskInfo) -> dict[str, Any]:
    """Return a task as the tray shows it."""
    argv = as_dropped(services, info.argv)
    return {
        "kind": "task",
        "id": info.id,
        "title": info.title,
        "state": info.state,
        "progress": asdict(info.progress) if info.progress else None,
        "rate": info.rate,
        "eta": info.eta,
        "sentence": told(services, info.sentence),
        "command": info.command if argv == list(info.argv) else shell_line(argv, services.home.path),
        "link": info.link,
        "project_id": info.project_id,
        "started_at": info.started_at.isoformat(),
        "ended_at": info.ended_at.isoformat() if info.ended_at else None,
    }


def _run_entry(services: Services, info: RunInfo, ended: float | None) -> dict[str, Any]:
    known = info.figures.get
    steps = {"done": known("step", 0), "total": known("steps"), "what": "steps"} if known("steps") else None
    going = ended is None
    return {
        "kind": "run",
        "id": info.id,
        "title": f"Training {info.name}",
        "state": info.state,
        "progress": known("preparing") if info.state == "preparing" else steps,
        "stopping": known("stopping", False),
        "rate": None,
        "images_per_second": known("images_per_second"),
        "eta": known("eta") if going else None,
        # While it trains, the last sentence is an old one: what the weights start from.
        "sentence": None if info.state in ("running", "preparing") else told(services, known("sentence")),
        "command": None,
        "link": f"/project/{info.project_id}/run/{info.id}",
        "project_id": info.project_id,
        "started_at": info.created_at.isoformat(),
        "ended_at": None if ended is None else datetime.fromtimestamp(ended, UTC).isoformat(),
    }
