"""What a network says of a photo, and what many photos share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.documents import Document
from training.numerics import Precision

Scores = Literal["bins", "probabilities"]
SCORE_BINS = 100
"""Bins of a probability, equally wide; bin i holds [i, i + 1) / 100, the last one also 1."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of a photo, at the photo's own size after EXIF rotation.

    Attributes:
        index: uint8 (H, W), index into the model's classes.
        confidence: uint8 (H, W), softmax of the winning class, 0..255 for 0..1.
        scores: every class's softmax at every `stride`-th pixel of both axes, beginning with the first: float32
            (K, h, w), or its `SCORE_BINS` bin, uint8; None unless asked for.
        stride: see `scores`.
        entropy: mean over the pixels of `scores` of the softmax's entropy, divided by log K: 0 where the network is
            sure of one class everywhere, 1 where all K are as likely; None where there are no scores.
    """

    index: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    scores: NDArray[np.uint8] | NDArray[np.float32] | None = None
    stride: int = 1
    entropy: float | None = None


class Settled(Document):
    """What depends on the free memory or on a measurement, decided once for many photos of one size.

    Attributes:
        precision: what the network computes in.
        batch: photos at once.
        window: side of the windows; a photo that is not larger is seen whole.
    """

    precision: Precision
    batch: int
    window: int
