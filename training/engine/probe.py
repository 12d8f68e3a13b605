"""How long a step takes and how much memory it needs, measured on a throw-away copy of the network."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from training.architectures.contract import Architecture
from training.data.batches import Batch
from training.engine.meter import peak_memory
from training.engine.optimizer import build_optimizer
from training.engine.ranks import ALONE, Ranks
from training.engine.step import Step
from training.engine.validate import validate
from training.engine.workload import Workload
from training.losses.segmentation import SegmentationLoss
from training.numerics import Numerics
from training.recipe import Recipe

SECONDS = 5.0
"""Time given to measuring steps, after the first."""


@dataclass(frozen=True)
class Speed:
    """What a probe found.

    Attributes:
        step: seconds of one optimiser step, its data included; of an encoder that thaws, the mean over the run.
        validation: seconds of one validation.
        memory: most bytes held.
        thawed: how many times longer a step takes once the encoder has thawed.
    """

    step: float
    validation: float
    memory: int
    thawed: float = 1.0


def build_step(
    model: Architecture,
    recipe: Recipe,
    numerics: Numerics,
    class_weights: Sequence[float] | None,
    ranks: Ranks = ALONE,
    thaw_step: int | None = None,
) -> tuple[Step, torch.optim.Optimizer, torch.amp.GradScaler]:
    """Wire optimiser, loss and network for training; the network must be in its place already."""
    weights = torch.tensor(class_weights, device=numerics.device) if class_weights is not None else None
    optimizer = build_optimizer(model, recipe.optimizer)
    scaler = numerics.scaler()
    loss = SegmentationLoss(model, recipe.loss, weights)
    return Step(model, optimizer, scaler, loss, numerics, recipe, ranks, thaw_step), optimizer, scaler


def small_step(recipe: Recipe, batch: Batch) -> Callable[[Architecture, Numerics], None]:
    """Return what `precision.fastest` measures: a training step on at most two images of a batch, all of it thawed."""
    two = Batch(batch.pixels[:2], batch.labels[:2], batch.images[:2])
    plain = recipe.model_copy(update={"compile": False})
    thaw_step = None if recipe.thaw_at is None else 0

    def run(model: Architecture, numerics: Numerics) -> None:
        step, _, _ = build_step(model, plain, numerics, None, thaw_step=thaw_step)
        step(0, [two])
        _wait(numerics.device)

    return run


def measure(
    model: Architecture,
    workload: Workload,
    recipe: Recipe,
    numerics: Numerics,
    class_weights: Sequence[float] | None,
    ranks: Ranks,
) -> Speed:
    """Train a copy for a few seconds, as the run will, all processes together.

    Args:
        model: left as it is.
        workload: its images.
        recipe: batch, crop, accumulation.
        numerics: where and how to compute.
        class_weights: of the loss.
        ranks: the processes that train.
    """
    twin = numerics.place(copy.deepcopy(model))

    def each(thaw_step: int | None) -> float:
        step, _, _ = build_step(twin, recipe, numerics, class_weights, ranks, thaw_step)
        seconds: list[float] = []
        with workload.batches_from(0) as batches:
            while len(seconds) < 3 or ranks.same(sum(seconds[1:]) < SECONDS and len(seconds) < 12):
                start = time.perf_counter()
                step(len(seconds), [next(batches) for _ in range(recipe.accumulate)])
                _wait(numerics.device)
                seconds.append(time.perf_counter() - start)
        return sum(seconds[1:]) / (len(seconds) - 1)

    held = each(None)
    thawed = held if recipe.thaw_at is None else each(0)
    share = recipe.thaw_at or 0.0
    validation = _validation_seconds(twin, workload, recipe, numerics) / ranks.world
    return Speed(share * held + (1 - share) * thawed, validation, peak_memory(numerics.device), thawed / held)


def _validation_seconds(model: Architecture, workload: Workload, recipe: Recipe, numerics: Numerics) -> float:
    some = workload.val[: min(recipe.batch, 4)]
    if not some:
        return 0.0
    start = time.perf_counter()
    validate(model, workload.source, some, numerics, batch_size=recipe.batch)
    return (time.perf_counter() - start) * len(workload.val) / len(some)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
