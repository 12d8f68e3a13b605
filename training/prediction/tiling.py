"""Photos too large for the network in one piece: overlapping windows, blended, a band of rows at a time."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.architectures.contract import Architecture
from training.prediction.upsampling import Rows

_OVERLAP = 0.25  # of a window's side: what lies near a border sees too little around it
_SMALLEST_SIDE = 256
_SIDE_STEP = 64
_PROBE_SIDE = 128
_LIVE_OUTPUTS = (
    4  # layers whose outputs are alive at once, the largest ones taken: skips, branches, a convolution's copy
)
_MEMORY_SHARE = 0.5
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")  # version 2, https://docs.kernel.org/admin-guide/cgroup-v2.html


@dataclass(frozen=True)
class Window:
    """(height, width) of a window in pixels of the network's input."""

    height: int
    width: int


def choose_window(
    module: Architecture, size: tuple[int, int], device: torch.device, *, images: int = 1
) -> Window | None:
    """Decide whether images go through the network whole.

    Args:
        module: on `device`.
        size: (height, width) of the network's input.
        device: whose free memory counts, half of it.
        images: how many at once.

    Returns:
        None where they fit whole; else the largest window that does, its sides multiples of 64 and at least 256.
    """
    budget = _MEMORY_SHARE * free_memory(device)
    need = _bytes_per_pixel(module, device)
    if need * images * size[0] * size[1] <= budget:
        return None
    side = int(math.sqrt(budget / need)) // _SIDE_STEP * _SIDE_STEP
    side = max(side, _SMALLEST_SIDE)
    return Window(min(side, size[0]), min(side, size[1]))


def blended_rows(network: Callable[[Tensor], Tensor], pixels: Tensor, window: Window) -> Iterator[Rows]:
    """Run a network over overlapping windows and yield the blended logits, top to bottom.

    A window counts less towards its borders. Only the rows that windows still to come can change are kept.

    Args:
        network: from pixels (1, 3, h, w) to logits (1, K, h, w).
        pixels: (1, 3, H, W).
        window: not larger than the image.
    """
    height, width = pixels.shape[-2:]
    tops, lefts = _offsets(height, window.height), _offsets(width, window.width)
    weight = _ramp(window.height)[:, None] * _ramp(window.width)[None]
    weight = weight.to(pixels.device)
    kept: Tensor | None = None  # logits and, as the last channel, the weights, of rows from tops[i]
    for top, following in zip(tops, [*tops[1:], height], strict=True):
        band: Tensor | None = None
        for left in lefts:
            part = slice(left, left + window.width)
            logits = network(pixels[..., top : top + window.height, part])[0].float()
            if band is None:
                band = logits.new_zeros(logits.shape[0] + 1, window.height, width)
            band[:-1, :, part] += logits * weight
            band[-1, :, part] += weight
        assert band is not None
        if kept is not None:
            band[:, : kept.shape[1]] += kept
        finished = band[:, : following - top]
        yield Rows(top, finished[:-1] / finished[-1])
        kept = band[:, following - top :]


def free_memory(device: torch.device) -> int:
    """Return the bytes free on the device; on the CPU what the system and the container's limit leave."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # Blocks that torch holds but does not use are free to us too.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    limit = _CGROUP / "memory.max"
    if limit.is_file() and (most := limit.read_text(encoding="ascii").strip()) != "max":
        statistics = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        # Files that were read once count as used, but make way for whoever needs memory.
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii")) - int(statistics["inactive_file"])
        free = min(free, int(most) - used)
    return max(free, 0)


_measured: weakref.WeakKeyDictionary[nn.Module, float] = weakref.WeakKeyDictionary()


def _bytes_per_pixel(module: Architecture, device: torch.device) -> float:
    """Return what a pixel of the input takes inside the network at most, measured once on a small image."""
    if module in _measured:
        return _measured[module]
    sizes: list[int] = []

    def note(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel() * 4)

    leaves = [part for part in module.modules() if not any(part.children())]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    try:
        with torch.inference_mode():
            module.logits(torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE, device=device))
    finally:
        for hook in hooks:
            hook.remove()
    pixels = _PROBE_SIDE * _PROBE_SIDE
    # A module without layers still holds its input and its logits.
    largest = sorted([*sizes, 3 * 4 * pixels], reverse=True)[:_LIVE_OUTPUTS]
    _measured[module] = sum(largest) / pixels
    return _measured[module]


def _offsets(length: int, window: int) -> list[int]:
    """Return where windows begin so that they cover the length evenly, overlapping by a quarter at least."""
    if window >= length:
        return [0]
    count = math.ceil((length - window) / (window * (1 - _OVERLAP))) + 1
    return [round(index * (length - window) / (count - 1)) for index in range(count)]


def _ramp(length: int) -> Tensor:
    """Rise from the border by one a pixel over a quarter of the length, then stay."""
    rising = torch.arange(1, length + 1, dtype=torch.float32)
    return torch.minimum(rising, rising.flip(0)).clamp(max=max(1.0, _OVERLAP * length)) / max(1.0, _OVERLAP * length)
