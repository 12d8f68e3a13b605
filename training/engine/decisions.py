"""What a run settles before its first step and never measures again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import ValidationError

from db.errors import UserError
from db.files import write_atomic
from training.architectures.contract import Preprocessing
from training.documents import Document
from training.models.spec import Lineage
from training.recipe import Recipe


class Machine(Document):
    """Where a run was decided; on another one a resumed run may differ in the last bits."""

    host: str
    cpu: str
    gpu: str | None
    python: str
    torch: str
    numpy: str


class Decisions(Document):
    """What a run settled before its first step and never measures again (`run.yaml`).

    Attributes:
        architecture: its name.
        device: `cpu` or `cuda:N`; of several, the first.
        ranks: processes that train together, a device each.
        precision: of the forward pass.
        channels_last: memory format of the network and its input.
        threads: of torch on the CPU.
        steps: optimiser steps in all.
        steps_per_epoch: that show every image once; below 1 for very few images.
        validate_every: steps; None: there is nothing to validate on.
        checkpoint_every: steps.
        thaw_step: the first at which a frozen encoder learns; None: it never does, or always did.
        init: what the weights started from, in words.
        init_sha256: of the file they were read from.
        preprocessing: from pixels to network input.
        lineage: every training that shaped the weights, this one last.
        data: how photos are read.
        placement: where batches are made: on the `host`, or on the `device`, whose memory then holds all photos.
        images: trained on.
        validation_images: validated on.
        class_weights: None for equal ones.
        seconds_per_step: as measured on a throw-away copy of the network; of an encoder that thaws, the mean.
        thawed: how many times longer a step takes once the encoder has thawed, likewise.
        seconds: of the whole run, likewise.
        peak_memory: bytes, likewise.
        machine: where this was decided.
        recipe: as asked.
    """

    architecture: str
    device: str
    ranks: int = 1
    precision: Literal["fp32", "bf16", "fp16"]
    channels_last: bool
    threads: int
    steps: int
    steps_per_epoch: float
    validate_every: int | None
    checkpoint_every: int
    thaw_step: int | None = None
    init: str
    init_sha256: str | None
    preprocessing: Preprocessing
    lineage: Lineage
    data: str
    placement: Literal["host", "device"] = "host"
    images: int
    validation_images: int
    class_weights: tuple[float, ...] | None
    seconds_per_step: float
    thawed: float = 1.0
    seconds: float
    peak_memory: int
    machine: Machine
    recipe: Recipe


def read_decisions(path: Path) -> Decisions | None:
    """Read a `run.yaml`; None where there is none yet.

    Raises:
        UserError: it was damaged or edited into something else.
    """
    if not path.exists():
        return None
    try:
        return Decisions.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None


def write_decisions(path: Path, decisions: Decisions) -> None:
    """Write a `run.yaml`, whole or not at all."""
    text = yaml.safe_dump(decisions.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_atomic(path, text.encode())
