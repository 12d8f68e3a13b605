"""In which numbers and which memory format a network computes; `auto` measures it, once a run."""

from __future__ import annotations

import copy
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from training.architectures.contract import Architecture, Preprocessing
from training.recipe import Recipe

Precision = Literal["fp32", "bf16", "fp16"]
HOPELESS = 1.5
"""A candidate whose first step takes this much longer than the best so far is not measured further."""


@dataclass(frozen=True)
class Numerics:
    """Where and how a forward pass is computed.

    Attributes:
        device: of the network and its input.
        preprocessing: what the network's weights expect.
        precision: `bf16` and `fp16` by autocast; weights and optimiser stay fp32.
        channels_last: memory format of convolution weights and inputs.
    """

    device: torch.device
    preprocessing: Preprocessing
    precision: Precision = "fp32"
    channels_last: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        """The memory format as torch names it."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def place(self, model: Architecture) -> Architecture:
        """Move the model to its device and memory format, in place."""
        return model.to(self.device).to(memory_format=self.memory_format)

    def input(self, pixels: Tensor) -> Tensor:
        """Turn uint8 RGB (N, 3, H, W) into network input."""
        return self.preprocessing(pixels).contiguous(memory_format=self.memory_format)

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context for a forward pass."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16 if self.precision == "bf16" else torch.float16)

    def scaler(self) -> torch.amp.GradScaler:
        """Return the gradient scaler, which does something for fp16 only."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")


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


def has_bf16_instructions() -> bool:
    """Tell whether the CPU multiplies bf16 in hardware; without, bf16 is emulated and far slower than fp32."""
    if platform.machine() in {"arm64", "aarch64"} and platform.system() == "Darwin":
        return False  # torch's CPU kernels do not use them there
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))
