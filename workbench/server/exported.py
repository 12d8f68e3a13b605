"""Datasets that pages exported: `exported_datasets/<project>/<number>/` in the home, to be downloaded until deleted."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from db.errors import NotFoundError, UserError
from db.files import claim_folder, numbered_folders, write_atomic
from db.home import Home
from labeling.exporting.request import ExportRequest
from labeling.formats.written import ExportFormat
from training.documents import Document, read_document
from training.tasks.files import TaskInfo
from training.tasks.lifecycle import find_task, start_task
from workbench.cli.commands_export import export_argv

_RECORD = "export.json"
_FILES = "files"


class ExportRecord(Document):
    """What was asked, beside what came of it.

    Attributes:
        dataset: name.
        format: name of the writer.
        on: role or list, or `all`.
        task: that exports it.
        started_at: seconds since 1970.
    """

    dataset: str
    format: ExportFormat
    on: str
    task: int
    started_at: float


@dataclass(frozen=True)
class ExportInfo:
    """A dataset that was or is being exported.

    Attributes:
        id: by which it is asked for.
        record: what was asked.
        state: of its task; `finished` or `interrupted` where the task is kept no longer.
        sentence: why it did not finish.
        report: what the command prints with `--json`, without where it lies; None before the end.
        folder: the export.
    """

    id: int
    record: ExportRecord
    state: str
    sentence: str | None
    report: dict[str, Any] | None
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; where the files lie on this computer is not among them."""
        told = {"id": self.id, "state": self.state, "sentence": self.sentence, "report": self.report}
        return self.record.model_dump() | told


def start_export(home: Home, project_id: int, request: ExportRequest) -> TaskInfo:
    """Export a dataset by a task, into a folder of its own in the home; the request's own folder is not looked at.

    Raises:
        UserError: the folder cannot be made.
    """
    folder = claim_folder(home.exported_datasets / str(project_id))
    argv = export_argv(replace(request, to=folder / _FILES))
    title = f"Export {request.dataset} as {request.format}"
    link = f"/data?project={project_id}&tab=export"
    task = start_task(home, argv, title=title, project_id=project_id, link=link)
    record = ExportRecord(
        dataset=request.dataset, format=request.format, on=request.on, task=task.id, started_at=time.time()
    )
    write_atomic(folder / _RECORD, record.model_dump_json().encode())
    return task


def list_exports(home: Home, project_id: int) -> list[ExportInfo]:
    """Return the exported datasets of a project, the newest first; those whose record is damaged are left out."""
    found = []
    for number in numbered_folders(home.exported_datasets / str(project_id)):
        with suppress(UserError):  # just being made, deleted, or damaged
            found.append(find_export(home, project_id, number))
    return found


def find_export(home: Home, project_id: int, number: int) -> ExportInfo:
    """Return an exported dataset.

    Raises:
        NotFoundError: there is none.
        UserError: its record is damaged.
    """
    folder = home.exported_datasets / str(project_id) / str(number)
    try:
        record = read_document(ExportRecord, folder / _RECORD)
    except FileNotFoundError:
        raise NotFoundError(f"There is no export {number} (any more): export the dataset again.") from None
    files = folder / _FILES
    try:
        task = find_task(home, record.task)
    except NotFoundError:
        state = "finished" if files.is_dir() else "interrupted"
        return ExportInfo(number, record, state, None, None, files)
    report = {key: value for key, value in task.result.items() if key != "to"} if task.result else None
    return ExportInfo(number, record, task.state, task.sentence, report, files)


def delete_export(home: Home, project_id: int, number: int) -> None:
    """Delete an exported dataset; the dataset itself stays.

    Raises:
        NotFoundError: there is none.
        UserError: it is still being written.
    """
    found = find_export(home, project_id, number)
    if found.state == "running":
        raise UserError(f"Export {number} is still being written. Cancel its task first.")
    shutil.rmtree(found.folder.parent, ignore_errors=True)
