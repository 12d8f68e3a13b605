"""Importing step by step: look at a source, see what it would become, start the import, read its report."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from db.errors import NotFoundError
from labeling.datasets import list_datasets
from labeling.formats.names import FORMATS
from labeling.importing.preview import preview_import
from labeling.importing.recognise import recognise
from labeling.importing.report import FileReport
from labeling.importing.report_kinds import key_of, kinds_of
from labeling.importing.request import ImportRequest
from labeling.importing.source_classes import source_classes
from labeling.importing.source_listing import KeptListing
from labeling.importing.target import find_stored
from labeling.names import clean_name
from training.evaluation.as_csv import table_csv
from training.tasks.files import TaskInfo, shell_line
from training.tasks.lifecycle import find_task, start_task
from workbench.cli.commands_import import import_argv
from workbench.plain import plain
from workbench.server.discarding import discard_when_done
from workbench.server.import_choices import Choices
from workbench.server.services import Services
from workbench.server.sources import Source, locate, source_name
from workbench.server.told import as_dropped, said, told
from workbench.server.tray import task_entry

KINDS_SHOWN = 30
"""Kinds of trouble that a report names; there are seldom more than a few."""


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api")
    listed = KeptListing()

    def import_task(task: int) -> TaskInfo:
        found = find_task(services.home, task)
        if found.argv[0] != "import":
            raise NotFoundError(f"Task {task} is no import.")
        return found

    @routes.get("/sources")
    def sources() -> dict[str, Any]:
        """Where files may come from: below which folder of this computer, and how much may be dropped."""
        root = services.import_root
        limits = {"most_bytes": services.upload_limit_bytes, "most_files": services.upload_limit_files}
        return {"root": None if root is None else str(root)} | limits

    @routes.post("/projects/{project}/import/look")
    def look(project: int, source: Annotated[Source, Body(embed=True)]) -> dict[str, Any]:
        """What a source looks like, and the datasets that it could be imported into again."""
        datasets = list_datasets(services.database, services.name_of(project))
        location = locate(services, source)
        listed.forget(location)
        options = {"mapping", "unlabelled", "ignore_index"}
        return told(services, plain(recognise(location))) | {
            "formats": plain(FORMATS),
            "name": source_name(services, source),
            "datasets": [
                {"name": each.name, "format": each.format, "images": each.images}
                | {"options": each.options.model_dump(include=options)}
                for each in datasets
            ],
        }

    @routes.post("/projects/{project}/import/classes")
    def classes(project: int, choices: Choices, seen: Annotated[list[str], Body()]) -> dict[str, Any]:
        """The names of the source's classes, read in the chosen format."""
        return {"classes": list(source_classes(choices.request(services, services.name_of(project)), seen, listed))}

    @routes.post("/projects/{project}/import/reading")
    def reading(project: int, source: Annotated[Source, Body(embed=True)]) -> dict[str, Any] | None:
        """How far the reading of a source is, for its classes or a preview; null where it takes no time."""
        found = listed.reading(locate(services, source))
        return None if found is None else {"done": found.done, "total": found.total, "what": found.what}

    @routes.post("/projects/{project}/import/reading/stop")
    def stop_reading(project: int, source: Annotated[Source, Body(embed=True)]) -> None:
        """End it: nobody looks at the source any more."""
        listed.stop(locate(services, source))

    @routes.post("/projects/{project}/import/preview")
    def preview(project: int, choices: Choices, count: Annotated[int, Query(ge=1, le=24)] = 6) -> dict[str, Any]:
        """A few images as they would be imported."""
        found = preview_import(choices.request(services, services.name_of(project)), count, listed)
        shown: dict[str, Any] = told(
            services,
            {
                "total": found.total,
                "skipped": found.skipped,
                "classes": plain(found.classes),
                "images": plain(found.images),
                "notes": found.notes,
            },
        )
        return shown

    @routes.post("/projects/{project}/import/command")
    def command(project: int, choices: Choices) -> dict[str, Any]:
        """The line for a shell that does this import; what was dropped is named as it lies on the visitor's disk."""
        argv = as_dropped(services, import_argv(_final(choices, services, services.name_of(project))))
        return {"command": shell_line(argv, services.home.path)}

    @routes.post("/projects/{project}/import")
    def start(project: int, choices: Choices) -> dict[str, Any]:
        """Start the import as a task. An upload is deleted once it is imported."""
        request = _final(choices, services, services.name_of(project))
        listed.forget(request.location)
        task = start_task(
            services.home,
            import_argv(request),
            title=f"Import {request.dataset_name}",
            project_id=project,
            link=f"/data?project={project}&tab=import&task={{task}}",
        )
        if choices.source.upload is not None:
            discard_when_done(services, choices.source.upload, task.id)
        return task_entry(services, task)

    @routes.get("/imports/{task}")
    def report(
        task: int,
        action: str = "",
        text: str = "",
        kind: str = "",
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        """How an import goes or went; of the files that were not simply imported, a page of those asked for."""
        found = import_task(task)
        entry = task_entry(services, found)
        if found.result is None:
            return entry | {"report": None}
        page = _page(_files(found), action, text, kind, offset, limit)
        return entry | {"report": told(services, found.result | page)}

    @routes.get("/imports/{task}/files.csv")
    def files(task: int) -> Response:
        """All files that were not simply imported, for a spreadsheet."""
        rows = [(each.file, each.action, said(services, each.reason)) for each in _files(import_task(task))]
        headers = {"Content-Disposition": f'attachment; filename="import-{task}.csv"'}
        text = table_csv([("file", "what happened", "why"), *rows])
        return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)

    return routes


def _final(choices: Choices, services: Services, project: str) -> ImportRequest:
    """Return the import with only those rows of the mapping that change something.

    Raises:
        UserError: it cannot be begun.
    """
    request = choices.request(services, project)
    clean_name(choices.dataset, "dataset")
    stored = find_stored(services.database, request)
    known = {} if stored is None else stored.options.mapping
    rows = {source: to for source, to in request.mapping.items() if to != known.get(source, source)}
    return replace(request, mapping=rows)


def _files(task: TaskInfo) -> list[FileReport]:
    return [FileReport(**each) for each in (task.result or {}).get("files", ())]


def _page(files: list[FileReport], action: str, text: str, kind: str, offset: int, limit: int) -> dict[str, Any]:
    """Return a page of the files with an action, a part of a path and a kind of trouble; how many there are of each."""
    part = text.casefold()
    wanted = [file for file in files if action in ("", file.action) and part in file.file.casefold()]
    wanted = [file for file in wanted if kind in ("", key_of(file))]
    counts = dict(sorted(Counter(file.action for file in files).items()))
    shown = plain(wanted[offset : offset + limit])
    return {"total": len(wanted), "files": shown, "actions": counts, "kinds": plain(kinds_of(files)[:KINDS_SHOWN])}
