"""Whether a file of weights is whole and fits, and taking in one that was downloaded by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from db.errors import UserError
from db.files import explain_os_errors, file_sha256, scratch_file, settle
from db.home import Home
from training import architectures
from training.weights.catalogue import CATALOGUE, check, entry_of, fetch_directory, find_weights, how_to_get, locate
from training.weights.entry import Weights
from training.weights.loading import LoadReport, count_classes, load_model, load_start
from training.weights.reading import is_safetensors, read_state_dict

_CLASSES = 2  # of the network a backbone is tried in
_DIGITS = 8  # of the SHA-256, in the name of an added file; as many as torchvision's names have


@dataclass(frozen=True)
class CheckReport:
    """What was found of one file.

    Attributes:
        name: in the catalogue; None for a file that is in none.
        path: where it lies; None where it does not.
        sha256: of the file, hex.
        checksum: what that was compared with, in words.
        fits: what it loads into, in words.
        classes: outputs of a segmentation network's head.
        keys: how the tensors go together, key by key.
        problem: what is wrong, a sentence; None where nothing is.
    """

    name: str | None
    path: Path | None = None
    sha256: str | None = None
    checksum: str = ""
    fits: str = ""
    classes: int | None = None
    keys: LoadReport | None = None
    problem: str | None = None


def check_weights(
    home: Home,
    what: str | None = None,
    *,
    entry: str | None = None,
    architecture: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[CheckReport]:
    """Look at weights: that they are there, have their checksum, and load.

    Args:
        home: where weights lie.
        what: an entry of the catalogue, or a file; None for every entry that is on disk.
        entry: of a file: what it should be.
        architecture: of a file that is no entry: what it should load into.
        options: of that architecture.

    Raises:
        UserError: no such entry or file, or nobody says what a file should be.
    """
    if what is None:
        return [_check_entry(weights, path) for weights in CATALOGUE.values() if (path := locate(weights, home))]
    path = Path(what).expanduser()
    if path.is_file():
        return [_check_file(path, entry, architecture, options or {})]
    weights = find_weights(what)
    found = locate(weights, home)
    if found is None:
        return [CheckReport(weights.name, problem=f"Not on this machine: {how_to_get(weights)}.")]
    return [_check_entry(weights, found)]


def add_weights(home: Home, weights: Weights, file: Path) -> CheckReport:
    """Take in a file that somebody downloaded, under its entry's name, after making sure that it is what it should be.

    Where the publisher states a checksum it must have that; otherwise it is kept with its own, which later checks
    compare. What is there already stays.

    Raises:
        UserError: another file of the entry is there, the file is another one, or it does not load.
    """
    report = _loaded(weights, read_state_dict(file), file)
    name = weights.file_name
    if name is None:
        suffix = ".safetensors" if is_safetensors(file) else ".pth"
        name = f"{weights.stem}-{file_sha256(file)[:_DIGITS]}{suffix}"
    else:
        check(weights, file)
    target, there = fetch_directory(home) / name, locate(weights, home)
    if there is not None and there != target:
        raise UserError(f"{weights.name} is here already, as {there}. Delete that one to take in another.")
    if there is None:
        with explain_os_errors(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with scratch_file(target.parent) as copy, file.open("rb") as source:
                while chunk := source.read(1 << 20):
                    copy.write(chunk)
                copy.flush()
                settle(copy, target)
    return CheckReport(weights.name, target, file_sha256(target), _checksum(weights), weights.fits, *report)


def _check_entry(weights: Weights, path: Path) -> CheckReport:
    try:
        sha256 = check(weights, path)
        found = _loaded(weights, read_state_dict(path), path)
    except UserError as error:
        return CheckReport(weights.name, path, checksum=_checksum(weights), fits=weights.fits, problem=str(error))
    return CheckReport(weights.name, path, sha256, _checksum(weights), weights.fits, *found)


def _check_file(path: Path, entry: str | None, architecture: str | None, options: Mapping[str, Any]) -> CheckReport:
    sha256 = file_sha256(path)
    if entry is None and architecture is None:
        known = entry_of(sha256)
        entry = known.name if known else None
    if entry is not None:
        weights = find_weights(entry)
        if weights.url:
            return _check_entry(weights, path)
        found = _loaded(weights, read_state_dict(path), path)
        return CheckReport(weights.name, path, sha256, "none stated by its publisher", weights.fits, *found)
    if architecture is None:
        raise UserError(
            f"{path} has the checksum of no entry of the catalogue. Say what it should be: --as NAME (`workbench "
            "weights list`), or --arch NAME for a model of that architecture."
        )
    wanted = Weights("", "model", "", "", architecture, options)
    return CheckReport(None, path, sha256, "none stated", wanted.fits, *_loaded(wanted, read_state_dict(path), path))


def _loaded(weights: Weights, state: Mapping[str, Tensor], path: Path) -> tuple[int | None, LoadReport]:
    """Load a file's tensors into the network they belong to; return the classes of its head and the report."""
    with torch.random.fork_rng(devices=[]):
        if weights.kind == "backbone":
            network = architectures.build(weights.architecture, _CLASSES, **weights.options)
            report, backbone = load_start(network, state, str(path))
            if not backbone:
                raise UserError(f"{path} should hold a backbone, {weights.name}, found a whole {network.name}.")
            return None, report
        count = count_classes(architectures.family(weights.architecture), state)
        if count is None:
            raise UserError(
                f"{path} is no model of {weights.architecture}: it has no {_head(weights.architecture)}, which would "
                f"predict the classes. It has {', '.join(list(state)[:3])}, ..."
            )
        network = architectures.build(weights.architecture, count, **weights.options)
        return count, load_model(network, state, str(path))


def _head(architecture: str) -> str:
    return architectures.family(architecture).head_key


def _checksum(weights: Weights) -> str:
    return "the publisher's" if weights.url else "its own, as it was when it was added"


def problems(reports: Sequence[CheckReport]) -> int:
    """Count the files that are not as they should be."""
    return sum(report.problem is not None for report in reports)
