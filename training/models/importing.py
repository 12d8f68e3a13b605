"""Taking in a model that was trained elsewhere: a public checkpoint or a bundle becomes a model of the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from db.errors import UserError
from db.home import Home
from db.session import Database
from labeling.formats.labels import read_labels
from training import architectures
from training.evaluation.public_data import read_trained_on
from training.models.bundle import build_module, encode_bundle, read_spec, read_tensors
from training.models.keeping import clean_model_name, keep_model
from training.models.spec import ModelSpec
from training.weights.catalogue import CATALOGUE, find_weights, how_to_get, locate
from training.weights.entry import Weights
from training.weights.loading import count_classes, load_model
from training.weights.reading import read_state_dict
from training.weights.transformers_folder import read_folder


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
    entry: str | None = None,
    trained_on: Sequence[str] = (),
) -> ModelImportReport:
    """Import a bundle, or a checkpoint whose architecture and classes the caller names.

    An entry of the catalogue or the config.json of transformers beside the file says so instead. A checkpoint's keys
    must be those of the architecture's published form; wrappers' prefixes are seen through. It is taken to have the
    architecture's published preprocessing where nothing beside it says otherwise. It is kept in the home as a bundle.

    Args:
        home: the workbench home.
        database: its database.
        project: name, or None for the current one.
        file: `.safetensors` or what `torch.save` wrote, read without running anything it holds; the folder that
            transformers' `save_pretrained` wrote; or the name of a catalogue entry that is on disk.
        architecture: needed where nothing else says it.
        classes_file: names in index order, one a line; needed where nothing else says them.
        name: what to call it (default: the file's stem, or the folder's name).
        options: `key=value` options of the architecture.
        entry: name of the catalogue entry that the file is.
        trained_on: `DATASET:SPLIT` each, public data it was trained on, beside what an entry says.

    Raises:
        UserError: the file cannot be read, says less than needed, or its tensors do not fit; names the tensors.
    """
    usual = file.name if file.is_dir() else file.stem
    file, entry = _find_file(home, file, entry)
    published = find_weights(entry) if entry else None
    told = tuple(read_trained_on(text, "told when it was imported") for text in trained_on)
    spec = read_spec(file) if file.suffix == ".safetensors" and file.is_file() else None
    if spec is not None:
        spec = spec.model_copy(update={"lineage": (*told, *spec.lineage)})
        state = read_tensors(file)
        module, notes = build_module(spec, state, str(file)), ["A bundle: it names its architecture and classes."]
    else:
        state = read_state_dict(file)
        spec = _describe(file, state, architecture, classes_file, options, published)
        spec = spec.model_copy(update={"lineage": (*(published.trained_on if published else ()), *told)})
        module = architectures.build(spec.architecture, len(spec.classes), **spec.options)
        notes = load_model(module, state, str(file)).text.splitlines()
        notes.append(_lineage_note(spec))
    chosen = clean_model_name(name if name is not None else usual)
    data = encode_bundle(module.state_dict(), spec)
    sha256, more = keep_model(home, database, project, chosen, data, spec, str(file.absolute()))
    return ModelImportReport(chosen, spec.architecture, spec.classes, sha256, (*notes, *more))


def _find_file(home: Home, file: Path, entry: str | None) -> tuple[Path, str | None]:
    """Return the weights file that a path or the name of a catalogue entry stands for, and the entry's name."""
    if file.is_dir():
        inside = (file / name for name in ("model.safetensors", "pytorch_model.bin"))
        found = next((path for path in inside if path.is_file()), None)
        if found is None:
            raise UserError(f"The folder {file} holds no model.safetensors and no pytorch_model.bin.")
        return found, entry
    if not file.exists() and str(file) in CATALOGUE:
        weights = find_weights(str(file))
        path = locate(weights, home)
        if path is None:
            raise UserError(f"{weights.file_name or weights.name} is not on this machine: {how_to_get(weights)}.")
        return path, weights.name
    return file, entry


def _lineage_note(spec: ModelSpec) -> str:
    if not spec.lineage:
        return (
            "Nobody says what it was trained on, so an evaluation cannot tell what it has seen. If you know, import it "
            "with --trained-on DATASET:SPLIT."
        )
    return f"Trained on {', '.join(map(str, spec.lineage))}; evaluations warn where they test on that."


def _describe(
    file: Path,
    state: dict[str, Tensor],
    architecture: str | None,
    classes_file: Path | None,
    options: Sequence[str],
    published: Weights | None,
) -> ModelSpec:
    if published is not None and published.kind != "model":
        raise UserError(
            f"{published.name} is a backbone, which starts a training; it segments nothing by itself. Use it with "
            "`workbench train --init imagenet`."
        )
    if published is not None and architecture not in (None, published.architecture):
        raise UserError(f"{published.name} is of {published.architecture}, not of {architecture}.")
    beside = read_folder(file) if architecture in (None, "segformer") else None
    given = dict(published.options if published else {}) | (beside.options if beside else {}) | read_options(options)
    for source in (published, beside):
        architecture = architecture or (source.architecture if source else None)
    if architecture is None:
        known = ", ".join(architectures.names())
        raise UserError(f"{file} does not say what network its weights belong to. Add --arch, one of {known}.")
    family = architectures.family(architecture)
    outputs = count_classes(family, state)
    classes, where = (published.classes, published.name) if published else ((), "")
    if beside is not None:
        classes, where = beside.classes, "config.json beside it"
    if classes_file is not None:
        classes, where = read_labels(classes_file), str(classes_file)
    if not classes:
        counted = f" its {outputs} classes" if outputs else " its classes"
        raise UserError(
            f"{file} does not name{counted}. Add --classes FILE, a text file with one name a line, in the order of the "
            "network's outputs."
        )
    if outputs is not None and outputs != len(classes):
        raise UserError(
            f"{where} names {len(classes)} classes, but the head in {file} has {outputs} outputs. Expected one "
            "name for each output, background included."
        )
    preprocessing = beside.preprocessing if beside else family.preprocessing
    return ModelSpec(architecture=architecture, options=given, classes=classes, preprocessing=preprocessing)


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
