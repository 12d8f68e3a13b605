"""Cross-entropy over the pixels that are not ignored, with one fp32 copy of a few images at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from labeling.annotation import IGNORE
from training.architectures.contract import Architecture, Logits
from training.losses.presence import presence_sum

CHUNK = 1 << 24
"""Logits handled in fp32 at a time: 64 MiB."""


class _CrossEntropySum(torch.autograd.Function):
    """Sum of w[y] (-log softmax(logits)[y]) over valid pixels.

    The gradient, w[y] (softmax - onehot), is made together with the sum and kept in the logits' own dtype. torch's
    composition keeps an fp32 log-softmax of everything until the backward pass, several times the memory for bf16.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        total = torch.zeros((), device=logits.device)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        images = max(1, CHUNK // logits[0].numel())
        for start in range(0, len(logits), images):
            part = slice(start, start + images)
            probabilities = F.log_softmax(logits[part].float(), dim=1)
            valid = labels[part] != IGNORE
            target = torch.where(valid, labels[part], 0).long().unsqueeze(1)
            weight = valid.float() if weights is None else weights[target.squeeze(1)] * valid
            total -= (probabilities.gather(1, target).squeeze(1) * weight).sum()
            if gradient is not None:
                probabilities.exp_()
                probabilities.scatter_(1, target, probabilities.gather(1, target) - 1)
                gradient[part] = probabilities.mul_(weight.unsqueeze(1))
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outputs[0].to(gradient.dtype), None, None


def cross_entropy_sum(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum the cross-entropy over all pixels whose label is not 255.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        weights: (K,) fp32, a weight per class, or None for 1.

    Returns:
        A fp32 scalar; divide it by the global number of valid pixels.
    """
    return _CrossEntropySum.apply(logits, labels, weights)


def resize_labels(labels: Tensor, size: Sequence[int]) -> Tensor:
    """Resize uint8 labels (N, H, W) to `size`, nearest by pixel centre, so that no label is mixed with another."""
    if tuple(labels.shape[-2:]) == tuple(size):
        return labels
    return F.interpolate(labels.unsqueeze(1), size=tuple(size), mode="nearest-exact").squeeze(1)


class ValidPixels:
    """How many pixels of an optimiser step are valid, by size; each size is counted once, whoever asks how often.

    Args:
        labels: (N, H, W) uint8 of every forward pass of the step.
        everywhere: adds up a scalar over all processes that share the step, which ask for the same sizes in the same
            order; alone, the scalar itself.
    """

    def __init__(self, labels: Sequence[Tensor], everywhere: Callable[[Tensor], Tensor] = lambda count: count) -> None:
        self._labels = labels
        self._everywhere = everywhere
        self._known: dict[tuple[int, ...], Tensor] = {}

    def at(self, size: Sequence[int]) -> Tensor:
        """Return the number of pixels that are not 255 with all labels resized to (height, width); at least 1."""
        key = tuple(size)
        if key not in self._known:
            counts = [(resize_labels(part, key) != IGNORE).sum() for part in self._labels]
            self._known[key] = self._everywhere(torch.stack(counts).sum()).clamp(min=1)
        return self._known[key]

    def images(self) -> Tensor:
        """Return the number of images that have a valid pixel; at least 1."""
        if () not in self._known:
            counts = [(part != IGNORE).flatten(1).any(dim=1).sum() for part in self._labels]
            self._known[()] = self._everywhere(torch.stack(counts).sum()).clamp(min=1)
        return self._known[()]


class SegmentationLoss:
    """The loss of an architecture's output and further heads.

    Every head contributes head weight x (sum over its valid pixels) / (number of valid pixels at its size in the
    whole optimiser step, whichever passes and processes share it). The number is the plain count also with class
    weights: those have a mean of 1 over the training pixels (see `training.losses.class_weights`), so the loss keeps
    its scale while it stays a sum that adds up over accumulation steps, which a division by each batch's own weight
    would not.
    """

    def __init__(self, model: Architecture, at: Literal["auto", "logits", "input"], weights: Tensor | None) -> None:
        self._at = model.loss_at if at == "auto" else at
        self._align_corners = model.align_corners
        self._head_weights = model.head_weights
        self._weights = weights

    def __call__(self, logits: Logits, labels: Tensor, valid: ValidPixels) -> Tensor:
        """Return the share of this forward pass in the step's loss.

        Args:
            logits: of this forward pass.
            labels: (N, H, W) uint8 of this forward pass.
            valid: of all forward passes of the optimiser step, this one's included.
        """
        total = self._head(logits.out, labels, valid)
        for name, head in logits.heads.items():
            total = total + self._head_weights[name] * self._head(head, labels, valid)
        if logits.presence is not None:
            share = presence_sum(logits.presence, labels, self._weights) / valid.images()
            total = total + self._head_weights["presence"] * share
        return total

    def _head(self, head: Tensor, labels: Tensor, valid: ValidPixels) -> Tensor:
        size = labels.shape[-2:]
        if self._at == "logits":
            size = head.shape[-2:]
        elif head.shape[-2:] != size:
            head = F.interpolate(head, size=size, mode="bilinear", align_corners=self._align_corners)
        return cross_entropy_sum(head, resize_labels(labels, size), self._weights) / valid.at(size)
