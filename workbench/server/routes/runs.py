"""Runs: curves, log, sample predictions, stop and resume; and exported weights to download."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from db.errors import UserError
from labeling.colors import colors_for
from labeling.projects import project_of_id
from training.engine.rundir import RunDirectory
from training.models.exports import find_export, list_exports
from training.runs.files import is_alive, read_log
from training.runs.lifecycle import RESUMABLE, RunInfo, get_run
from training.runs.samples import Layer, run_samples, sample_picture
from training.runs.series import run_series
from training.tasks.lifecycle import start_task
from workbench.server.pictures import answer
from workbench.server.routes.photos import checked_size
from workbench.server.services import Services
from workbench.server.told import told
from workbench.server.tray import task_entry

From = Annotated[int, Query(alias="from")]


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api")

    def found(run: int) -> RunInfo:
        return get_run(services.home, services.database, run)

    def start(info: RunInfo, title: str, *argv: str) -> dict[str, Any]:
        with services.database.read() as session:
            project = project_of_id(session, info.project_id)
        link = f"/project/{info.project_id}/run/{info.id}"
        command = [*argv, str(info.id), f"--project={project.name}"]
        task = start_task(services.home, command, title=title, project_id=info.project_id, link=link)
        return task_entry(services, task)

    @routes.get("/runs/{run}")
    def one(run: int) -> dict[str, Any]:
        """A run with the classes it tells apart."""
        info = found(run)
        values = info.to_json() | {"checkpoints": _checkpoints(info), "project_id": info.project_id}
        del values["checkpoint"]  # where the server keeps it is nobody's business
        return told(services, values) | {"classes": _classes(info)}

    @routes.get("/runs/{run}/series")
    def series(run: int, after: Annotated[int, Query(ge=0, lt=2**63)] = 0) -> dict[str, Any]:
        """What is new of a run's curves since `position` of the answer before."""
        values = run_series(found(run).directory, after).to_json()
        return values | {name: told(services, values[name]) for name in ("figures", "messages")}

    @routes.get("/runs/{run}/log")
    def log(run: int, start: From = 0) -> dict[str, Any]:
        """A run's log from byte `from` on; negative: so many bytes before its end."""
        piece: dict[str, Any] = told(services, vars(read_log(found(run).directory, start)))
        return piece

    @routes.get("/runs/{run}/samples")
    def samples(run: int) -> dict[str, Any]:
        """Which photos are predicted at every validation, and at which steps."""
        info = found(run)
        kept = run_samples(info.directory)
        images = [vars(image) for image in kept.images]
        return {"images": images, "steps": list(kept.steps), "classes": _classes(info)}

    @routes.get("/runs/{run}/samples/{step}/{n}/{layer}")
    def sample(run: int, step: int, n: int, layer: Layer, request: Request, size: int = 512) -> Response:
        """A sample's photo, truth or prediction."""
        picture = sample_picture(services.home, found(run), step, n, layer, checked_size(size))
        return answer(picture, request, immutable=False)

    @routes.post("/runs/{run}/stop")
    def stop(run: int) -> dict[str, Any]:
        """Let a run save and end, by a task."""
        info = found(run)
        if not is_alive(info.directory):
            raise UserError(f"Run {run} is {info.state}, not running.")
        return start(info, f"Stop {info.name}", "stop")

    @routes.post("/runs/{run}/resume")
    def resume(run: int) -> dict[str, Any]:
        """Go on with a run, by a task that ends once its trainer lives."""
        info = found(run)
        if info.state not in RESUMABLE or is_alive(info.directory):
            raise UserError(f"Run {run} is {info.state}; only one that was stopped or broke off can be resumed.")
        return start(info, f"Resume {info.name}", "resume", "--detach")

    @routes.get("/projects/{project}/exports")
    def exports(project: int) -> dict[str, Any]:
        """The exported weights of a project, the newest first."""
        _check_project(services, project)
        files = list_exports(services.home, project)
        return {"exports": [{"name": f.name, "size": f.size, "made_at": f.made_at.isoformat()} for f in files]}

    @routes.get("/projects/{project}/exports/{name}")
    def export(project: int, name: str) -> Response:
        """A file to keep."""
        _check_project(services, project)
        file = find_export(services.home, project, name)
        return FileResponse(file.path, media_type="application/octet-stream", filename=file.name)

    return routes


def _check_project(services: Services, project: int) -> None:
    with services.database.read() as session:
        project_of_id(session, project)


def _classes(info: RunInfo) -> list[dict[str, Any]]:
    command = RunDirectory(info.directory).command()
    colors = command.colors or colors_for(command.classes, {})
    return [{"name": name, "color": color} for name, color in zip(command.classes, colors, strict=True)]


def _checkpoints(info: RunInfo) -> list[str]:
    run = RunDirectory(info.directory)
    return [name for name, path in (("best", run.best), ("last", run.last)) if path.exists()]
