"""Using models: which there are, bringing one from elsewhere, predicting folders and taking the result away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from db.errors import UserError
from db.files import write_atomic
from training.models.names import model_names
from training.prediction.predictions import delete_prediction, find_prediction, list_predictions, start_prediction
from training.prediction.refinement import Combine, Refinement
from training.tasks.lifecycle import start_task
from workbench.plain import plain
from workbench.server.discarding import discard_when_done
from workbench.server.services import Services
from workbench.server.sources import Source, locate, single_file, source_name
from workbench.server.told import told
from workbench.server.tray import task_entry
from workbench.server.zipping import zip_folder

_SAFETENSORS = ".safetensors"
_CLASSES_FILE = "class names of the model.txt"


class Wanted(BaseModel):
    """A folder to predict."""

    model_config = ConfigDict(extra="forbid")

    source: Source
    model: str
    size: str = "original"
    scales: str = "1"
    flip: bool = False
    combine: Combine = "mean"
    window: int = 0
    crf: int = 0
    labelme: bool = False

    def refinement(self) -> Refinement:
        """What is done besides running the network once."""
        return Refinement.read(self.scales, flip=self.flip, combine=self.combine, window=self.window, crf=self.crf)


class Brought(BaseModel):
    """A model's file, and what it does not say itself. `classes` has one name a line, in index order."""

    model_config = ConfigDict(extra="forbid")

    upload: str
    name: str
    architecture: str | None = None
    classes: str | None = None


def router(services: Services) -> APIRouter:
    """Return the routes. torch is loaded by whoever first asks about a model's file."""
    routes = APIRouter(prefix="/api/projects/{project}")
    home = services.home

    @routes.get("/models")
    def models(project: int) -> dict[str, Any]:
        """The models of a project: checkpoints of runs, and imported ones."""
        return {"models": plain(model_names(home, services.database, services.name_of(project)))}

    @routes.post("/models/look")
    def look(project: int, source: Source) -> dict[str, Any]:
        """What a model's file says of itself, and the architectures that it may be of."""
        from training.architectures import names
        from training.models.bundle import read_spec

        services.name_of(project)
        file = single_file(locate(services, source), "a model")
        spec = read_spec(file) if file.suffix == _SAFETENSORS else None
        told = None if spec is None else {"architecture": spec.architecture, "classes": list(spec.classes)}
        return {"name": file.stem, "bundle": told, "architectures": list(names())}

    @routes.post("/models")
    def bring(project: int, brought: Brought) -> dict[str, Any]:
        """Import a model's file by a task. The upload is deleted once it is imported."""
        file = single_file(locate(services, Source(upload=brought.upload)), "a model")
        name = brought.name.strip()
        argv = ["models", "import", str(file), f"--name={name}", f"--project={services.name_of(project)}"]
        if brought.architecture:
            argv.append(f"--arch={brought.architecture}")
        if brought.classes and brought.classes.strip():
            names = services.uploads.root / brought.upload / _CLASSES_FILE  # beside the files that were sent
            write_atomic(names, brought.classes.strip().encode())
            argv.append(f"--classes={names}")
        link = f"/use?{urlencode({'project': project, 'model': name})}"
        task = start_task(home, argv, title=f"Import the model {name}", project_id=project, link=link)
        discard_when_done(services, brought.upload, task.id)
        return task_entry(services, task)

    @routes.post("/predictions")
    def predict(project: int, wanted: Wanted) -> dict[str, Any]:
        """Predict a folder by a task. An upload is deleted once it is predicted."""
        name = services.name_of(project)
        if wanted.model not in {each.reference for each in model_names(home, services.database, name)}:
            raise UserError(f"The project {name!r} has no model {wanted.model!r} (any more). Choose another one.")
        source = locate(services, wanted.source)
        task = start_prediction(
            home,
            project,
            name,
            model=wanted.model,
            source=source,
            called=source_name(services, wanted.source),
            size=wanted.size,
            refinement=wanted.refinement(),
            labelme=wanted.labelme,
            link=lambda number: f"/use?project={project}&prediction={number}",
        )
        if wanted.source.upload is not None:
            discard_when_done(services, wanted.source.upload, task.id)
        return task_entry(services, task)

    @routes.get("/predictions")
    def predictions(project: int) -> dict[str, Any]:
        """The folders that were predicted, the newest first."""
        services.name_of(project)
        return {"predictions": told(services, plain(list_predictions(home, project)))}

    @routes.get("/predictions/{number}/zip")
    def download(project: int, number: int) -> Response:
        """Index PNGs and overlays of a predicted folder."""
        services.name_of(project)
        found = find_prediction(home, project, number)
        if found.state == "running" or not found.folder.is_dir():
            raise UserError(f"Prediction {number} is {found.state}: there is nothing to download.")
        headers = {"Content-Disposition": f'attachment; filename="prediction-{number}.zip"'}
        return StreamingResponse(zip_folder(found.folder), media_type="application/zip", headers=headers)

    @routes.delete("/predictions/{number}", status_code=204)
    def delete(project: int, number: int) -> Response:
        """Delete what was predicted."""
        services.name_of(project)
        delete_prediction(home, project, number)
        return Response(status_code=204)

    return routes
