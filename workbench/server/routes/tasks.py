"""Tasks: the tray, one of them, its log, and cancelling it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query

from db.errors import UserError
from training.tasks.lifecycle import cancel_task, find_task, read_task_log
from workbench.server.services import Services
from workbench.server.told import as_dropped, told
from workbench.server.tray import Tray, task_entry

From = Annotated[int, Query(alias="from")]


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/tasks")
    tray = Tray(services)

    @routes.get("")
    def tasks() -> dict[str, Any]:
        """What goes on and what ended within the hour, tasks and trainings, the newest first."""
        return {"tasks": tray.entries()}

    @routes.get("/{task}")
    def task(task: int) -> dict[str, Any]:
        """One task, with what its command printed."""
        found = find_task(services.home, task)
        argv, result = as_dropped(services, found.argv), told(services, found.result)
        return task_entry(services, found) | {"argv": argv, "result": result}

    @routes.get("/{task}/log")
    def log(task: int, start: From = 0) -> dict[str, Any]:
        """A task's log from byte `from` on; negative: so many bytes before its end."""
        piece: dict[str, Any] = told(services, vars(read_task_log(services.home, task, start)))
        return piece

    @routes.post("/{task}/cancel")
    def cancel(task: int) -> dict[str, Any]:
        """Ask a task to end; the tray shows when it has."""
        found = find_task(services.home, task)
        if found.state != "running":
            raise UserError(f"Task {task} is {found.state}, not running.")

        def insist() -> None:
            with suppress(UserError):  # it ended by itself meanwhile
                cancel_task(services.home, task)
            tray.forget()

        # It has half a minute to end in order, which nobody should wait for.
        threading.Thread(target=insist, daemon=True).start()
        return {"id": task, "state": found.state}

    return routes
