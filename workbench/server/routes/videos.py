"""Videos under a model: predicted by a task, watched and taken away by their number, gone on with after a break."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import ConfigDict, Field

from db.errors import UserError
from training.models.names import model_names
from training.prediction.predictions import VIDEO_NAME, find_prediction, resume_prediction, start_prediction
from workbench.server.discarding import discard_when_done
from workbench.server.routes.use import Wanted
from workbench.server.services import Services
from workbench.server.sources import locate, single_file
from workbench.server.tray import task_entry


class WantedVideo(Wanted):
    """A video to predict."""

    model_config = ConfigDict(extra="forbid")

    opacity: float = Field(0.5, ge=0, le=1)
    legend: bool = False
    smooth: float = Field(0.0, ge=0, lt=1)

    def options(self) -> list[str]:
        """Return what `workbench predict` is told beyond what it is told of photos."""
        return [f"--opacity={self.opacity:g}", f"--smooth={self.smooth:g}", *(["--legend"] if self.legend else [])]


def router(services: Services) -> APIRouter:
    """Return the routes. What was predicted is listed, and deleted, with the folders."""
    routes = APIRouter(prefix="/api/projects/{project}")
    home = services.home

    @routes.post("/videos")
    def predict(project: int, wanted: WantedVideo) -> dict[str, Any]:
        """Predict a video by a task. An upload is deleted once it is predicted."""
        name = services.name_of(project)
        if wanted.model not in {each.reference for each in model_names(home, services.database, name)}:
            raise UserError(f"The project {name!r} has no model {wanted.model!r} (any more). Choose another one.")
        source = single_file(locate(services, wanted.source), "a video")
        _check(source)
        task = start_prediction(
            home,
            project,
            name,
            model=wanted.model,
            source=source,
            called=source.name,
            size=wanted.size,
            refinement=wanted.refinement(),
            video=wanted.options(),
            link=lambda number: f"/use?project={project}&prediction={number}",
        )
        if wanted.source.upload is not None:
            discard_when_done(services, wanted.source.upload, task.id)
        return task_entry(services, task)

    @routes.post("/predictions/{number}/resume")
    def resume(project: int, number: int) -> dict[str, Any]:
        """Go on with a video that was cancelled or broken off."""
        services.name_of(project)
        return task_entry(services, resume_prediction(home, project, number))

    @routes.get("/predictions/{number}/video")
    def watch(project: int, number: int, download: bool = False) -> FileResponse:
        """The video under the classes' colours, whole or the range that a player asks for."""
        services.name_of(project)
        found = find_prediction(home, project, number)
        file = found.folder / VIDEO_NAME
        if found.record.kind != "video" or found.state == "running" or not file.is_file():
            raise UserError(f"Prediction {number} is {found.state}: there is no video to watch.")
        return FileResponse(
            file,
            media_type="video/mp4",
            filename=f"prediction-{number}.mp4",
            content_disposition_type="attachment" if download else "inline",
        )

    return routes


def _check(source: Path) -> None:
    """Refuse what is no video while the person who sent it still looks."""
    from training.prediction.video.header import read_header

    read_header(source)
