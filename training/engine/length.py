"""How many steps a run takes, and when it validates and saves: pure arithmetic, done once."""

from __future__ import annotations

from dataclasses import dataclass

from training.engine.probe import Speed
from training.recipe import Recipe

VALIDATIONS = 10
"""Validations in a run whose recipe does not say."""
VALIDATION_SHARE = 0.15
"""Most of a run's time that validations nobody asked for may take."""
CHECKPOINT_SECONDS = 60
MARGIN = 0.97
"""Part of the minutes given that is planned with; machines slow down."""


@dataclass(frozen=True)
class Length:
    """A run's length, in optimiser steps.

    Attributes:
        steps: in all.
        steps_per_epoch: that show every image once.
        validate_every: None where there is nothing to validate on.
        checkpoint_every: between two checkpoints.
        thaw_step: the first at which a frozen encoder learns; None: it never does, or always did.
    """

    steps: int
    steps_per_epoch: float
    validate_every: int | None
    checkpoint_every: int
    thaw_step: int | None = None


def plan(recipe: Recipe, *, images: int, validation_images: int, speed: Speed, seconds_used: float) -> Length:
    """Settle a run's length.

    Args:
        recipe: what was asked.
        images: trained on.
        validation_images: validated on.
        speed: as measured.
        seconds_used: of `minutes`, by the preparation.
    """
    epoch = images / (recipe.batch * recipe.accumulate)
    every = _asked_interval(recipe, epoch)
    if recipe.steps is not None:
        steps = recipe.steps
    elif recipe.minutes is not None:
        steps = _fit(recipe.minutes * 60 * MARGIN - seconds_used, every, speed, validation_images)
    else:
        steps = max(1, round((recipe.epochs or recipe.default_epochs) * epoch))
    return Length(
        steps=steps,
        steps_per_epoch=epoch,
        validate_every=_interval(every, steps, epoch, speed) if validation_images else None,
        checkpoint_every=recipe.checkpoint_every or max(10, round(CHECKPOINT_SECONDS / speed.step)),
        thaw_step=None if recipe.thaw_at is None else max(1, round(recipe.thaw_at * steps)),
    )


def seconds(length: Length, speed: Speed) -> float:
    """Return how long a run of this length takes."""
    validations = length.steps / length.validate_every if length.validate_every else 0
    return length.steps * speed.step + validations * speed.validation


def _asked_interval(recipe: Recipe, epoch: float) -> int | None:
    if recipe.validation.every_steps is not None:
        return recipe.validation.every_steps
    if recipe.validation.every_epochs is not None:
        return max(1, round(recipe.validation.every_epochs * epoch))
    return None


def _interval(asked: int | None, steps: int, epoch: float, speed: Speed) -> int:
    if asked is not None:
        return asked
    affordable = speed.validation / (VALIDATION_SHARE * speed.step)
    return min(steps, max(1, round(steps / VALIDATIONS), round(epoch), round(affordable)))


def _fit(budget: float, every: int | None, speed: Speed, validation_images: int) -> int:
    if not validation_images:
        return max(1, int(budget / speed.step))
    if every is not None:
        return max(1, int(budget / (speed.step + speed.validation / every)))
    validations = min(VALIDATIONS * speed.validation, VALIDATION_SHARE * budget)
    return max(1, int((budget - validations) / speed.step))
