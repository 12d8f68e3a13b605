"""The learning rate as a pure function of the step, so that a schedule has no state to save."""

from __future__ import annotations

import math

from training.recipe_parts import Schedule


def factor(schedule: Schedule, step: int, total: int) -> float:
    """Return what the learning rate is multiplied with at `step` of `total`, both counted from 0.

    With t = (step - warm-up) / (total - warm-up), in 0..1:

    - poly: eta_min + (1 - eta_min) (1 - t)^power
    - cosine: eta_min + (1 - eta_min) (1 + cos(pi t)) / 2
    - exponential: gamma^t, so that gamma is the fraction left at the end
    - inverse_time: 1 / (1 + gamma n), n the step counted from the end of the warm-up
    - constant: 1

    During warm-up it rises linearly from `warmup_factor` to 1.
    """
    warmup = min(schedule.warmup_steps, total)
    if step < warmup:
        return schedule.warmup_factor + (1 - schedule.warmup_factor) * step / warmup
    done = (step - warmup) // schedule.every * schedule.every
    t = min(1.0, done / max(1, total - warmup))
    match schedule.name:
        case "poly":
            shape = (1 - t) ** schedule.power
        case "cosine":
            shape = (1 + math.cos(math.pi * t)) / 2
        case "exponential":
            return schedule.gamma**t
        case "inverse_time":
            return 1 / (1 + schedule.gamma * done)
        case "constant":
            return 1.0
    return schedule.eta_min + (1 - schedule.eta_min) * shape
