"""What there is to train on, and who is at it."""

from __future__ import annotations

from dataclasses import dataclass

from db.home import Home
from training.engine.device_queue import holder


@dataclass(frozen=True)
class DeviceInfo:
    """A device as one chooses it.

    Attributes:
        name: as commands take it.
        title: what to call it.
        busy_with: who computes on it, so that a training begun now waits; None where nobody does.
    """

    name: str
    title: str
    busy_with: str | None


def list_devices(home: Home) -> list[DeviceInfo]:
    """Return `auto`, then the devices by name, then all GPUs together where there are several. Loads torch."""
    import torch

    from training.engine.machine import device_lock, usable_devices

    def info(device: torch.device) -> DeviceInfo:
        name = "This computer's processor" if device.type == "cpu" else torch.cuda.get_device_name(device)
        return DeviceInfo(str(device), name, holder(device_lock(device, home)))

    automatic = [info(device) for device in usable_devices("auto")]
    chosen = next((device for device in automatic if device.busy_with is None), automatic[-1])
    others = [] if chosen.name == "cpu" else [info(torch.device("cpu"))]
    return [
        DeviceInfo("auto", f"Choose for me ({chosen.title})", chosen.busy_with),
        *automatic,
        *others,
        *_all(automatic),
    ]


def _all(gpus: list[DeviceInfo]) -> list[DeviceInfo]:
    if len(gpus) < 2:
        return []
    busy = next((gpu.busy_with for gpu in gpus if gpu.busy_with is not None), None)
    return [DeviceInfo(",".join(gpu.name for gpu in gpus), f"All {len(gpus)} GPUs together", busy)]
