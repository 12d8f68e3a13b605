"""The loss of a network: what a recipe adds up, for the output and every further head."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor

from training.architectures.contract import Architecture, Logits
from training.losses.affinity import affinity_sum
from training.losses.cross_entropy import cross_entropy_sum
from training.losses.dice import dice_sum
from training.losses.focal import focal_sum
from training.losses.label_smoothing import smoothed_cross_entropy_sum
from training.losses.lovasz import lovasz_sum
from training.losses.ohem import ohem_sum
from training.losses.presence import presence_sum
from training.losses.reduce import reduce_photos
from training.losses.tversky import tversky_sum
from training.losses.valid import ValidPixels, resize_labels
from training.recipe_parts import Loss

Sum = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Of logits (N, K, H, W), labels (N, H, W) uint8 and class weights (K,) or None; a fp32 scalar."""


def per_pixel(loss: Loss) -> list[tuple[float, Sum]]:
    """Return the terms that are sums over pixels, each with its weight."""
    plain = partial(smoothed_cross_entropy_sum, smoothing=loss.label_smoothing)
    ohem = partial(ohem_sum, threshold=loss.ohem_threshold, keep=loss.ohem_keep)
    terms: list[tuple[float, Sum]] = [
        (loss.cross_entropy, plain if loss.label_smoothing else cross_entropy_sum),
        (loss.ohem, ohem),
        (loss.focal, partial(focal_sum, gamma=loss.focal_gamma)),
    ]
    return [term for term in terms if term[0]]


def per_image(loss: Loss) -> list[tuple[float, Sum]]:
    """Return the terms that are a figure an image, each with its weight; not the affinity, which sees the photo."""
    tversky = partial(
        tversky_sum, false_positives=loss.tversky_false_positives, false_negatives=loss.tversky_false_negatives
    )
    terms: list[tuple[float, Sum]] = [(loss.dice, dice_sum), (loss.lovasz, lovasz_sum), (loss.tversky, tversky)]
    return [term for term in terms if term[0]]


class SegmentationLoss:
    """The loss of an architecture's output and further heads, as a recipe composes it.

    Every head contributes head weight x sum of the terms, each times its weight. A term is a sum that adds up over the
    forward passes and processes of an optimiser step, divided by a number of all of them:

    - per pixel (cross-entropy, smoothed or not, OHEM, focal): by the valid pixels at the head's size. The plain count
      also with class weights: those have a mean of 1 over the training pixels (see `training.losses.class_weights`), so
      the loss keeps its scale, which a division by each batch's own weight would not leave a sum.
    - per image (Dice, Tversky, Lovász, affinity, presence): by the images that have a valid pixel; all count alike.

    Args:
        model: whose heads they are.
        loss: the recipe's part.
        weights: (K,) fp32, a weight per class, or None for 1.
    """

    def __init__(self, model: Architecture, loss: Loss, weights: Tensor | None) -> None:
        self._at = model.loss_at if loss.at == "auto" else loss.at
        self._align_corners = model.align_corners
        self._head_weights = model.head_weights
        self._presence = model.head_weights.get("presence", 0.0) if loss.presence is None else loss.presence
        self._weights = weights
        self._per_pixel = per_pixel(loss)
        self._per_image = per_image(loss)
        self._affinity = loss.affinity
        self._affinity_sum = partial(
            affinity_sum,
            position=loss.affinity_position,
            pieces=loss.affinity_pieces,
            long_side=loss.affinity_long_side,
            budget=loss.affinity_megabytes << 20,
        )

    def __call__(self, logits: Logits, labels: Tensor, valid: ValidPixels, photos: Tensor | None = None) -> Tensor:
        """Return the share of this forward pass in the step's loss.

        Args:
            logits: of this forward pass.
            labels: (N, H, W) uint8 of this forward pass.
            valid: of all forward passes of the optimiser step, this one's included.
            photos: (N, 3, H, W) uint8 RGB of this forward pass; only the affinity looks at them.

        Raises:
            ValueError: there are no photos for the affinity.
        """
        total = self._head(logits.out, labels, valid, photos)
        for name, head in logits.heads.items():
            total = total + self._head_weights[name] * self._head(head, labels, valid, photos)
        if logits.presence is not None and self._presence:
            share = presence_sum(logits.presence, labels, self._weights) / valid.images()
            total = total + self._presence * share
        return total

    def _head(self, head: Tensor, labels: Tensor, valid: ValidPixels, photos: Tensor | None) -> Tensor:
        size = labels.shape[-2:]
        if self._at == "logits":
            size = head.shape[-2:]
        elif head.shape[-2:] != size:
            head = F.interpolate(head, size=size, mode="bilinear", align_corners=self._align_corners)
        resized = resize_labels(labels, size)
        shares = [weight * term(head, resized, self._weights) / valid.at(size) for weight, term in self._per_pixel]
        shares += [weight * term(head, resized, self._weights) / valid.images(size) for weight, term in self._per_image]
        if self._affinity:
            if photos is None:
                raise ValueError("the affinity loss compares predictions with photos, and was given none")
            colors = reduce_photos(photos, labels, size)
            share = self._affinity_sum(head, resized, colors, self._weights) / valid.images(size)
            shares.append(self._affinity * share)
        total = shares[0]
        for share in shares[1:]:
            total = total + share
        return total
