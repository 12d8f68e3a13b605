"""Which precision and memory format a run computes in; `auto` measures it, once a run."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator

import torch

from training.architectures.contract import Architecture, Preprocessing
from training.numerics import Numerics, Precision, has_bf16_instructions
from training.recipe import Recipe

HOPELESS = 1.5
"""A candidate whose first step takes this much longer than the best so far is not measured further."""


def candidates(recipe: Recipe, device: torch.device, preprocessing: Preprocessing) -> list[Numerics]:
    """List what the recipe leaves open, the likeliest to be fastest first.

    On CUDA nothing is measured: tensor cores make autocast with channels_last the fastest for convolutions.
    """
    if device.type == "cuda":
        best: Precision = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        chosen = best if recipe.precision == "auto" else recipe.precision
        return [Numerics(device, preprocessing, chosen, recipe.channels_last is not False)]
    usable: tuple[Precision, ...] = ("bf16", "fp32") if has_bf16_instructions() else ("fp32",)
    precisions = usable if recipe.precision == "auto" else (recipe.precision,)
    formats = (True, False) if recipe.channels_last == "auto" else (recipe.channels_last,)
    return [Numerics(device, preprocessing, precision, last) for last in formats for precision in precisions]


def fastest(model: Architecture, options: list[Numerics], step: Callable[[Architecture, Numerics], None]) -> Numerics:
    """Measure each option on a copy of the model and return the fastest.

    Args:
        model: left as it is.
        options: at least one; only one is not measured.
        step: trains the copy it is given on one small batch.
    """
    if len(options) == 1:
        return options[0]
    best, best_seconds = options[0], float("inf")
    for option in options:
        seconds = min(_timed(option.place(copy.deepcopy(model)), option, step, best_seconds))
        if seconds < best_seconds:
            best, best_seconds = option, seconds
    if best is not options[0]:
        # The first one, the likeliest, was measured while the process still warmed up: it gets a second chance.
        again = min(_timed(options[0].place(copy.deepcopy(model)), options[0], step, best_seconds))
        best = options[0] if again < best_seconds else best
    return best


def _timed(
    model: Architecture, option: Numerics, step: Callable[[Architecture, Numerics], None], best: float
) -> Iterator[float]:
    # The first step also makes oneDNN's kernels: it is only held against a candidate that takes a second more.
    for attempt in range(4):
        start = time.perf_counter()
        step(model, option)
        seconds = time.perf_counter() - start
        if attempt > 0:
            yield seconds
        if seconds > HOPELESS * best + (attempt == 0):
            yield seconds
            return
