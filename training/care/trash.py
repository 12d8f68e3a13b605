"""The trash, one way for everything that can be deleted: what lies in it, into it, out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from db.errors import UserError
from db.home import Home
from db.session import Database
from labeling.datasets import restore_dataset, trash_dataset
from labeling.image_trash import list_trashed_datasets, list_trashed_images, restore_image, trash_images
from labeling.parts import part_title
from labeling.project_trash import KEPT, sweep_trash
from labeling.projects import list_projects, restore_project, trash_project
from training.evaluation.trash import discard_evaluation, list_trashed_evaluations, restore_evaluation
from training.models.trash import discard_model, list_trashed_models, restore_model
from training.runs.creation import RunHandle
from training.runs.lifecycle import find_run
from training.runs.trash import discard_run, restore_run
from training.runs.trash import list_trash as list_trashed_runs

Kind = Literal["project", "dataset", "image", "run", "evaluation", "model"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class TrashItem:
    """Something that can be restored until `gone_at`.

    Attributes:
        kind: what it is.
        name: what `restore` calls it: a name, of a run or an evaluation its number, of an image DATASET/PATH.
        about: a few words on it.
        deleted_at: when it was deleted.
        gone_at: from when on it may be gone.
    """

    kind: Kind
    name: str
    about: str
    deleted_at: datetime
    gone_at: datetime


def list_trash(home: Home, database: Database, project: str | None) -> list[TrashItem]:
    """Return what lies in the trash, by kind, the last deleted first.

    Args:
        home: the home.
        database: its database.
        project: whose; None lists projects only.
    """
    found = [
        _item("project", info.name, f"{info.images} images in {info.datasets} datasets", info.trashed_at)
        for info in list_projects(database, trashed=True)
        if info.trashed_at is not None
    ]
    if project is None:
        return found
    for dataset in list_trashed_datasets(database, project):
        found.append(_item("dataset", dataset.name, f"{dataset.images} images", dataset.deleted_at))
    for image in list_trashed_images(database, project):
        found.append(_item("image", f"{image.dataset}/{image.path}", "with its labels", image.deleted_at))
    for run in list_trashed_runs(home, database, project):
        found.append(_item("run", str(run.run), f"{run.name}, {run.architecture}", run.deleted_at))
    for each in list_trashed_evaluations(home, database, project):
        about = f"{each.model} on {part_title(each.dataset, each.on)}"
        found.append(_item("evaluation", str(each.evaluation), about, each.deleted_at))
    for model in list_trashed_models(database, project):
        found.append(_item("model", model.name, f"from {model.source}", model.deleted_at))
    return found


def discard(home: Home, database: Database, project: str | None, kind: Kind, names: Sequence[str]) -> None:
    """Move things to the trash.

    Args:
        home: the home.
        database: its database.
        project: name; None is the current one, or the only one. A project needs none.
        kind: what they are.
        names: as `TrashItem.name`; a run may be named by its name, too.

    Raises:
        UserError: there is none of this name, or a run is being trained.
    """
    if kind == "image":
        trash_images(database, project, names)  # all of them or none
        return
    ways: dict[Kind, Callable[[str], None]] = {
        "project": lambda name: _discard_project(database, name),
        "dataset": lambda name: trash_dataset(database, project, name),
        "run": lambda name: _discard_run(home, database, project, name),
        "evaluation": lambda name: discard_evaluation(home, database, project, _number(name)),
        "model": lambda name: discard_model(database, project, name),
    }
    for name in names:
        ways[kind](name)


def restore(home: Home, database: Database, project: str | None, kind: Kind, names: Sequence[str]) -> None:
    """Take things out of the trash; arguments as of `discard`.

    Raises:
        UserError: the trash holds none of this name.
    """
    ways: dict[Kind, Callable[[str], object]] = {
        "project": lambda name: restore_project(database, name),
        "dataset": lambda name: restore_dataset(database, project, name),
        "image": lambda name: restore_image(database, project, name),
        "run": lambda name: restore_run(home, database, project, name),
        "evaluation": lambda name: restore_evaluation(home, database, project, _number(name)),
        "model": lambda name: restore_model(database, project, name),
    }
    for name in names:
        ways[kind](name)


def _item(kind: Kind, name: str, about: str, deleted_at: datetime) -> TrashItem:
    return TrashItem(kind, name, about, deleted_at, deleted_at + KEPT)


def _discard_project(database: Database, name: str) -> None:
    trash_project(database, name)
    sweep_trash(database)


def _discard_run(home: Home, database: Database, project: str | None, name: str) -> None:
    found = find_run(home, database, project, name)
    discard_run(home, database, RunHandle(found.id, found.directory))


def _number(name: str) -> int:
    if not name.isdecimal():
        raise UserError(f"Evaluations are named by their number, found {name!r}; `workbench evaluations` lists them.")
    return int(name)
