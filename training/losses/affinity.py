"""Affinity loss: pixels that look alike should be predicted alike."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from labeling.annotation import IGNORE
from training.losses.affinity_tiles import multiply
from training.losses.per_class import masked_softmax
from training.losses.reduce import mean_of_valid

BUDGET = 256 << 20
"""Bytes for tiles of the matrix and what they are multiplied with."""


class _OneMinusCosine(torch.autograd.Function):
    """1 - cos(A, P P^T) for the image's affinity A, both (M, M), neither ever whole in memory.

    With W = diag(mass), Q = W P, G = A Q, S = P^T W P (K x K) and sums over pairs weighted by mass(p) mass(q):

        <A, P P^T>  = sum(Q o G) = trace(Q^T A Q)
        |P P^T|^2   = |S|^2
        |A|^2       = mass^T (A o A) mass, a constant
        d cos / d P = W (2 G / (|A| |S|) - 2 <A, P P^T> P S / (|A| |S|^3))

    so one pass over the tiles, for G and |A|, gives the value and the gradient.
    """

    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, features: Tensor, mass: Tensor, budget: int) -> Tensor:
        with torch.autocast(probabilities.device.type, enabled=False):
            weighed = probabilities * mass[:, None]
            product, square = multiply(features, weighed, mass, budget)
            common = torch.linalg.vecdot(weighed.flatten().double(), product.flatten().double())
            overlap = (probabilities.T @ weighed).double()
            image, predicted = square.sqrt(), torch.linalg.vector_norm(overlap)
            cosine = common / (image * predicted)
            if ctx.needs_input_grad[0]:
                product *= (-2 / (image * predicted)).float()
                product.addmm_(probabilities, (2 * cosine / predicted**2 * overlap).float())
                ctx.save_for_backward(product.mul_(mass[:, None]))
            return (1 - cosine).float()

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * outputs[0], None, None, None


def affinity_features(colors: Tensor, position: float) -> Tensor:
    """Return what the L1 distance of two pixels is taken of: RGB and `position` x (x, y), x and y in 0..1.

    Args:
        colors: (3, H, W) fp32, RGB in 0..1.
        position: lambda.

    Returns:
        (5, H, W) fp32.
    """
    height, width = colors.shape[1:]
    x = torch.linspace(0, position, width, device=colors.device).expand(height, width)
    y = torch.linspace(0, position, height, device=colors.device)[:, None].expand(height, width)
    return torch.cat([colors, x[None], y[None]])


def affinity_sum(
    logits: Tensor,
    labels: Tensor,
    colors: Tensor,
    weights: Tensor | None = None,
    *,
    position: float = 0.1,
    pieces: int = 1,
    long_side: int | None = None,
    budget: int = BUDGET,
) -> Tensor:
    """Sum over images 1 - cos(A_image, A_prediction), over all pairs of pixels that are not ignored.

    A_image(p, q) = exp(-|c_p - c_q|_1 - lambda |l_p - l_q|_1), c = RGB / 255, l = (x / (W - 1), y / (H - 1));
    A_prediction(p, q) = <P_p, P_q>, P the softmax. Yuan, Fang, Lu, Feng, ACM TOMM 15(3), 2019, doi 10.1145/3321512
    (SSPFPN), which adds it to the cross-entropy as gamma CE + (1 - gamma) affinity with gamma 0.85: in a recipe
    `{cross_entropy: 0.85, affinity: 0.15}`. After a student report that restates its equations; the paper was not at
    hand.

    Deviations: A_prediction there is 1 where the predicted classes are equal and 0 elsewhere, which has no gradient;
    the softmax stands for it, and gives the same once it is sure. There an image is cut into pieces (8 x 8) because the
    matrix does not fit; here it need not be (`pieces=1`), the matrix is exact at any size and never in memory. Class
    weights, which the report has none of, weigh each pair by those of its two pixels' true classes.

    Each image that has a valid pixel counts alike, whatever it is batched with, and parts of a step add up to the
    whole. Computed in fp32, its last sums in fp64.

    Args:
        logits: (N, K, H, W), fp32, bf16 or fp16.
        labels: (N, H, W) uint8, 0..K-1 or 255.
        colors: (N, 3, H, W) fp32, RGB in 0..1.
        weights: (K,) fp32, a weight per class, or None for 1.
        position: lambda, at least 0.
        pieces: cut the image into pieces x pieces rectangles and take the mean over those that have a valid pixel;
            pairs across them do not count. Positions stay those in the whole image.
        long_side: average photo, probabilities and weights over what is valid, down to so many pixels on the longer
            side; None: as they are.
        budget: bytes for tiles of the matrix and what they are multiplied with.

    Returns:
        A fp32 scalar; divide it by the global number of images that have a valid pixel.
    """
    probabilities = masked_softmax(logits, labels)
    valid = labels != IGNORE
    mass = valid.float() if weights is None else weights[labels.masked_fill(~valid, 0).long()] * valid
    size = reduced_size(labels.shape[-2:], long_side)
    if size != tuple(labels.shape[-2:]):
        probabilities, colors, mass = (
            mean_of_valid(values, valid, size) for values in (probabilities, colors, mass.unsqueeze(1))
        )
        mass = mass.squeeze(1)
    total = torch.zeros((), device=logits.device)
    for image, weight, color in zip(probabilities, mass, colors, strict=True):
        features = affinity_features(color, position)
        losses = []
        for piece in _pieces(size, pieces):
            inside = weight[piece].flatten().nonzero().squeeze(1)
            if not len(inside):
                continue
            rows = image[:, *piece].flatten(1)[:, inside].T.contiguous()
            # What every pair is multiplied with cancels out, so only the ratio of weights counts.
            share = weight[piece].flatten()[inside]
            share = share / share.mean()
            where = features[:, *piece].flatten(1)[:, inside].contiguous()
            losses.append(_OneMinusCosine.apply(rows, where, share, budget))
        # Nothing that counts: no loss, and a gradient of 0 rather than none.
        total = total + (torch.stack(losses).mean() if losses else 0 * image.sum())
    return total


def reduced_size(size: tuple[int, ...] | torch.Size, long_side: int | None) -> tuple[int, int]:
    """Return (height, width) with at most `long_side` on the longer side, in proportion."""
    height, width = size
    factor = 1.0 if long_side is None else min(1.0, long_side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _pieces(size: tuple[int, int], pieces: int) -> Iterator[tuple[slice, slice]]:
    rows, columns = ([length * i // pieces for i in range(pieces + 1)] for length in size)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield slice(top, bottom), slice(left, right)
