"""One optimiser step: the only place where a network learns. The loop and the probe both call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from labeling.annotation import IGNORE
from training.architectures.contract import Architecture, Logits
from training.data.batches import Batch
from training.engine.optimizer import hold_encoder, set_train_mode
from training.engine.ranks import Ranks
from training.evaluation.counting import count
from training.losses.segmentation import SegmentationLoss
from training.losses.valid import ValidPixels, resize_labels
from training.numerics import Numerics
from training.recipe import Recipe


@dataclass(frozen=True)
class Outcome:
    """What a step gave, still on its device.

    Attributes:
        loss: fp32 scalar, of all processes.
        counts: (K, K) int64, rows are truth; at the logits' size; of all processes.
    """

    loss: Tensor
    counts: Tensor


class Step:
    """Forward, backward and update for one global batch, which several passes and processes may share."""

    def __init__(
        self,
        model: Architecture,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        loss: SegmentationLoss,
        numerics: Numerics,
        recipe: Recipe,
        ranks: Ranks,
        thaw_step: int | None = None,
    ) -> None:
        """Take what trains.

        Args:
            model: in its place.
            optimizer: of all parameters that ever learn.
            scaler: of the gradients.
            loss: what is minimised.
            numerics: where and how to compute.
            recipe: what is frozen, what is clipped, the seed.
            ranks: the processes that share a batch.
            thaw_step: the first at which a frozen encoder learns; None: it never does.
        """
        self._model = model
        self._optimizer = optimizer
        self._scaler = scaler
        self._loss = loss
        self._numerics = numerics
        self._recipe = recipe
        self._ranks = ranks
        self._thaw_step = thaw_step
        self._held: bool | None = None  # whether the encoder is; unknown before the first step
        self._shared: Callable[[Tensor], Logits] = model.logits
        self._logits: Callable[[Tensor], Logits] = self._shared

    def __call__(self, step: int, batches: Sequence[Batch]) -> Outcome:
        """Update the weights once.

        Args:
            step: counted from 0; with the recipe's seed it decides every random draw inside the network.
            batches: the step's forward passes, of each our share; the loss divides by the valid pixels of them all.
        """
        torch.manual_seed(draw_seed(self._recipe.seed, step, self._ranks.rank))
        held = self._recipe.freeze_encoder and (self._thaw_step is None or step < self._thaw_step)
        if held is not self._held:
            self._wire(held)
        set_train_mode(self._model, self._recipe, held=held)
        valid = ValidPixels([batch.labels for batch in batches], self._ranks.sum)
        total = torch.zeros((), device=self._numerics.device)
        k = self._model.num_classes
        counts = torch.zeros((k, k), dtype=torch.int64, device=self._numerics.device)
        for number, batch in enumerate(batches, start=1):
            later = number < len(batches)
            with self._ranks.without_sum(self._shared) if later else nullcontext():
                with self._numerics.autocast():
                    logits = self._logits(self._numerics.input(batch.pixels))
                    loss = self._loss(logits, batch.labels, valid, batch.pixels)
                # Gradients of several processes are averaged, but each loss is a share of one sum.
                self._scaler.scale(loss * self._ranks.world).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
            _count(counts, logits.out.detach(), batch.labels)
        self._update()
        return Outcome(self._ranks.sum(total), self._ranks.sum(counts))

    def _wire(self, held: bool) -> None:
        """Freeze or thaw the encoder, and begin to share the gradients of what learns now."""
        hold_encoder(self._model, self._recipe, held)
        # What shared them before goes first: it has a hook on every parameter that learnt then.
        self._shared = self._logits = self._model.logits
        self._shared = self._ranks.logits(self._model)
        self._logits = torch.compile(self._shared) if self._recipe.compile else self._shared
        self._held = held

    def _update(self) -> None:
        if limit := self._recipe.optimizer.clip_norm:
            self._scaler.unscale_(self._optimizer)
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), limit)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)


def draw_seed(seed: int, step: int, rank: int = 0) -> int:
    """Mix a recipe's seed, a step and a process's rank into the seed of torch's generators (Fibonacci hashing)."""
    return (seed * 0x9E3779B97F4A7C15 + rank * 0xC2B2AE3D27D4EB4F + step) % 2**63


@torch.no_grad()
def _count(counts: Tensor, logits: Tensor, labels: Tensor) -> None:
    k = logits.shape[1]
    truth = resize_labels(labels, logits.shape[-2:])
    predicted = logits.argmax(dim=1)
    if counts.device.type == "cpu":
        counts += torch.from_numpy(count(truth.numpy(), predicted.to(torch.uint8).numpy(), k, k))
        return
    # A histogram that never makes the host wait for the device, which bincount does to learn its length. Ignored
    # pixels go to a cell of their own behind the table.
    cell = torch.where(truth != IGNORE, truth.long() * k + predicted, k * k).flatten()
    table = torch.zeros(k * k + 1, dtype=torch.int64, device=counts.device)
    counts += table.scatter_add_(0, cell, torch.ones_like(cell))[:-1].view(k, k)
