"""Weights files that a training starts from, told apart: those that know what model they are, and the rest."""

from __future__ import annotations

from pathlib import Path

from db.errors import UserError
from training.engine.rundir import Start

_WORDS = ("auto", "scratch", "imagenet")


def start_of_file(init: str) -> Start | None:
    """Return the model that a path given as `init` names: a bundle, or a run's checkpoint (`.pt`).

    Either knows its classes, preprocessing and lineage. None for a word, and for a file that holds weights alone.

    Raises:
        UserError: a bundle that is damaged.
    """
    path = _weights_file(init)
    if path is None:
        return None
    # To look into weights is to load torch, which most trainings start without.
    from training.bundle import read_spec
    from training.models import read_checkpoint
    from training.weights_reading import is_safetensors

    if is_safetensors(path):
        return Start(path=path, label=path.name) if read_spec(path) is not None else None
    if path.suffix != ".pt":
        return None
    try:
        read_checkpoint(path)
    except UserError:
        return None  # somebody else's, as it seems: what it is shows when its tensors are read
    return Start(path=path, label=path.name)


def absolute_init(init: str) -> str:
    """Return `init` with a file's path made absolute: the trainer may work in another folder, and later."""
    path = _weights_file(init)
    return init if path is None else str(path)


def _weights_file(init: str) -> Path | None:
    path = Path(init).expanduser()
    return path.resolve() if init not in _WORDS and path.is_file() else None
