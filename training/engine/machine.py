"""On what a run was decided, and what is different now."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path

import numpy as np
import torch

from db.home import Home
from training.engine.decisions import Decisions, Machine
from training.numerics import pick_device


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


def differences(decisions: Decisions, machine: Machine, device: torch.device, ranks: int) -> list[str]:
    """Say what changed since the run was decided; a resumed run then may differ in the last bits."""
    before = decisions.machine
    changed = [
        f"{name} was {getattr(before, name)} and is {getattr(machine, name)}"
        for name in Machine.model_fields
        if getattr(before, name) != getattr(machine, name) and name != "host"
    ]
    if decisions.device != str(device):
        changed.append(f"it computed on {decisions.device} and does on {device}")
    if decisions.ranks != ranks:
        changed.append(f"{decisions.ranks} processes trained it and {ranks} do now")
    cores = len(os.sched_getaffinity(0))
    if decisions.threads > cores:
        changed.append(f"it ran with {decisions.threads} threads and there are {cores} cores now")
    return changed


def be_deterministic(device: torch.device) -> None:
    """Have a GPU use algorithms that give the same bits every time, in this whole process; before it computes anything.

    Without, the gradients of convolutions and of bilinear resizing are added up in the order threads happen to end
    in. What has no such algorithm warns in the log.
    """
    if device.type != "cuda":
        return
    # https://docs.nvidia.com/cuda/cublas/#results-reproducibility
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def usable_devices(name: str) -> list[torch.device]:
    """Return the devices the name of one stands for, any of which will do: every GPU for `auto`, if there are any.

    Raises:
        UserError: no such device here; says which there are.
    """
    first = pick_device(name)
    if name != "auto" or first.type == "cpu":
        return [first]
    return [torch.device("cuda", number) for number in range(torch.cuda.device_count())]


def device_lock(device: torch.device, home: Home) -> Path:
    """Return the lock file of who computes on a device of this machine.

    A GPU's memory is shared by all that the person runs, from whatever home, so its lock is in the person's cache
    folder and has the name of the chip: `cuda:0` is another chip in every job of a cluster. Trainings on the CPU only
    slow each other down, so those of one home wait for each other, and other homes are none of their business.
    """
    if device.type == "cpu":
        return home.locks / f"device-{socket.gethostname()}-cpu.lock"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "segmentation-workbench" / f"gpu-{torch.cuda.get_device_properties(device).uuid}.lock"


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
