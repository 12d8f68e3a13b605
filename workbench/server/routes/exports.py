"""Exporting a dataset by a task, and taking it away as one zip."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from db.errors import UserError
from labeling.datasets import find_dataset
from labeling.exporting.request import ExportRequest, check_choices
from labeling.formats.writing import MaskKind, Objects
from labeling.formats.written import EXPORTS, ExportFormat
from labeling.parts import ALL
from labeling.projects import find_project
from training.tasks.files import shell_line
from workbench.cli.commands_export import export_argv
from workbench.plain import plain
from workbench.server.exported import delete_export, find_export, list_exports, start_export
from workbench.server.services import Services
from workbench.server.told import told
from workbench.server.tray import task_entry
from workbench.server.zipping import zip_folder


class Wanted(BaseModel):
    """An export as a page asks for it."""

    model_config = ConfigDict(extra="forbid")

    dataset: str
    format: ExportFormat
    on: str = ALL
    photos: Literal["copy", "none"] = "copy"
    objects: Objects | None = None
    masks: MaskKind | None = None

    def request(self, project: str) -> ExportRequest:
        """Return the export into a folder where a person types the command.

        Raises:
            UserError: the format leaves no such choice.
        """
        request = ExportRequest(
            format=self.format,
            dataset=self.dataset,
            to=Path(f"./{_called(self.dataset, self.format)}"),
            project=project,
            on=self.on,
            photos=self.photos,
            objects=self.objects,
            masks=self.masks,
        )
        check_choices(request)
        return request


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}/dataset-exports")
    home = services.home

    @routes.get("")
    def exports(project: int) -> dict[str, Any]:
        """What was exported, the newest first, and the formats that there are."""
        services.name_of(project)
        found = told(services, [plain(each) for each in list_exports(home, project)])
        return {"exports": found, "formats": plain(EXPORTS)}

    @routes.post("/command")
    def command(project: int, wanted: Wanted) -> dict[str, Any]:
        """The line for a shell that does this export."""
        argv = export_argv(wanted.request(services.name_of(project)))
        return {"command": shell_line(argv, home.path)}

    @routes.post("")
    def start(project: int, wanted: Wanted) -> dict[str, Any]:
        """Start the export as a task."""
        name = services.name_of(project)
        with services.database.read() as session:
            find_dataset(session, find_project(session, name), wanted.dataset)
        return task_entry(services, start_export(home, project, wanted.request(name)))

    @routes.get("/{number}/zip")
    def download(project: int, number: int) -> Response:
        """All files of an export."""
        services.name_of(project)
        found = find_export(home, project, number)
        if found.state != "finished" or not found.folder.is_dir():
            raise UserError(f"Export {number} is {found.state}: there is nothing to download.")
        name = _called(found.record.dataset, found.record.format)
        headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
        return StreamingResponse(zip_folder(found.folder), media_type="application/zip", headers=headers)

    @routes.delete("/{number}", status_code=204)
    def delete(project: int, number: int) -> Response:
        """Delete what was exported; the dataset stays."""
        services.name_of(project)
        delete_export(home, project, number)
        return Response(status_code=204)

    return routes


def _called(dataset: str, format: str) -> str:
    """Return a folder's name in plain letters, as it goes into headers and command lines."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", dataset).strip("-")[:60] or "dataset"
    return f"{stem}-{format}"
