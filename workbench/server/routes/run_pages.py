"""What the pages of runs show beyond curves: the list, the trash, recipes as used, exports, checkpoints to keep."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from db.errors import NotFoundError
from training.engine.rundir import RunDirectory
from training.runs.creation import RunHandle
from training.runs.exports import run_exports, start_export
from training.runs.lifecycle import RunInfo, get_run, list_runs
from training.runs.trash import discard_run, list_trash, restore_run
from workbench.plain import plain
from workbench.server.services import Services
from workbench.server.told import told
from workbench.server.tray import task_entry

_PAGE = 200


class Export(BaseModel):
    """What to export, and how."""

    checkpoint: Literal["best", "last"] = "best"
    format: Literal["bundle", "safetensors", "pt2", "onnx"] = "bundle"


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api")

    def found(run: int) -> RunInfo:
        return get_run(services.home, services.database, run)

    @routes.get("/projects/{project}/runs")
    def runs(project: int, offset: int = 0, limit: int = 50) -> dict[str, Any]:
        """The runs, the newest first, and what the trash holds."""
        name = services.name_of(project)
        every = list_runs(services.home, services.database, name)
        start = max(0, offset)
        shown = every[start : start + max(1, min(limit, _PAGE))]
        trash = list_trash(services.home, services.database, name)
        return {"total": len(every), "runs": told(services, [_row(run) for run in shown]), "trash": plain(trash)}

    @routes.get("/runs/{run}/details")
    def details(run: int) -> dict[str, Any]:
        """What a run was asked to do, and what was settled before its first step."""
        from training.runs.details import run_details  # loads torch

        return {"details": told(services, plain(run_details(found(run))))}

    @routes.get("/runs/{run}/exports")
    def exports(run: int) -> dict[str, Any]:
        """The files that were exported, with what their check found."""
        return {"exports": told(services, plain(run_exports(services.home, found(run))))}

    @routes.post("/runs/{run}/export")
    def export(run: int, wanted: Export) -> dict[str, Any]:
        """Export the weights, by a task."""
        info = found(run)
        project = services.name_of(info.project_id)
        return task_entry(services, start_export(services.home, info, project, wanted.checkpoint, wanted.format))

    @routes.get("/runs/{run}/checkpoints/{kind}")
    def checkpoint(run: int, kind: Literal["best", "last"]) -> Response:
        """A checkpoint to keep, as the trainer writes it."""
        info = found(run)
        files = RunDirectory(info.directory)
        path = files.best if kind == "best" else files.last
        if not path.exists():
            raise NotFoundError(f"Run {run} has no {kind} checkpoint yet.")
        return FileResponse(path, media_type="application/octet-stream", filename=f"run-{run}-{kind}.pt")

    @routes.post("/runs/{run}/discard")
    def discard(run: int) -> dict[str, Any]:
        """Move a run to the trash."""
        info = found(run)
        discard_run(services.home, services.database, RunHandle(info.id, info.directory))
        return {"run": run, "discarded": True}

    @routes.post("/projects/{project}/runs/{run}/restore")
    def restore(project: int, run: int) -> dict[str, Any]:
        """Take a run out of the trash."""
        return _row(restore_run(services.home, services.database, services.name_of(project), str(run)))

    return routes


def _row(info: RunInfo) -> dict[str, Any]:
    values = info.to_json()
    del values["checkpoint"]  # where the server keeps it is nobody's business
    return values
