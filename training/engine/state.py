"""Everything a training needs to go on as if nothing had happened, in one file."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from db.errors import UserError
from db.files import scratch_file, settle
from training.architectures.contract import Architecture

FORMAT = 1


@dataclass
class Progress:
    """How far a training is; part of every checkpoint.

    Attributes:
        step: optimiser steps done.
        validated: the step of the newest finished validation, 0 before any.
        best_step: step of the best validation, None before any.
        best_miou: its mIoU, None where no class of the model occurs in the truth.
        without_gain: validations in a row that did not beat the best.
        history: one entry per validation: step, miou, pa.
    """

    step: int = 0
    validated: int = 0
    best_step: int | None = None
    best_miou: float | None = None
    without_gain: int = 0
    history: list[dict[str, float | int | None]] = field(default_factory=list)


class Ema:
    """Exponential moving average of a model's parameters; buffers (batch statistics) are copied.

    The decay rises as (1 + step) / (10 + step) up to its value, so that the first steps do not linger.

    Attributes:
        model: a network of its own that holds the averages, in eval mode.
    """

    def __init__(self, model: Architecture, decay: float) -> None:
        self._decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: Architecture, step: int) -> None:
        """Move towards the model after optimiser step `step`, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - decay)
        for average, current in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(current)


@dataclass
class State:
    """All that changes while training.

    There is no random state: every draw is keyed by (seed, step), see `training.engine.loop`.
    """

    model: Architecture
    optimizer: torch.optim.Optimizer
    ema: Ema | None
    scaler: torch.amp.GradScaler
    progress: Progress = field(default_factory=Progress)

    def save(self, path: Path, spec: str) -> None:
        """Write the full state to `path`, whole or not at all.

        Args:
            path: `checkpoints/last.pt` of the run.
            spec: the ModelSpec as JSON.
        """
        extra = {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}
        save_checkpoint(path, {**self._weights(spec), **extra, "progress": vars(self.progress)})

    def save_weights(self, path: Path, spec: str) -> None:
        """Write what predicting needs, about a third of the full state."""
        save_checkpoint(path, {**self._weights(spec), "progress": vars(self.progress)})

    def load(self, path: Path) -> None:
        """Go back to what `save` wrote."""
        checkpoint = load_checkpoint(path)
        self.model.load_state_dict(checkpoint["model"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.scaler.load_state_dict(checkpoint["scaler"])
        if self.ema is not None:
            self.ema.model.load_state_dict(checkpoint["ema"])
        self.progress = Progress(**checkpoint["progress"])

    @property
    def judged(self) -> Architecture:
        """The network that is validated and kept: the average where there is one."""
        return self.ema.model if self.ema else self.model

    def is_finite(self) -> bool:
        """Tell whether all weights are numbers; waits for the device."""
        floats = [value for value in self.model.state_dict().values() if value.is_floating_point()]
        return bool(torch.stack([norm.isfinite().cpu() for norm in torch._foreach_norm(floats)]).all())

    def _weights(self, spec: str) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "spec": spec,
            "model": dict(self.model.state_dict()),
            "ema": dict(self.ema.model.state_dict()) if self.ema else None,
        }


def save_checkpoint(path: Path, content: Mapping[str, object]) -> None:
    """Write a checkpoint through a scratch file, fsync and rename.

    Raises:
        OSError: the disk is full; the file at `path`, if any, is as it was.
    """
    with scratch_file(path.parent) as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # What torch raises while it closes its archive hides why writing failed.
            raise error.__context__ if isinstance(error.__context__, OSError) else error from None
        settle(file, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU, without running any code in it.

    Raises:
        UserError: the file is damaged or not one of ours.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise UserError(f"The checkpoint {path} cannot be read: {error}") from None
    if not isinstance(checkpoint, dict) or checkpoint.get("format") != FORMAT:
        raise UserError(f"The checkpoint {path} was not written by this version of the workbench.")
    return checkpoint
