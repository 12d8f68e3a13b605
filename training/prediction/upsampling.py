"""Bilinear resizing of logits in strips of rows, so that the whole result is never in memory.

Source rows may arrive block by block, top to bottom; output rows leave as soon as the source rows they lie between are
there. The result is what `torch.nn.functional.interpolate` gives for the whole, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

# A strip of about this many values stays in the CPU's cache, and amortises the launches on a GPU.
_STRIP_VALUES = {"cpu": 1 << 19, "cuda": 1 << 26}


@dataclass(frozen=True)
class Rows:
    """Rows `top` to `top + n` of a map: logits float32 (K, n, width)."""

    top: int
    logits: Tensor


def upsample_strips(
    blocks: Iterable[Rows], source: tuple[int, int], size: tuple[int, int], align_corners: bool
) -> Iterator[Rows]:
    """Yield strips of the resized map, top to bottom.

    Args:
        blocks: the source's rows without a gap, top to bottom.
        source: (height, width) of the source.
        size: (height, width) of the result.
        align_corners: as torch's `interpolate` understands it.
    """
    above, below, share = _positions(source[0], size[0], align_corners)
    done, held = 0, Rows(0, torch.empty(0))
    for block in blocks:
        held = Rows(held.top, torch.cat([held.logits, block.logits], dim=1)) if held.logits.numel() else block
        ready = int(torch.searchsorted(below, held.top + held.logits.shape[1]))
        step = max(1, _STRIP_VALUES.get(held.logits.device.type, 1 << 26) // (held.logits.shape[0] * size[1]))
        if ready < size[0]:
            ready -= ready % step  # strips begin at the same rows whatever the blocks are, so that several maps combine
        for start in range(done, ready, step):
            rows = slice(start, min(start + step, ready))
            mixed = _mix_rows(held, above[rows], below[rows], share[rows])
            yield Rows(start, _widen(mixed, size[1], align_corners))
        done = ready
        if done < size[0]:
            first = min(int(above[done]), held.top + held.logits.shape[1])
            held = Rows(first, held.logits[:, first - held.top :])


def _positions(length: int, size: int, align_corners: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return, for each output row, the source rows above and below it and the share of the one below."""
    rows = torch.arange(size, dtype=torch.float64)
    if align_corners:
        at = rows * ((length - 1) / max(size - 1, 1))
    else:
        at = ((rows + 0.5) * length / size - 0.5).clamp(min=0)
    above = at.floor().long().clamp(max=length - 1)
    return above, (above + 1).clamp(max=length - 1), (at - above).float()


def _mix_rows(held: Rows, above: Tensor, below: Tensor, share: Tensor) -> Tensor:
    first, last = int(above[0]) - held.top, int(below[-1]) - held.top
    if not share.any() and len(above) == int(above[-1] - above[0]) + 1:
        return held.logits[:, first : first + len(above)]  # the height does not change
    rows = held.logits[:, first : last + 1]
    device = rows.device
    upper = rows.index_select(1, (above - above[0]).to(device))
    lower = rows.index_select(1, (below - above[0]).to(device))
    return upper.lerp_(lower, share.to(device)[:, None])


def _widen(logits: Tensor, width: int, align_corners: bool) -> Tensor:
    if logits.shape[2] == width:
        return logits
    size = (logits.shape[1], width)
    return F.interpolate(logits[None], size=size, mode="bilinear", align_corners=align_corners)[0]


def combine_strips(maps: Sequence[Iterable[Rows]], how: Literal["mean", "max"]) -> Iterator[Rows]:
    """Make one map of several that say the same pixels' classes, strip by strip.

    Args:
        maps: as `upsample_strips` yields them, all for one size.
        how: `mean` of the probabilities, given as their logarithm; `max` of the logits, as in DeepLabv2's fusion of
            scales (Chen et al. 2018, section 4.1). One map alone is left as it is.
    """
    for strips in zip(*maps, strict=True):
        logits = [strip.logits for strip in strips]
        if len(logits) > 1 and how == "max":
            logits = [torch.stack(logits).amax(dim=0)]
        elif len(logits) > 1:
            shares = torch.stack([each.log_softmax(dim=0) for each in logits])
            logits = [shares.logsumexp(dim=0) - math.log(len(shares))]
        yield Rows(strips[0].top, logits[0])
