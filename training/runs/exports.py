"""The weights that pages exported of a run, each with what its check against the original found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from db.errors import NotFoundError
from db.home import Home
from training.models.exports import ExportedFile, find_export, new_export_path
from training.runs.lifecycle import RunInfo
from training.tasks.files import TaskInfo
from training.tasks.lifecycle import find_task, list_tasks, start_task


@dataclass(frozen=True)
class RunExport:
    """One export, as long as its task is kept.

    Attributes:
        task: that writes the file.
        model: reference, `12:best`.
        format: that it was asked for in.
        file: None while it is being written, and where that failed.
    """

    task: TaskInfo
    model: str
    format: str
    file: ExportedFile | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; where the file lies on this computer is not among them."""
        found: dict[str, Any] = self.task.result or {}
        checked = ("max_abs_difference", "argmax_agreement", "images_checked", "sha256")
        return {
            "task": self.task.id,
            "model": self.model,
            "format": self.format,
            "state": self.task.state,
            "sentence": self.task.sentence,
            "file": {"name": self.file.name, "size": self.file.size} if self.file else None,
            "check": {key: found[key] for key in checked} if self.file and found else None,
        }


def start_export(home: Home, run: RunInfo, project: str, checkpoint: str, format: str) -> TaskInfo:
    """Export a run's weights for download, by a task.

    Args:
        home: of the run.
        run: whose weights.
        project: its name.
        checkpoint: `best` or `last`.
        format: one of `training.models.exports.ENDINGS`.

    Raises:
        NotFoundError: the run has no such checkpoint.
        UserError: the folder of exports cannot be made.
    """
    model = f"{run.id}:{checkpoint}"
    if not (run.directory / "checkpoints" / f"{checkpoint}.pt").exists():
        raise NotFoundError(f"Run {run.id} has no {checkpoint} checkpoint yet.")
    name = f"{run.name}-{run.id}-{checkpoint}".replace("/", "-")
    to = new_export_path(home, run.project_id, name, format)
    argv = ["export", "weights", model, f"--project={project}", f"--format={format}", f"--to={to}"]
    link = f"/project/{run.project_id}/run/{run.id}"
    title = f"Export {run.name} as {format}"
    return start_task(home, argv, title=title, project_id=run.project_id, link=link)


def run_exports(home: Home, run: RunInfo) -> list[RunExport]:
    """Return the exports of a run that pages started, the newest first."""
    found = []
    for task in list_tasks(home):
        if task.argv[:2] == ("export", "weights") and task.argv[2] in (f"{run.id}:best", f"{run.id}:last"):
            found.append(_export(home, run, task))
    return found


def _export(home: Home, run: RunInfo, task: TaskInfo) -> RunExport:
    options = dict(word[2:].split("=", 1) for word in task.argv[3:] if word.startswith("--") and "=" in word)
    file = None
    if task.state == "finished":
        try:
            file = find_export(home, run.project_id, PurePath(options["to"]).name)
            task = find_task(home, task.id)
        except NotFoundError:
            pass  # somebody removed it
    return RunExport(task, task.argv[2], options["format"], file)
