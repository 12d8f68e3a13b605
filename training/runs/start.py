"""What a training starts from: files told apart by what they know, and a trial before there is a run."""

from __future__ import annotations

from pathlib import Path

from db.errors import UserError
from training.engine.rundir import Command, Start

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
    from training.models.bundle import read_spec
    from training.models.find import read_checkpoint
    from training.weights.reading import is_safetensors

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


def check_start(command: Command) -> None:
    """Take the starting weights as the trainer will, so that what does not fit is said before there is a run.

    Random weights, and ImageNet's where they happen to be there, fit always: those are not tried.

    Raises:
        UserError: weights that are not there, are damaged, or do not fit.
    """
    recipe = command.recipe
    if command.start is None and recipe.init in ("auto", "scratch") and not recipe.frozen_bn:
        return
    from training.architectures import build
    from training.engine.initial import begin

    begin(build(command.architecture, len(command.classes), **recipe.options), command)


def check_device(name: str) -> None:
    """Make sure that this machine has the device.

    Raises:
        UserError: it has not; says which there are.
    """
    if name in ("auto", "cpu"):
        return  # to look further is to load torch
    from training.numerics import pick_devices

    pick_devices(name)


def _weights_file(init: str) -> Path | None:
    path = Path(init).expanduser()
    return path.resolve() if init not in _WORDS and path.is_file() else None
