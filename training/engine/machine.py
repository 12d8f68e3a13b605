"""On what a run was decided, and what is different now."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path

import numpy as np
import torch

from training.engine.decisions import Decisions, Machine


def this_machine(device: torch.device) -> Machine:
    """Describe what decides the last bits of a computation."""
    return Machine(
        host=socket.gethostname(),
        cpu=_cpu_name(),
        gpu=torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
    )


def differences(decisions: Decisions, machine: Machine, device: torch.device) -> list[str]:
    """Say what changed since the run was decided; a resumed run then may differ in the last bits."""
    before = decisions.machine
    changed = [
        f"{name} was {getattr(before, name)} and is {getattr(machine, name)}"
        for name in Machine.model_fields
        if getattr(before, name) != getattr(machine, name) and name != "host"
    ]
    if decisions.device != str(device):
        changed.append(f"it computed on {decisions.device} and does on {device}")
    cores = len(os.sched_getaffinity(0))
    if decisions.threads > cores:
        changed.append(f"it ran with {decisions.threads} threads and there are {cores} cores now")
    return changed


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
