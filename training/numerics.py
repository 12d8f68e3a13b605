"""Where a network computes, and in which numbers and memory format."""

from __future__ import annotations

import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from db.errors import UserError
from training.architectures.contract import Architecture, Preprocessing

Precision = Literal["fp32", "bf16", "fp16"]


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


def pick_device(name: str) -> torch.device:
    """Return the device a name stands for: `auto` (a GPU where there is one), `cpu`, `cuda` (the first) or `cuda:N`.

    Raises:
        UserError: no such device here; says which there are.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    known = {"cpu": torch.device("cpu")}
    if gpus:
        known["cuda"] = torch.device("cuda", 0)
        known |= {f"cuda:{number}": torch.device("cuda", number) for number in range(gpus)}
    chosen = known.get(("cuda" if gpus else "cpu") if name == "auto" else name)
    if chosen is None:
        raise UserError(f"There is no device {name!r} here. There are: auto, {', '.join(known)}.")
    return chosen


def pick_devices(name: str) -> list[torch.device]:
    """Return the devices to train on together: those listed with commas between, or the one named.

    Raises:
        UserError: there is no such device here, a GPU is listed twice, or unlike devices are.
    """
    devices = [pick_device(each.strip()) for each in name.split(",")]
    gpus = [device for device in devices if device.type == "cuda"]
    if len(set(gpus)) < len(gpus) or 0 < len(gpus) < len(devices):
        raise UserError(f"Devices that train together are different GPUs, or all cpu; got {name!r}.")
    return devices


def has_bf16_instructions() -> bool:
    """Tell whether the CPU multiplies bf16 in hardware; without, bf16 is emulated and far slower than fp32."""
    if platform.machine() in {"arm64", "aarch64"} and platform.system() == "Darwin":
        return False  # torch's CPU kernels do not use them there
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))
