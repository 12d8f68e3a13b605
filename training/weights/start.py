"""How a network's weights begin: from scratch, from ImageNet, from a file or from another training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from torch import Tensor

from db.errors import UserError
from db.files import file_sha256
from db.home import Home
from training.architectures.contract import Architecture, Preprocessing
from training.evaluation.public_data import PublicTraining
from training.weights.catalogue import check, entry_of, find_weights, how_to_get, locate
from training.weights.entry import Weights
from training.weights.loading import LoadReport, load_encoder, load_start
from training.weights.reading import read_state_dict


@dataclass(frozen=True)
class StartState:
    """Weights the caller has found: those of a run or of a model.

    Attributes:
        state: tensors by name; of an encoder, by the names it has for them.
        label: what to call them (`run 12:best`).
        preprocessing: what they were trained with.
        encoder_only: whether they are those of an encoder, of whatever architecture.
        left_out: names of the model's tensors that are not among them.
        how: which they are and why, after the label; empty for all.
    """

    state: Mapping[str, Tensor]
    label: str
    preprocessing: Preprocessing
    encoder_only: bool = False
    left_out: tuple[str, ...] = ()
    how: str = ""


@dataclass(frozen=True)
class InitReport:
    """What a training starts from; kept with the run and shown beside its figures.

    Attributes:
        kind: what it turned out to be.
        text: one or a few lines for people; the first says it all.
        preprocessing: what the training must feed its network, which is what the weights were trained with.
        source: file name, or the caller's label; None for scratch.
        sha256: of the file; None where there is none.
        load: what was taken; None for scratch.
        trained_on: what the catalogue says the weights were trained on.
    """

    kind: Literal["scratch", "imagenet", "file", "run"]
    text: str
    preprocessing: Preprocessing
    source: str | None = None
    sha256: str | None = None
    load: LoadReport | None = None
    trained_on: tuple[PublicTraining, ...] = ()


def initialise(
    module: Architecture, init: str, home: Home, given: StartState | None = None, *, encoder_only: bool = False
) -> InitReport:
    """Give a freshly built network its starting weights. Never downloads.

    Args:
        module: as built; its initial weights stay where nothing replaces them.
        init: `auto` (ImageNet weights where they are on disk, else scratch), `scratch`, `imagenet`, or the path of a
            weights file: a model of the same architecture, taken to have its published preprocessing, or its
            backbone. A bundle or a run's checkpoint knows its own preprocessing: resolve it and give it as `given`.
        home: where fetched weights lie.
        given: weights the caller has found; `init` is then not read.
        encoder_only: leave the head of a weights file where it is.

    Raises:
        UserError: weights that are not there, are damaged, or do not fit the encoder; says what to do.
    """
    if given is not None:
        return _from_given(module, given)
    if init == "scratch":
        return InitReport("scratch", "scratch (random weights)", module.preprocessing)
    if init == "auto":
        return _auto(module, home)
    if init == "imagenet":
        return _from_catalogue(module, _wanted(module), home)
    path = Path(init).expanduser()
    if not path.is_file():
        raise UserError(f"init should be auto, scratch, imagenet, a run or a weights file; '{init}' is none of them.")
    return _from_file(module, path, encoder_only)


def _from_given(module: Architecture, given: StartState) -> InitReport:
    if given.encoder_only:
        report = load_encoder(module, given.state, given.label)
    else:
        report, _ = load_start(module, given.state, given.label)
    report = replace(report, unexpected=(*report.unexpected, *given.left_out))
    text = f"{given.label}{given.how and f', {given.how}'}: {report.sentence}"
    return InitReport("run", text, given.preprocessing, given.label, None, report)


def _auto(module: Architecture, home: Home) -> InitReport:
    if module.imagenet is None:
        text = f"scratch (random weights; none in the catalogue fit). {module.imagenet_note}".strip()
        return InitReport("scratch", text, module.preprocessing)
    weights = find_weights(module.imagenet)
    if locate(weights, home) is None:
        text = f"scratch (random weights; to start from ImageNet's, {how_to_get(weights)})"
        return InitReport("scratch", text, module.preprocessing)
    return _from_catalogue(module, weights, home)


def _wanted(module: Architecture) -> Weights:
    if module.imagenet is None:
        message = f"The catalogue has no ImageNet weights for {module.name} with these options. {module.imagenet_note}"
        raise UserError(message.strip())
    return find_weights(module.imagenet)


def _from_catalogue(module: Architecture, weights: Weights, home: Home) -> InitReport:
    path = locate(weights, home)
    if path is None:
        raise UserError(f"{weights.file_name or weights.name} is not on this machine: {how_to_get(weights)}.")
    sha256 = check(weights, path)
    report, _ = load_start(module, read_state_dict(path), str(path))
    # torchvision's weights expect its preprocessing, whatever the architecture was published with.
    expects = weights.preprocessing or Preprocessing()
    text = f"imagenet ({weights.about})"
    return InitReport("imagenet", text, expects, path.name, sha256, report, weights.trained_on)


def _from_file(module: Architecture, path: Path, encoder_only: bool) -> InitReport:
    report, backbone = load_start(module, read_state_dict(path), str(path), encoder_only=encoder_only)
    sha256 = file_sha256(path)
    known = entry_of(sha256)
    preprocessing = Preprocessing() if backbone else module.preprocessing
    what = " (a backbone)" if backbone else ", only the encoder" if encoder_only else ""
    text = f"{path.name}{what}: {report.sentence}"
    trained_on = known.trained_on if known else ()
    return InitReport("file", text, preprocessing, path.name, sha256, report, trained_on)
