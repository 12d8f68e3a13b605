"""Cross-entropy against labels that leave every class a little room."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from labeling.annotation import IGNORE
from training.losses.pixelwise import chunks, class_weight


class _SmoothedSum(torch.autograd.Function):
    """The gradient is made together with the sum, as in `training.losses.pixelwise`."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
        total = torch.zeros((), device=logits.device)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        classes = logits.shape[1]
        spread = torch.ones(classes, device=logits.device) if weights is None else weights
        spread = (spread * (smoothing / classes))[:, None, None]  # what every class gets of every pixel
        for part in chunks(logits):
            probabilities = F.log_softmax(logits[part].float(), dim=1)
            valid = labels[part] != IGNORE
            target = torch.where(valid, labels[part], 0).long()
            wanted = (spread * valid.unsqueeze(1)).scatter_add_(
                1, target.unsqueeze(1), ((1 - smoothing) * class_weight(target, valid, weights)).unsqueeze(1)
            )
            total -= (probabilities * wanted).sum()
            if gradient is not None:
                gradient[part] = probabilities.exp_().mul_(wanted.sum(dim=1, keepdim=True)).sub_(wanted)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outputs[0].to(gradient.dtype), None, None, None


def smoothed_cross_entropy_sum(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, *, smoothing: float = 0.1
) -> Tensor:
    """Sum over valid pixels sum_c w[c] q(c) (-log softmax(logits)[c]), q = (1 - smoothing) onehot(y) + smoothing / K.

    Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, arXiv 1512.00567, section 7.
    With class weights as torch's `cross_entropy` has them: each class's part has its own class's weight.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.
        smoothing: 0..1; 0 is cross-entropy.

    Returns:
        A fp32 scalar; divide it by the global number of valid pixels.
    """
    return _SmoothedSum.apply(logits, labels, weights, smoothing)
