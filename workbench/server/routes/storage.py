"""Storage and care of the whole home, as the page of projects shows it: space, checks, backups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from db.errors import NotFoundError
from training.care.usage import usage
from training.tasks.lifecycle import find_task, start_task
from workbench.plain import plain
from workbench.server.services import Services
from workbench.server.told import told
from workbench.server.tray import task_entry


class Looking(BaseModel):
    """`full` reads everything."""

    model_config = ConfigDict(extra="forbid")
    full: bool = False


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/storage")
    home, database = services.home, services.database

    @routes.get("")
    def storage() -> dict[str, Any]:
        """What takes the space, and the backups made here."""
        return {**told(services, plain(usage(home, database))), "backups": backups()}

    def backups() -> list[dict[str, Any]]:
        files = sorted(home.backups.glob("*.tar"), reverse=True)
        return [{"name": f.name, "path": f"(home)/backups/{f.name}", "bytes": f.stat().st_size} for f in files]

    @routes.post("/doctor")
    def doctor(wanted: Looking) -> dict[str, Any]:
        """Look whether all is well, as a task."""
        argv = ["doctor", *(["--full"] if wanted.full else [])]
        return task_entry(services, start_task(home, argv, title="Check the workbench"))

    @routes.get("/doctor/{task}")
    def findings(task: int) -> dict[str, Any]:
        """What such a task found; null before it has."""
        info = find_task(home, task)
        if info.argv[:1] != ("doctor",):
            raise NotFoundError(f"Task {task} is no check.")
        return {"state": info.state, "report": told(services, info.result), "sentence": told(services, info.sentence)}

    @routes.post("/free")
    def free() -> dict[str, Any]:
        """Delete what nobody needs, as a task."""
        return task_entry(services, start_task(home, ["gc", "--delete"], title="Free space"))

    @routes.post("/backup")
    def backup() -> dict[str, Any]:
        """Write the home into a file beside the copies of its database, as a task."""
        name = f"workbench-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
        return task_entry(services, start_task(home, ["backup", str(home.backups / name)], title="Back up"))

    @routes.delete("/backups/{name}")
    def discard(name: str) -> dict[str, Any]:
        """Delete a backup that was made here."""
        file = next((file for file in home.backups.glob("*.tar") if file.name == name), None)
        if file is None:
            raise NotFoundError("There is no such backup (any more).")
        file.unlink()
        return {"deleted": name}

    return routes
