"""Folders and videos that pages had predicted: `predictions/<project>/<number>/` in the home, until deleted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from db.errors import NotFoundError, UserError
from db.files import claim_folder, numbered_folders, write_atomic
from db.home import Home
from training.documents import Document, read_document
from training.prediction.refinement import NONE, Refinement
from training.tasks.files import TaskInfo
from training.tasks.lifecycle import find_task, start_task

_RECORD = "prediction.json"
_FILES = "files"
VIDEO_NAME = "overlay.mp4"


PredictionKind = Literal["photos", "video"]


class PredictionRecord(Document):
    """What was asked, beside what came of it.

    Attributes:
        model: reference, `12:best`.
        source: what the photos are called, a folder's name; or the video's.
        kind: of the source.
        task: that predicts them.
        started_at: seconds since 1970.
        refinement: what is done besides running the network once, in words.
    """

    model: str
    source: str
    kind: PredictionKind = "photos"
    task: int
    started_at: float
    refinement: str = ""


@dataclass(frozen=True)
class PredictionInfo:
    """A folder or a video that was or is being predicted.

    Attributes:
        id: by which it is asked for.
        record: what was asked.
        state: of its task; `finished` or `interrupted` where the task is kept no longer.
        images: photos or frames predicted, None before the end.
        skipped: photos that could not be read, each with the reason.
        folder: holds `index/` and `overlay/`; of a video the file `overlay.mp4`.
    """

    id: int
    record: PredictionRecord
    state: str
    images: int | None
    skipped: tuple[dict[str, str], ...]
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; where the files lie on this computer is not among them."""
        told = self.record.model_dump() | {"id": self.id, "state": self.state, "images": self.images}
        return told | {"skipped": [each | {"file": Path(each["file"]).name} for each in self.skipped]}


def start_prediction(
    home: Home,
    project_id: int,
    project: str,
    *,
    model: str,
    source: Path,
    called: str,
    size: str = "original",
    refinement: Refinement = NONE,
    labelme: bool = False,
    video: Sequence[str] | None = None,
    link: Callable[[int], str],
) -> TaskInfo:
    """Predict a folder or a video by a task, into a folder of its own in the home.

    Args:
        home: to work in.
        project_id: of the model's project.
        project: its name.
        model: reference of one of its models.
        source: a photo, a folder of photos, or a video.
        called: what to call the source.
        size: what the network sees.
        refinement: what is done besides running the network once.
        labelme: also write labelme files of photos.
        video: the source is one; further options of the command for it.
        link: the page that shows a prediction, by its id.

    Raises:
        UserError: the folder cannot be made.
    """
    folder = claim_folder(_folder(home, project_id))
    argv = [
        "predict",
        f"--to={folder / _FILES if video is None else folder / _FILES / VIDEO_NAME}",
        f"--size={size}",
        *refinement.arguments(),
        *(["--labelme"] if labelme else ()),
        *(video or ()),
        f"--project={project}",
        "--",
        model,
        str(source),
    ]
    title = f"Predict {called} with {model}"
    task = start_task(home, argv, title=title, project_id=project_id, link=link(int(folder.name)))
    record = PredictionRecord(
        model=model,
        source=called,
        kind="photos" if video is None else "video",
        task=task.id,
        started_at=time.time(),
        refinement=str(refinement),
    )
    write_atomic(folder / _RECORD, record.model_dump_json().encode())
    return task


def resume_prediction(home: Home, project_id: int, number: int) -> TaskInfo:
    """Go on with a video that was broken off, by another task of the same command.

    Raises:
        NotFoundError: there is no such prediction, or its task is kept no longer.
        UserError: it goes on, is done, or is none of a video.
    """
    found = find_prediction(home, project_id, number)
    if found.record.kind != "video" or found.state in ("running", "finished"):
        raise UserError(f"Prediction {number} of {found.record.source} is {found.state}: it cannot be gone on with.")
    before = find_task(home, found.record.task)
    task = start_task(home, before.argv, title=before.title, project_id=project_id, link=before.link)
    record = found.record.model_copy(update={"task": task.id})
    write_atomic(_folder(home, project_id) / str(number) / _RECORD, record.model_dump_json().encode())
    return task


def list_predictions(home: Home, project_id: int) -> list[PredictionInfo]:
    """Return what was predicted in a project, the newest first; what has a damaged record is left out."""
    found = []
    for number in numbered_folders(_folder(home, project_id)):
        with suppress(UserError):  # just being made, deleted, or damaged
            found.append(find_prediction(home, project_id, number))
    return found


def find_prediction(home: Home, project_id: int, number: int) -> PredictionInfo:
    """Return a predicted folder or video.

    Raises:
        NotFoundError: there is none.
        UserError: its record is damaged.
    """
    folder = _folder(home, project_id) / str(number)
    try:
        record = read_document(PredictionRecord, folder / _RECORD)
    except FileNotFoundError:
        raise NotFoundError(f"There is no prediction {number} (any more): predict the photos again.") from None
    files = folder / _FILES
    try:
        task = find_task(home, record.task)
    except NotFoundError:
        written = files if record.kind == "photos" else files / VIDEO_NAME
        state = "finished" if written.exists() else "interrupted"
        return PredictionInfo(number, record, state, None, (), files)
    result: dict[str, Any] = task.result or {}
    images = result.get("images", result.get("frames"))
    return PredictionInfo(number, record, task.state, images, tuple(result.get("skipped", ())), files)


def delete_prediction(home: Home, project_id: int, number: int) -> None:
    """Delete what was predicted; the photos or the video stay where they are.

    Raises:
        NotFoundError: there is none.
        UserError: it is still being written.
    """
    found = find_prediction(home, project_id, number)
    if found.state == "running":
        raise UserError(f"Prediction {number} is still being made. Cancel its task first.")
    shutil.rmtree(found.folder.parent, ignore_errors=True)


def _folder(home: Home, project_id: int) -> Path:
    return home.predictions / str(project_id)
