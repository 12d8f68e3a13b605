"""Asking for a training: from what a person wants to a row and a directory that a trainer can work from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import func
from sqlalchemy import select as select_rows
from sqlalchemy.orm import Session

from db.errors import UserError
from db.files import explain_os_errors
from db.home import Home
from db.schema import Model, Project, Run
from db.session import Database
from db.store import Store
from labeling.manifest import ManifestImage, load_manifest
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.revisions import RevisionInfo, find_revision, freeze, photo_path
from training.architectures import check_options, names
from training.engine.rundir import Command, Images, Link, Photo, RunDirectory, Start
from training.evaluation.selection import split
from training.recipe import Recipe, load_recipe
from training.runs.data_check import check_data
from training.runs.start import absolute_init, check_device, check_start, start_of_file


@dataclass(frozen=True)
class TrainRequest:
    """What a person asks for.

    Attributes:
        architecture: its name.
        project: name; None for the current one.
        datasets: to train on; empty for all.
        revision: digest or its beginning; None freezes the datasets now.
        on: role or subset to train on. What has role `val` in the same datasets and is not trained on validates.
        recipe: name or path.
        settings: recipe settings by dotted key, as text (`{"batch": "8", "optimizer.lr": "0.01"}`).
        device: `auto`, `cpu`, `cuda` or `cuda:N`; several with commas between train together.
        name: of the run; None for one made of architecture and datasets.
    """

    architecture: str
    project: str | None = None
    datasets: Sequence[str] = ()
    revision: str | None = None
    on: str = "train"
    recipe: str = "default"
    settings: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"
    name: str | None = None


@dataclass(frozen=True)
class RunHandle:
    """A run, where it lives, and, as it is created, what its data are warned of."""

    id: int
    directory: Path
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunPlan:
    """A training that can be had: everything about it is there and fits.

    Attributes:
        project: its name.
        name: of the run.
        command: what the trainer is to do.
        images: on what.
        warnings: of what is wrong with the data, in sentences.
    """

    project: str
    name: str
    command: Command
    images: Images
    warnings: tuple[str, ...] = ()


def plan_run(home: Home, database: Database, request: TrainRequest, progress: Progress = silent) -> RunPlan:
    """Look up everything that a training needs, freezing the data where no revision is named.

    Raises:
        UserError: the recipe, architecture, data or weights asked for are not there or do not fit, or the data cannot
            be trained on.
    """
    recipe = settle_recipe(request)
    with database.read() as session:
        project = find_project(session, request.project).name
        start = _start(session, home, project, recipe.init)
    if start is None:
        recipe = recipe.model_copy(update={"init": absolute_init(recipe.init)})
    revision = _revision(home, database, project, request, progress)
    store = Store(home.store)
    manifest = load_manifest(store, revision.digest)
    train, val = split(manifest, request.datasets, request.on)
    images = _images(database, store, train, val)
    findings = check_data(home, database, project, manifest, train, val, progress)
    command = Command(
        architecture=request.architecture,
        classes=revision.classes,
        colors=tuple(revision.provenance["colors"][name] for name in revision.classes),
        revision=revision.digest,
        datasets=tuple(request.datasets),
        on=request.on,
        device=request.device,
        home=home.path.resolve(),
        start=start,
        recipe=recipe,
    )
    check_start(command)
    name = request.name or "-".join([request.architecture, *request.datasets])
    return RunPlan(project, name, command, images, tuple(finding.text for finding in findings))


def settle_recipe(request: TrainRequest) -> Recipe:
    """Return the recipe with the settings asked for, as far as it can be told without the data.

    Raises:
        UserError: recipe, architecture or device are not there, or a setting does not fit.
    """
    recipe = load_recipe(request.recipe, request.settings)
    _check_architecture(request.architecture, recipe)
    check_device(request.device)
    return recipe


def create_run(home: Home, database: Database, request: TrainRequest, progress: Progress = silent) -> RunHandle:
    """Record a run and write its directory; nothing trains yet.

    Raises:
        UserError: as `plan_run`, or the directory cannot be written.
    """
    plan = plan_run(home, database, request, progress)
    run = _claim(home, database)
    try:
        command = plan.command.model_copy(update={"run": run.id})
        RunDirectory(run.directory).create(command, plan.images)
        _record(home, database, plan.project, run, command, plan.name)
    except BaseException:
        shutil.rmtree(run.directory)  # ours alone: nobody else knows its number
        raise
    return replace(run, warnings=plan.warnings)


def _claim(home: Home, database: Database) -> RunHandle:
    """Make a directory of a number that no run ever had.

    The database alone does not know: one that was put back from a backup has forgotten the newest runs. A creation
    that is killed leaves a directory without a row, and its number is not given again.
    """
    with explain_os_errors(home.runs):
        home.runs.mkdir(parents=True, exist_ok=True)
        with database.read() as session:
            newest = session.scalar(select_rows(func.max(Run.id))) or 0
        names = [*(path.name for path in home.runs.iterdir()), *(path.name for path in home.trash.glob("run-*"))]
        taken = (int(match[1]) for name in names if (match := re.fullmatch(r"(?:run-)?([0-9]{1,18})", name)))
        number = max(newest, *taken, 0) + 1
        while True:
            with suppress(FileExistsError):
                (home.runs / str(number)).mkdir()
                return RunHandle(number, home.runs / str(number))
            number += 1  # somebody was faster


def _record(home: Home, database: Database, project: str, run: RunHandle, command: Command, name: str) -> None:
    with database.write() as session:
        session.add(
            Run(
                id=run.id,
                project_id=find_project(session, project).id,
                name=name,
                architecture=command.architecture,
                revision_digest=command.revision,
                directory=str(run.directory.relative_to(home.path)),
                state="queued",
                summary={},
            )
        )


def _check_architecture(name: str, recipe: Recipe) -> None:
    if name not in names():
        raise UserError(f"There is no architecture '{name}'. Choose one of {', '.join(names())}.")
    if recipe.options:  # to look at an architecture's options is to load torch
        check_options(name, recipe.options)


def _revision(home: Home, database: Database, project: str, request: TrainRequest, progress: Progress) -> RevisionInfo:
    if request.revision is not None:
        return find_revision(database, project, request.revision)
    return freeze(home, database, project=project, datasets=tuple(request.datasets), progress=progress)


def _images(database: Database, store: Store, train: Sequence[ManifestImage], val: Sequence[ManifestImage]) -> Images:
    """Return where the photos and class maps lie that are trained on, and those that validate."""

    def photo(image: ManifestImage) -> Photo:
        path = photo_path(database, store, image)
        return Photo(
            photo=path,
            class_map=store.path(image.map_sha256),
            key=f"{image.image_sha256}-{image.map_sha256}",
            name=f"{image.dataset}/{image.path}",
            link=None if store.has(image.image_sha256) else _link(path, image.image_sha256),
        )

    return Images(train=tuple(map(photo, train)), val=tuple(map(photo, val)))


def _link(path: Path, sha256: str) -> Link:
    status = path.stat()
    return Link(sha256=sha256, byte_size=status.st_size, mtime_ns=status.st_mtime_ns)


def _start(session: Session, home: Home, project: str, init: str) -> Start | None:
    """Find the model that `init` names, if it names one: a run (`12`, `12:last`), an imported model or a file."""
    owner = find_project(session, project)
    if match := re.fullmatch(r"(?:run[ :])?(\d+)(?::(best|last))?", init):
        return _start_of_run(session, home, owner, int(match[1]), match[2])
    row = session.scalars(
        select_rows(Model).where(Model.project_id == owner.id, Model.name == init, Model.deleted_at.is_(None))
    ).first()
    return Start(path=(home.path / row.path).resolve(), label=init) if row else start_of_file(init)


def _start_of_run(session: Session, home: Home, owner: Project, number: int, kind: str | None) -> Start:
    row = session.get(Run, number)
    if row is None or row.project_id != owner.id or row.deleted_at is not None:
        raise UserError(
            f"init={number}: there is no run {number} in project {owner.name}; `workbench runs` lists them."
        )
    run = RunDirectory(home.path / row.directory)
    found = [(name, path) for name, path in (("best", run.best), ("last", run.last)) if path.exists()]
    chosen = [each for each in found if kind in (None, each[0])]
    if not chosen:
        raise UserError(f"init={number}: run {number} has no {kind or ''} checkpoint yet.")
    return Start(path=chosen[0][1].resolve(), label=f"run {number}:{chosen[0][0]}")
