"""Sums over pixels of something that depends on how likely the true class was, with one fp32 copy of a few images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from labeling.annotation import IGNORE

CHUNK = 1 << 24
"""Logits handled in fp32 at a time: 64 MiB."""

Curve = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""From log p(true class), the true class (0 where ignored) and whether the pixel is valid, each (n, H, W) of whole
images, to the summed loss (a scalar) and minus its derivative by log p(true class), (n, H, W), 0 where ignored."""


def chunks(logits: Tensor) -> Iterator[slice]:
    """Yield parts of a batch (N, K, H, W), whole images, of about `CHUNK` logits."""
    images = max(1, CHUNK // max(1, logits[0].numel()))
    for start in range(0, len(logits), images):
        yield slice(start, start + images)


class _PixelSum(torch.autograd.Function):
    """Sum of a curve of log softmax(logits)[y] over valid pixels.

    The gradient, pull x (softmax - onehot) with pull = -d curve / d log p, is made together with the sum and kept in
    the logits' own dtype. torch's composition keeps an fp32 log-softmax of everything until the backward pass, several
    times the memory for bf16.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, curve: Curve) -> Tensor:
        total = torch.zeros((), device=logits.device)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        for part in chunks(logits):
            probabilities = F.log_softmax(logits[part].float(), dim=1)
            valid = labels[part] != IGNORE
            target = torch.where(valid, labels[part], 0).long().unsqueeze(1)
            value, pull = curve(probabilities.gather(1, target).squeeze(1), target.squeeze(1), valid)
            total += value
            if gradient is not None:
                probabilities.exp_()
                probabilities.scatter_(1, target, probabilities.gather(1, target) - 1)
                gradient[part] = probabilities.mul_(pull.unsqueeze(1))
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outputs[0].to(gradient.dtype), None, None


def pixel_sum(logits: Tensor, labels: Tensor, curve: Curve) -> Tensor:
    """Sum a curve of the true class's log-probability over all pixels whose label is not 255.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        curve: see `Curve`.

    Returns:
        A fp32 scalar.
    """
    return _PixelSum.apply(logits, labels, curve)


def class_weight(target: Tensor, valid: Tensor, weights: Tensor | None) -> Tensor:
    """Return each pixel's class weight, 0 where it is ignored, fp32 of the shape of `target` and `valid`."""
    return valid.float() if weights is None else weights[target] * valid
