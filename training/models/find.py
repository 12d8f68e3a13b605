"""Finding and loading whatever is evaluated, predicted with, compared or exported.

A model is named by a reference: `12` (a run: its best checkpoint, else its last), `12:best`, `12:last`, the name of an
imported model, or the path of a bundle.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from sqlalchemy import select

from db.errors import UserError
from db.files import file_sha256
from db.home import Home
from db.schema import Model, Run
from db.session import Database
from labeling.projects import find_project
from training.models.bundle import build_module, describe_bundle, load_bundle
from training.models.files import ModelFile, checkpoints_of, find_model_file
from training.models.imported import find_imported
from training.models.loaded import LoadedModel
from training.models.spec import ModelSpec

# What torch and pydantic raise on files that are cut off, are something else, or lack what makes them ours.
_DAMAGED = (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError)


@dataclass(frozen=True)
class ModelInfo:
    """A line in the list of models.

    Attributes:
        reference: what commands take.
        architecture: name of the network family.
        origin: `run NAME` or the file it was imported from.
        classes: in output order.
        miou: val mIoU that its training noted, 0..1, or None.
        note: why its file cannot be used, which leaves the classes empty; None where it can.
    """

    reference: str
    architecture: str
    origin: str
    classes: tuple[str, ...]
    miou: float | None
    note: str | None = None


def load_model(home: Home, database: Database, project: str | None, reference: str) -> LoadedModel:
    """Load the model a reference names.

    Raises:
        UserError: nothing has that name, the run has no checkpoint yet, or the file is damaged.
    """
    return load_model_file(find_model_file(home, database, project, reference))


def read_spec(home: Home, database: Database, project: str | None, reference: str) -> ModelSpec:
    """Return what a model of the project is, without building its network.

    Raises:
        UserError: nothing has that name, the run has no checkpoint yet, or the file is damaged.
    """
    file = find_model_file(home, database, project, reference, bundles=False)
    if file.is_checkpoint:
        return read_checkpoint(file.path)[0]
    with database.read() as session:
        return ModelSpec.model_validate(find_imported(session, find_project(session, project), reference).spec)


def describe(file: ModelFile) -> tuple[ModelSpec, frozenset[str]]:
    """Return what a model is, and the names of its tensors, without building its network.

    Raises:
        UserError: the file is damaged.
    """
    if file.is_checkpoint:
        spec, state = read_checkpoint(file.path)
        return spec, frozenset(state)
    return describe_bundle(file.path)


def load_model_file(file: ModelFile) -> LoadedModel:
    """Load a model from its file.

    Raises:
        UserError: the file is damaged.
    """
    if file.is_checkpoint:
        return load_run_model(file.path, file.reference)
    loaded = load_bundle(file.path)
    return LoadedModel(loaded.module, loaded.spec, loaded.sha256, file.reference)


def load_run_model(path: Path, reference: str) -> LoadedModel:
    """Load a run's checkpoint as a model; where it keeps averaged weights (EMA), those are the model.

    Raises:
        UserError: the file is damaged.
    """
    spec, state = read_checkpoint(path)
    return LoadedModel(build_module(spec, state, str(path)), spec, file_sha256(path), reference)


def read_checkpoint(path: Path) -> tuple[ModelSpec, dict[str, torch.Tensor]]:
    """Return a checkpoint's spec and the weights that make the model.

    Raises:
        UserError: the file is damaged or no checkpoint of a run.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        spec = ModelSpec.model_validate_json(content["spec"])
    except _DAMAGED as error:
        raise UserError(f"{path} is not a readable checkpoint of a run: {error}") from None
    return spec, content["model"] if content.get("ema") is None else content["ema"]


def list_models(home: Home, database: Database, project: str | None) -> list[ModelInfo]:
    """List runs with a checkpoint, newest first, then imported models by name."""
    with database.read() as session:
        owner = find_project(session, project)
        runs = session.scalars(
            select(Run).where(Run.project_id == owner.id, Run.deleted_at.is_(None)).order_by(Run.id.desc())
        ).all()
        rows = session.scalars(
            select(Model).where(Model.project_id == owner.id, Model.deleted_at.is_(None)).order_by(Model.name)
        ).all()
    found = [
        _of_checkpoint(run, kind, path)
        for run in runs
        for kind in ("best", "last")
        if (path := checkpoints_of(home, run) / f"{kind}.pt").exists()
    ]
    return found + [_info(row.name, row.source, ModelSpec.model_validate(row.spec)) for row in rows]


def _of_checkpoint(run: Run, kind: str, path: Path) -> ModelInfo:
    reference, origin = f"{run.id}:{kind}", f"run {run.name}"
    try:
        return _info(reference, origin, read_checkpoint(path)[0])
    except UserError as error:  # the other models are none the worse for it
        return ModelInfo(reference, run.architecture, origin, (), None, str(error))


def _info(reference: str, origin: str, spec: ModelSpec) -> ModelInfo:
    return ModelInfo(reference, spec.architecture, origin, spec.classes, spec.metrics.get("miou"))
