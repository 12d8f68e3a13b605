"""Whether a network is right as often as it says: the reliability diagram and the expected calibration error.

Pixels are put into equally wide bins by their confidence, the softmax of the class that won. In each bin the mean
confidence is compared with the accuracy, the share of pixels that are right; the expected calibration error (ECE) is
the mean of the absolute differences, weighted by the pixels of the bins (Guo et al., 2017, https://arxiv.org/abs/1706.04599).

Under a mapping a pixel is right where its mapped class is the truth's. Its confidence stays that of the one model class
that won: where several model classes count as one of the dataset's, the probability of that would be their sum, which
is not stored, so that the network seems less sure than it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEPS = 256  # confidences are stored as uint8, 0..255 for 0..1


@dataclass(frozen=True)
class Bin:
    """Pixels of about one confidence.

    Attributes:
        start: their confidence is this or more, 0..1.
        end: and less than this; the last bin's 1 belongs to it.
        pixels: how many there are.
        confidence: their mean, None where there are none.
        accuracy: the share that is right, None where there are none.
    """

    start: float
    end: float
    pixels: int
    confidence: float | None
    accuracy: float | None

    def to_json(self) -> dict[str, float | None]:
        """Return plain JSON values."""
        return {
            "from": self.start,
            "to": self.end,
            "pixels": self.pixels,
            "confidence": self.confidence,
            "accuracy": self.accuracy,
        }


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram.

    Attributes:
        ece: the expected calibration error, 0..1; None without a pixel.
        gap: mean confidence minus accuracy of all pixels: positive for a network that is too sure; None without one.
        bins: in ascending order.
    """

    ece: float | None
    gap: float | None
    bins: tuple[Bin, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"ece": self.ece, "gap": self.gap, "bins": [each.to_json() for each in self.bins]}


@dataclass(frozen=True)
class Calibration:
    """Reliability of all predictions, and of those of each class of the dataset (top-label calibration).

    A class's diagram holds the pixels *predicted* as it: how far to trust the network when it names the class (Gupta
    and Ramdas, 2022, https://arxiv.org/abs/2107.08353).
    """

    whole: Reliability
    classes: tuple[Reliability, ...]


def calibration(
    pixels: NDArray[np.int64], confidence: NDArray[np.int64], columns: NDArray[np.intp], k_truth: int
) -> Calibration:
    """Compare what the network says with how often it is right.

    Args:
        pixels: int64 (bins, k_truth, k_model), by confidence, truth and winner; bin b holds the stored confidences v
            with v * bins // 256 == b, which for v / 255 are bins of equal width.
        confidence: int64 (256, k_model), pixels by stored confidence and winner; (256,) where the winners are not
            known, as in older evaluations: a class's bin is then given the mean confidence of all pixels of the bin.
        columns: (k_model,), 0..k_truth, as `training.evaluation.mapping.targets` gives them.
        k_truth: number of truth classes.

    Raises:
        ValueError: the two count different pixels.
    """
    bins, _, k_model = pixels.shape
    if confidence.sum() != pixels.sum():
        raise ValueError(f"expected as many confidences as pixels, found {confidence.sum()} and {pixels.sum()}")
    by_winner = pixels.sum(axis=1)  # (bins, k_model)
    sums = _confidence_sums(confidence, bins, by_winner)
    right = np.zeros((bins, k_model), np.int64)
    aimed = np.flatnonzero(columns < k_truth)
    right[:, aimed] = pixels[:, columns[aimed], aimed]
    classes = [columns == index for index in range(k_truth)]
    return Calibration(
        whole=_reliability(by_winner, right, sums),
        classes=tuple(_reliability(by_winner[:, ours], right[:, ours], sums[:, ours]) for ours in classes),
    )


def _confidence_sums(confidence: NDArray[np.int64], bins: int, by_winner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of the confidences of each bin and winner, 0..1 a pixel, (bins, k_model)."""
    values = np.arange(_STEPS)
    weights = np.zeros((bins, _STEPS))
    weights[values * bins // _STEPS, values] = values / (_STEPS - 1)
    known = weights @ confidence
    if confidence.ndim == 2:
        return known
    pixels = by_winner.sum(axis=1)
    return by_winner * np.divide(known, pixels, out=np.zeros(bins), where=pixels > 0)[:, None]


def _reliability(pixels: NDArray[np.int64], right: NDArray[np.int64], confidence: NDArray[np.float64]) -> Reliability:
    """Join the winners, (bins, winners) each; `confidence` is summed over pixels."""
    counts, hits, sums = pixels.sum(axis=1), right.sum(axis=1), confidence.sum(axis=1)
    found = [
        Bin(
            start=place / len(counts),
            end=(place + 1) / len(counts),
            pixels=count,
            confidence=total / count if count else None,
            accuracy=hit / count if count else None,
        )
        for place, (count, hit, total) in enumerate(zip(counts.tolist(), hits.tolist(), sums.tolist(), strict=True))
    ]
    whole = int(counts.sum())
    if not whole:
        return Reliability(None, None, tuple(found))
    return Reliability(
        ece=float(np.abs(sums - hits).sum()) / whole, gap=float((sums - hits).sum()) / whole, bins=tuple(found)
    )
