"""The devices of this machine that a training has to itself, one or several."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch

from db.errors import UserError
from db.home import Home
from labeling.workers import usable_cores
from training.engine.device_queue import own_device
from training.engine.machine import device_lock, usable_devices
from training.numerics import pick_device, pick_devices


@contextmanager
def own_devices(
    name: str, count: int, home: Home, who: str, *, waiting: Callable[[str], None], stop: Callable[[], bool]
) -> Iterator[list[torch.device]]:
    """Compute on devices of this machine alone for the length of the block.

    Args:
        name: as a training's command has it.
        count: processes that a launcher started on this machine.
        home: where locks lie that are not a GPU's.
        who: what to tell others who wait.
        waiting: told who has a device that has to be waited for.
        stop: asked while waiting.

    Raises:
        UserError: there are no such devices.
        Stopped: asked to stop while waiting.
    """
    if count == 1 and "," not in name:
        locks = {str(device): device_lock(device, home) for device in usable_devices(name)}
        with own_device(locks, who, waiting=waiting, stop=stop) as owned:
            yield [torch.device(owned)]
        return
    devices = devices_together(name, count)
    with ExitStack() as held:
        # In one order everywhere, so that of two trainings none waits for a device of the other.
        for device in sorted(set(devices), key=str):
            lock = {str(device): device_lock(device, home)}
            held.enter_context(own_device(lock, who, waiting=waiting, stop=stop))
        yield devices


def devices_together(name: str, count: int) -> list[torch.device]:
    """Return the device of each process of this machine.

    Args:
        name: devices with commas between; or `auto`, `cuda` or `cpu`, for as many as there are processes.
        count: processes that a launcher started on this machine; 1: as many as devices are named.

    Raises:
        UserError: there are no such devices, or not so many.
    """
    if name == "auto" and torch.cuda.is_available():
        name = "cuda"
    if name in ("auto", "cpu"):
        return [pick_device("cpu")] * count
    if name == "cuda":
        name = ",".join(f"cuda:{number}" for number in range(count))
    devices = pick_devices(name)
    if count not in (1, len(devices)):
        raise UserError(f"{count} processes were started on this machine, but {name} is {len(devices)}.")
    return devices


def share_cores(device: torch.device, processes: int) -> None:
    """Let each of several processes that compute on the CPU use its part of the cores, unless its owner has decided."""
    if device.type == "cpu" and processes > 1 and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, usable_cores() // processes))
