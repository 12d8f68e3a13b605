"""Taking in a model that was trained elsewhere: a public checkpoint or a bundle becomes a model of the project."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from torch import Tensor

from db.errors import UserError
from db.files import write_atomic
from db.home import Home
from db.schema import Model
from db.session import Database
from labeling.formats.labels import read_labels
from labeling.names import clean_name
from labeling.projects import find_project
from training import architectures
from training.bundle import build_module, encode_bundle, read_spec, read_tensors
from training.spec import ModelSpec
from training.weights_loading import count_classes, load_model
from training.weights_reading import read_state_dict


@dataclass(frozen=True)
class ModelImportReport:
    """What an import took in. `notes` are sentences for people; `sha256` is the stored bundle's."""

    name: str
    architecture: str
    classes: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...]


def import_model(
    home: Home,
    database: Database,
    *,
    project: str | None,
    file: Path,
    architecture: str | None = None,
    classes_file: Path | None = None,
    name: str | None = None,
    options: Sequence[str] = (),
) -> ModelImportReport:
    """Import a bundle, or a checkpoint whose architecture and classes the caller names.

    A checkpoint's keys must be those of the architecture's published form; wrappers' prefixes are seen through. It is
    taken to have the architecture's published preprocessing. It is kept in the home as a bundle.

    Args:
        home: the workbench home.
        database: its database.
        project: name, or None for the current one.
        file: `.safetensors` or what `torch.save` wrote; read without running anything it holds.
        architecture: needed unless the file is a bundle.
        classes_file: names in index order, one a line; needed unless the file is a bundle.
        name: what to call it (default: the file's stem).
        options: `key=value` options of the architecture.

    Raises:
        UserError: the file cannot be read, says less than needed, or its tensors do not fit; names the tensors.
    """
    spec = read_spec(file) if file.suffix == ".safetensors" and file.is_file() else None
    if spec is not None:
        state = read_tensors(file)
        module, notes = build_module(spec, state, str(file)), ["A bundle: it names its architecture and classes."]
    else:
        state = read_state_dict(file)
        spec = _describe(file, state, architecture, classes_file, options)
        module = architectures.build(spec.architecture, len(spec.classes), **spec.options)
        notes = load_model(module, state, str(file)).text.splitlines()
    data = encode_bundle(module.state_dict(), spec)
    sha256 = hashlib.sha256(data).hexdigest()
    chosen = _model_name(name if name is not None else file.stem)
    relative = Path("models") / f"{sha256}.safetensors"
    write_atomic(home.path / relative, data)
    with database.write() as session:
        owner = find_project(session, project)
        taken = session.scalars(select(Model).where(Model.project_id == owner.id, Model.name == chosen)).first()
        if taken is not None and taken.sha256 != sha256:
            raise UserError(f"Project {owner.name} already has another model {chosen!r}. Give this one a --name.")
        if taken is None:
            session.add(
                Model(
                    project_id=owner.id,
                    name=chosen,
                    sha256=sha256,
                    path=relative.as_posix(),
                    source=str(file.absolute()),
                    spec=spec.model_dump(mode="json"),
                )
            )
        else:
            notes.append("This very model was here already.")
    return ModelImportReport(chosen, spec.architecture, spec.classes, sha256, tuple(notes))


def _describe(
    file: Path, state: dict[str, Tensor], architecture: str | None, classes_file: Path | None, options: Sequence[str]
) -> ModelSpec:
    if architecture is None:
        known = ", ".join(architectures.names())
        raise UserError(f"{file} does not say what network its weights belong to. Add --arch, one of {known}.")
    family = architectures.family(architecture)
    outputs = count_classes(family, state)
    if classes_file is None:
        counted = f" its {outputs} classes" if outputs else " its classes"
        raise UserError(
            f"{file} does not name{counted}. Add --classes FILE, a text file with one name a line, in the order of the "
            "network's outputs."
        )
    classes = read_labels(classes_file)
    if outputs is not None and outputs != len(classes):
        raise UserError(
            f"{classes_file} names {len(classes)} classes, but the head in {file} has {outputs} outputs. Expected one "
            "name for each output, background included."
        )
    return ModelSpec(
        architecture=architecture, options=read_options(options), classes=classes, preprocessing=family.preprocessing
    )


def read_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Read options of an architecture as they are typed: `key=value`, the value as YAML.

    Raises:
        UserError: one is not written so.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UserError(f"An option is written key=value, as in depth=101; found {pair!r}.")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"The value of the option {pair!r} cannot be read: {value!r} is no YAML value.") from None
    return found


def _model_name(name: str) -> str:
    """Return a name that can be told from a run's number and a path."""
    try:
        cleaned = clean_name(name, "model")
    except UserError as error:
        raise UserError(f"{error} Give it with --name.") from None
    if cleaned.isdigit() or ":" in cleaned:
        raise UserError(f"A model's name is a word, not a run's number; found {name!r}. Choose another with --name.")
    return cleaned
